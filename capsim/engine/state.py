"""The state of a run: all tables in one tuple. Only the loop takes it whole; kernels take what they need."""

from __future__ import annotations

from typing import NamedTuple

from capsim.controllers.cluster_autoscaler.tables import CaTables
from capsim.controllers.hpa.tables import HpaSpecs, HpaState
from capsim.state.tables import (
    Classes,
    Clock,
    Containers,
    Groups,
    Heap,
    HpaLinks,
    Log,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Presence,
    Queue,
    Samples,
    Traffic,
    Wheels,
    Workloads,
)
from capsim.state.tables_adapter import Adapter, SelfHeal
from capsim.state.tables_admission import Admission
from capsim.state.tables_calls import Calls, Connections, Serving
from capsim.state.tables_jobs import Jobs
from capsim.state.tables_lifetimes import Lifetimes
from capsim.state.tables_rollout import Rollouts
from capsim.state.tables_scheduler import Scheduling
from capsim.state.tables_startup import Startup


class State(NamedTuple):
    """Every array that a run reads or writes."""

    clock: Clock
    heap: Heap
    wheels: Wheels
    pods: Pods
    links: PodLinks
    usage: PodUsage
    classes: Classes
    nodes: Nodes
    scan: NodeScan
    groups: Groups
    workloads: Workloads
    physics: Physics
    containers: Containers
    traffic: Traffic
    serving: Serving
    calls: Calls
    connections: Connections
    marks: Marks
    queue: Queue
    presence: Presence
    scheduling: Scheduling
    startup: Startup
    hpas: HpaLinks
    adapter: Adapter
    heal: SelfHeal
    rollouts: Rollouts
    autoscaler: CaTables
    jobs: Jobs
    lifetimes: Lifetimes
    admission: Admission
    specs: HpaSpecs
    hpa: HpaState
    log: Log
    samples: Samples
