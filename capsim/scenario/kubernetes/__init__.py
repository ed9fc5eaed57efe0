"""Kubernetes objects: one file for each family of kinds, and the registry that finds them."""
