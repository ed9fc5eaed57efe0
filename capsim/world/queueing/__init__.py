"""Response times of one station: from utilisation and variation to a distribution, checked against simulation."""
