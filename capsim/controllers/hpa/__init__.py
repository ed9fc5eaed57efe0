"""The HorizontalPodAutoscaler controller of kube-controller-manager v1.36, decision by decision.

``tables`` says what the arrays hold, ``spec`` makes them from manifests, ``codes`` and ``messages`` translate numbers
into upstream's words. The kernels are called from a compiled loop; one sync of HPA ``h`` at ``now_ms`` reads::

    step = begin(specs, state, h, now_ms, current)                      # current: spec.replicas of the target
    if step == GATHER:
        for m in range(specs.row[h, S_METRIC_FIRST], specs.row[h, S_METRIC_END]):
            g = state.gathered
            clear(g)
            add_counted(g, settled, usage_milli, settled * request_milli)    # all settled pods in one step
            for pod in young_pods:                                           # one by one
                group = classify(phase, deleting, has_value, is_cpu, start_ms, ready, ready_ms,
                                 sampled_ms, window_ms, now_ms, init_ms, delay_ms)
                add_pods(g, group, 1, has_value, usage_milli, request_milli, percent_of_missing(specs, m))
            propose(specs, state, h, m, current, status_replicas)
    desired = decide(specs, state, h, now_ms, current, step)
    ...                                                                 # desired != current: update the scale
    commit(specs, state, h, now_ms, current, desired, updated)
    wake_ms = next_change_ms(specs, state, h, now_ms, current)          # sleep until then while no input changes

On waking from skipped syncs, before ``begin``: ``extend_log(specs, state, h, last_tick_ms)`` with the time of the HPA's
own last tick that was skipped. Usage and requests are milli-cores, or milli-bytes for memory (bytes * 1000); a pod's
request is the sum over its containers and sidecars. For Object and External metrics set ``g[G_USAGE]`` to the value,
``g[G_LISTED]`` and ``g[G_RUNNING_READY]`` to the pods that the selector lists and to those that are Running and Ready.
``g[G_ERROR]`` says that a metric could not be had.
"""
