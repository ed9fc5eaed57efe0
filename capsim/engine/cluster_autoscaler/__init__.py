"""The Cluster Autoscaler in a run: what it sees of the tables, and how its decisions change them."""
