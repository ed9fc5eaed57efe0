"""What Kubernetes decides: one package per control loop, in upstream's own words.

A controller sees only what the real one sees, API objects and delayed metrics, never the world's true state.
"""
