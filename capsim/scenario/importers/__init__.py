"""Scenarios from what people have: dumps of a cluster, rendered charts, recorded usage."""
