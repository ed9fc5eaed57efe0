"""Starts, compilation, and the loop of a developer: edit, run."""
