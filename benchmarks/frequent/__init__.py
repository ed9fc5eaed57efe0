"""One kernel at a time: what every simulated second goes through."""
