"""CPU that pods use beyond their requests: while they start (``startupCpu``), and while they are cold (``warmUp``)."""

from __future__ import annotations

from capsim.state.tables import NEVER

# Stages of a pod. BURNT: its process is up, a probe has yet to find that out; from COOLING on: 0, 1, 2, … steps warmer.
WARM, BURNING, BURNT, COOLING = 0, 1, 2, 3
# Columns of ``PodUsage.warmth``: stage; how many times the CPU of a warm pod a request costs its first container; CPU
# that it uses beyond idle and warm requests, milli, since when (ms), and so much in all since its containers started
# (milli-seconds); that at the previous and the last published scrape and at the last one taken; when its containers
# started (ms); and when a probe gives its start up (ms).
H_STAGE, H_FACTOR, H_CPU, H_SINCE, H_AREA, H_PREV, H_LAST, H_TAKEN, H_BEGIN, H_LIMIT = range(10)
H_COLUMNS = 10
# Columns of ``Physics.warm``: pods of the workload that are not WARM, the CPU (H_CPU) of all of them, milli; then
# what does not change: CPU of a start, milli-seconds, and how much of it at most at a time, milli; the factor at the
# start and the length of a step towards 1, ms; cost of a request to the first container, milli-seconds, and the
# requests per second that its limit lets a warm one serve.
V_COUNT, V_CPU, V_WORK, V_SPEED, V_FACTOR, V_STEP_MS, V_COST, V_CAP = range(8)
V_COLUMNS = 8
STEPS, STEPS_PER_HALF_LIFE = 12, 2
"""A cold pod is warm after this many steps: of the extra cost 2 % are left then, which are left out."""
BURNS_MS = NEVER - 1
"""``Pods.step_ms`` of a pod whose start burns CPU: when that ends is in ``PodUsage.due``."""
