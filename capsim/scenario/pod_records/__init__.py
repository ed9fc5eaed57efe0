"""Tables of recorded pods (``pods`` in a scenario file) to ReplicaSets with lifetimes."""
