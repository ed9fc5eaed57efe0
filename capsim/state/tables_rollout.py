"""What controllers keep of Deployments that are rolled out within the run, and of StatefulSets.

A workload that is rolled out has a row of its own in ``Workloads`` (kind ``KIND_ROLLOUT`` or ``KIND_STATEFULSET``,
without pods) and one for each of its revisions. Both tables have a row for every workload; other workloads' rows are
unused.
"""

from __future__ import annotations

from typing import NamedTuple

from capsim.state.tables import I64

# Columns of Rollouts.setting.
(
    D_RECREATE,
    D_SURGE,
    D_SURGE_IS_PERCENT,
    D_UNAVAILABLE,
    D_UNAVAILABLE_IS_PERCENT,
    D_MIN_READY_MS,
    D_DEADLINE_MS,
    D_HISTORY,
    D_PAUSED,
    D_TEMPLATE,
    D_NUMBER,
    D_PROGRESS_MS,
    D_PHASE,
) = range(13)
"""D_TEMPLATE: row of the revision that spec.template says. D_NUMBER: the last revision number given."""
(D_SEEN_UPDATED, D_SEEN_OLD, D_SEEN_READY, D_SEEN_AVAILABLE) = range(13, 17)
"""Status at the last sync: replicas of the new ReplicaSet and of the others, Ready and available ones of all."""
(D_PARALLEL, D_PARTITION, D_ON_DELETE, D_FIRST, D_CURRENT) = range(17, 22)
"""Of StatefulSets: pod management, partition and strategy, first ordinal, row of the revision below the partition."""
SETTING_COLUMNS = 22
# Values of D_PHASE.
COMPLETE, PROGRESSING, TIMED_OUT = 0, 1, 2

# Columns of Rollouts.revision. R_WANTED and R_MOST are the annotations desired-replicas and max-replicas.
R_EXISTS, R_NUMBER, R_CREATED, R_WANTED, R_MOST, R_AVAILABLE, R_SHARE = range(7)
REVISION_COLUMNS = 7


class Rollouts(NamedTuple):
    """Deployments with several revisions."""

    setting: I64
    """[W, SETTING_COLUMNS] for the row of a Deployment."""
    revision: I64
    """[W, REVISION_COLUMNS] for the row of a ReplicaSet. R_AVAILABLE and R_SHARE are scratch of one sync."""
