"""Whatever stands in a dump, the import ends with a scenario that loads, or with an error of capsim's own."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capsim.errors import ScenarioError
from capsim.scenario import load
from capsim.scenario.importers.assemble import Options, imported
from capsim.scenario.importers.write import write_scenario
from tests.scenario.importers.builders import hpa, node, pod, pods, spec, workload
from tests.scenario.importers.conftest import Dumps
from tests.scenario.importers.test_groups import scaler

BODY = spec(
    priorityClassName="high",
    nodeSelector={"pool": "a"},
    affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["a"]}]}]}}},
    topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    tolerations=[{"key": "x", "operator": "Exists"}],
    volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
)  # fmt: skip
ITEMS = [
    node("n1", {"pool": "a", "topology.kubernetes.io/zone": "z"}, taints=[{"key": "x", "effect": "NoSchedule"}]),
    node("n2", {"eks.amazonaws.com/nodegroup": "b"}),
    workload("Deployment", "web", 2, pod=BODY),
    workload("ReplicaSet", "web-abc", 2, owner=("apps/v1", "Deployment", "web"), pod=BODY),
    *pods(("apps/v1", "ReplicaSet", "web-abc"), 2, ("n1", "n2"), body=BODY),
    workload("StatefulSet", "db", 1),
    *pods(("apps/v1", "StatefulSet", "db"), 1),
    workload("DaemonSet", "agent"),
    *pods(("apps/v1", "DaemonSet", "agent"), 2, ("n1", "n2")),
    pod("etcd-n1", "n1", ("v1", "Node", "n1")),
    hpa("web", now=50),
    scaler("--nodes=1:5:b", "--scan-interval=10s"),
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
     "spec": {"selector": {"app": "web"}}},
    {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web", "namespace": "shop"},
     "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}},
    {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 100},
    {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": {"name": "db-0", "namespace": "shop"},
     "containers": [{"name": "app", "usage": {"cpu": "5m", "memory": "1Mi"}}]},
]  # fmt: skip
VALUES = st.sampled_from(
    [None, True, 0, -1, 3.5, 10**30, "", "text", "5", "-3", "1e400", "x" * 300, "ä/ö", [], [None], ["a", 1], {},
     {"a": {}}, {"name": "x"}, [{"name": "x"}], [[]]]
)  # fmt: skip


def paths(value, at=()):
    """Every place in nested values."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*at, key)
        yield from paths(item, (*at, key))


PLACES = list(paths(ITEMS))


def mutated(changes):
    items = copy.deepcopy(ITEMS)
    for place, value, delete in changes:
        container = items
        try:
            for key in place[:-1]:
                container = container[key]
            if delete:
                del container[place[-1]]
            else:
                container[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has taken the place away
    return items


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES, st.booleans()), min_size=1, max_size=4), st.booleans())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_dumps(changes, as_json):
    with tempfile.TemporaryDirectory() as folder:
        path = Dumps(Path(folder)).write("dump.json" if as_json else "dump.yaml", mutated(changes))
        try:
            made = imported([path], Options())
        except ScenarioError:
            return
        assert made.findings.totals.objects >= len(ITEMS) - 5
        if made.objects or made.nodes:
            write_scenario(made, Path(folder) / "out")
            load(Path(folder) / "out")
