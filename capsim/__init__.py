"""capsim: capacity planning and autoscaling benchmarks for Kubernetes, in virtual time."""
