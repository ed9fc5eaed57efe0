"""One mechanism at a time, on a cluster of realistic size."""
