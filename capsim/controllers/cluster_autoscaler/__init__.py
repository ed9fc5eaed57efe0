"""Cluster Autoscaler: scan, estimator, expanders, scale-up and scale-down."""
