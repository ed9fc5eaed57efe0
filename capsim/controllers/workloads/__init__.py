"""Workload controllers: replica sets and DaemonSets."""
