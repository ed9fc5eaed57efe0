"""The node lifecycle and taint eviction controllers (kube-controller-manager v1.36): who is unreachable, who is evicted
when. Pure rules; ``engine/faults`` lets them act in a run."""
