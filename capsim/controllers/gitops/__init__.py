"""Continuous delivery: what sets declared fields back to what Git says."""
