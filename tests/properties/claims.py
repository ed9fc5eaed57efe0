"""Claims of random scenarios: shared, or one for each ordinal; bound at once, or where the pod goes."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import strategies as st

from capsim.controllers.scheduler.reasons import PASS
from capsim.engine.volumes import labels_of, place_of
from capsim.scenario.kubernetes.storage import Claim, StorageClass
from capsim.state import tables as t
from capsim.state.tables_volumes import H_NODE, H_USERS, Q_ALONE

DRIVER = "ebs.csi.aws.com"


@st.composite
def with_claims(draw, scenario):
    """The scenario, in which StatefulSets have claim templates, and others share a claim."""
    mode = draw(st.sampled_from(["Immediate", "WaitForFirstConsumer", "WaitForFirstConsumer"]))
    spec = {"accessModes": [draw(st.sampled_from(["ReadWriteOnce", "ReadWriteMany"]))], "storageClassName": "gp3"}
    spec["resources"] = {"requests": {"storage": "1Gi"}}
    listed, claims = [], []
    for workload in scenario.objects.workloads:
        if workload.kind == "StatefulSet" and draw(st.booleans()):
            workload = workload.model_copy(update={"claim_templates": [{"name": "data", "spec": spec}]})
        elif workload.kind in ("Deployment", "StatefulSet") and draw(st.booleans()):
            claims.append(Claim(namespace=workload.namespace, name=f"of-{workload.name}", spec=spec))
            volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": claims[-1].name}}]
            template = workload.template.model_copy(update={"volumes": volumes})
            workload = workload.model_copy(update={"template": template})
        listed.append(workload)
    classes = [StorageClass(name="gp3", provisioner=DRIVER, binding_mode=mode)]
    objects = scenario.objects.model_copy(update={"workloads": listed, "claims": claims, "storage_classes": classes})
    limits = draw(st.sampled_from([{}, {DRIVER: 2}]))
    groups = [group.model_copy(update={"attach_limits": limits}) for group in scenario.node_groups]
    return scenario.model_copy(update={"objects": objects, "node_groups": groups})


def has_claims(scenario) -> bool:
    """Whether pods of the scenario have claims."""
    return bool(scenario.objects.claims) or any(workload.claim_templates for workload in scenario.objects.workloads)


def check_volumes(sim) -> None:
    """Every pod is where its volumes can be used; a volume of one node is used on one; users are counted."""
    book, s = sim.names.claims, sim.state
    if book is None:
        return
    volumes = s.scheduling.volumes
    users = Counter()
    for p in range(len(s.pods.state)):
        w, n = int(s.pods.workload[p]), int(s.pods.node[p])
        if s.pods.state[p] == t.POD_FREE or w not in book.set_of:
            continue
        q = book.set_of[w]
        place = place_of(sim, q, p)
        if n < 0 or volumes.site[q, place] == 0:
            continue
        keys = book.known(book.sets[q].keys(int(s.pods.ordinal[p])) if book.sets[q].own else book.sets[q].keys(0))
        if s.pods.created_ms[p] >= 0:  # pods of the start have their volumes wherever they are
            assert book.binder.verdict(keys, labels_of(sim, n)) == PASS
        if volumes.setting[q, Q_ALONE] and volumes.held[q, place, H_NODE] == s.nodes.uid[n]:
            users[q, place] += s.pods.step_ms[p] != t.NEVER
        elif volumes.setting[q, Q_ALONE]:
            assert s.pods.state[p] != t.POD_READY
    for (q, place), count in users.items():
        assert volumes.held[q, place, H_USERS] == count
    taken = s.scheduling.extras.attach_limit
    free = (s.nodes.state == t.NODE_FREE) | has_recorded(sim)
    assert ((taken < 0) | (s.presence.attached <= taken) | free[:, None]).all()


def has_recorded(sim):
    """Nodes on which pods of ``placement`` still are, whatever these nodes have room for."""
    pods, found = sim.state.pods, np.zeros(len(sim.state.nodes.uid), np.bool_)
    if sim.scenario.initial_state == "recorded":
        found[pods.node[(pods.state != t.POD_FREE) & (pods.created_ms < 0) & (pods.node >= 0)]] = True
    return found
