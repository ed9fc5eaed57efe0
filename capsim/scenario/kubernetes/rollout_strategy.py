"""How a Deployment or StatefulSet is rolled out: strategy, deadlines, history, checked as the API server does.

Source: kubernetes v1.36 pkg/apis/apps/validation (ValidateDeploymentSpec, ValidateRollingUpdateDeployment) and
pkg/apis/apps/v1/defaults.go.
"""

from __future__ import annotations

import re
from typing import Any

from capsim.scenario.document import describe
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source
from capsim.scenario.kubernetes.storage import claim_spec

DEFAULT_BOUND = "25%"
DAEMON_BOUNDS = {"maxSurge": 0, "maxUnavailable": 1}
DEFAULT_DEADLINE_S = 600
DEFAULT_HISTORY = 10
BOUND_FORMS = "a whole number of pods such as 1, or a share such as 25%"
_PERCENT = re.compile(r"(\d+)%")


def bound_of(value: Any) -> tuple[int, bool] | None:
    """(number, whether it is in percent) of an IntOrString; None when it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, False) if value >= 0 else None
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    return (int(match[1]), True) if match else None


def rolling_bounds(strategy: dict[str, Any]) -> tuple[tuple[int, bool], tuple[int, bool]]:
    """(maxSurge, maxUnavailable) of a checked strategy, upstream's 25 % where they are missing."""
    rolling = strategy.get("rollingUpdate") or {}
    surge, unavailable = (bound_of(rolling.get(key, DEFAULT_BOUND)) for key in ("maxSurge", "maxUnavailable"))
    assert surge is not None
    assert unavailable is not None
    return surge, unavailable


def daemon_bounds(strategy: dict[str, Any]) -> tuple[tuple[int, bool], tuple[int, bool]]:
    """(maxSurge, maxUnavailable) of a DaemonSet's checked strategy, upstream's 0 and 1 where they are missing."""
    rolling = strategy.get("rollingUpdate") or {}
    surge, unavailable = (bound_of(rolling.get(key, default)) for key, default in DAEMON_BOUNDS.items())
    assert surge is not None
    assert unavailable is not None
    return surge, unavailable


def check_rollout(source: Source, reading: Reading) -> dict[str, Any] | None:
    """Fields of the Workload of a Deployment that say how it is rolled out; None after a problem."""
    before = len(reading.problems)
    _check_strategy(source, reading)
    found: dict[str, Any] = {"paused": bool(source.get("spec", "paused"))}
    for key, name, default in (
        ("minReadySeconds", "min_ready_s", 0),
        ("progressDeadlineSeconds", "progress_deadline_s", DEFAULT_DEADLINE_S),
        ("revisionHistoryLimit", "revision_history_limit", DEFAULT_HISTORY),
    ):
        value = source.get("spec", key)
        found[name] = default if value is None else value
        if found[name] < 0:
            _fail(source, reading, (key,), "negative", value, "0 or more")
    if found["progress_deadline_s"] <= found["min_ready_s"]:
        allowed = f"more than minReadySeconds ({found['min_ready_s']})"
        _fail(source, reading, ("progressDeadlineSeconds",), "too short", found["progress_deadline_s"], allowed)
    return found if len(reading.problems) == before else None


def check_daemons(source: Source, reading: Reading) -> dict[str, Any] | None:
    """Fields of the Workload of a DaemonSet (ValidateDaemonSetSpec, ValidateRollingUpdateDaemonSet); None after a
    problem."""
    before = len(reading.problems)
    least = source.get("spec", "minReadySeconds") or 0
    if least < 0:
        _fail(source, reading, ("minReadySeconds",), "negative", least, "0 or more")
    kind = source.get("spec", "updateStrategy", "type") or "RollingUpdate"
    rolling = source.get("spec", "updateStrategy", "rollingUpdate")
    path = ("updateStrategy", "rollingUpdate")
    if kind not in ("RollingUpdate", "OnDelete"):
        _fail(source, reading, ("updateStrategy", "type"), "unknown strategy", kind, "RollingUpdate, OnDelete")
    elif kind == "RollingUpdate" and rolling is not None:
        _check_daemon_bounds(source, reading, path, rolling)
    return {"min_ready_s": least} if len(reading.problems) == before else None


def _check_daemon_bounds(source: Source, reading: Reading, path: tuple[str, ...], rolling: Any) -> None:
    bounds = {key: bound_of(rolling.get(key, default)) for key, default in DAEMON_BOUNDS.items()}
    for key, bound in bounds.items():
        if bound is None:
            _fail(source, reading, (*path, key), "neither a number of pods nor a share", rolling.get(key), BOUND_FORMS)
        elif bound[1] and bound[0] > 100:
            _fail(source, reading, (*path, key), "more than all pods", rolling.get(key), "100%")
    given = [bound for bound in bounds.values() if bound is not None]
    if len(given) == len(bounds) and all(bound[0] == 0 for bound in given):
        text = "may not be 0 when maxSurge is 0: nothing could be replaced"
        _fail(source, reading, (*path, "maxUnavailable"), text, rolling.get("maxUnavailable"), BOUND_FORMS)
    if len(given) == len(bounds) and all(bound[0] > 0 for bound in given):
        text = "may not be given when maxUnavailable is"
        _fail(source, reading, (*path, "maxSurge"), text, rolling.get("maxSurge"), "0, or maxUnavailable: 0")


def check_stateful(source: Source, reading: Reading) -> dict[str, Any] | None:
    """Fields of the Workload of a StatefulSet (ValidateStatefulSetSpec); None after a problem."""
    before = len(reading.problems)
    management = source.get("spec", "podManagementPolicy") or "OrderedReady"
    if management not in ("OrderedReady", "Parallel"):
        _fail(source, reading, ("podManagementPolicy",), "unknown policy", management, "OrderedReady, Parallel")
    kind = source.get("spec", "updateStrategy", "type") or "RollingUpdate"
    path = ("updateStrategy", "rollingUpdate")
    if kind not in ("RollingUpdate", "OnDelete"):
        _fail(source, reading, ("updateStrategy", "type"), "unknown strategy", kind, "RollingUpdate, OnDelete")
    elif kind == "OnDelete" and source.get("spec", *path) is not None:
        _fail(source, reading, path, "may not be given with type OnDelete", source.get("spec", *path), "nothing")
    elif kind == "RollingUpdate":
        _check_stateful_bound(source, reading, (*path, "maxUnavailable"))
    found: dict[str, Any] = {"pod_management": management}
    templates = source.get("spec", "volumeClaimTemplates") or []
    found["claim_templates"] = [
        {"name": one.get("metadata", {}).get("name") or "", "spec": claim_spec(one.get("spec") or {})}
        for one in templates
    ]
    for one in found["claim_templates"]:
        if not one["name"] or not ((one["spec"].get("resources") or {}).get("requests") or {}).get("storage"):
            allowed = "metadata.name and spec.resources.requests.storage"
            _fail(source, reading, ("volumeClaimTemplates",), "a claim without name or size", one["name"], allowed)
    for keys, name in (
        (("minReadySeconds",), "min_ready_s"),
        (("ordinals", "start"), "first_ordinal"),
        ((*path, "partition"), ""),
    ):
        value = source.get("spec", *keys) or 0
        if value < 0:
            _fail(source, reading, keys, "negative", value, "0 or more")
        elif name:
            found[name] = value
    return found if len(reading.problems) == before else None


def _check_stateful_bound(source: Source, reading: Reading, path: tuple[str, ...]) -> None:
    value = source.get("spec", *path)
    bound = bound_of(1 if value is None else value)
    if bound is None:
        _fail(source, reading, path, "neither a number of pods nor a share", value, BOUND_FORMS)
    elif bound[0] == 0:
        _fail(source, reading, path, "may not be 0: nothing could be replaced", value, BOUND_FORMS)
    elif bound[1] and bound[0] > 100:
        _fail(source, reading, path, "more than all pods", value, "100%")


def _fail(source: Source, reading: Reading, path: tuple[str, ...], message: str, found: Any, allowed: str) -> None:
    whole = ("spec", *path)
    reading.problem(source.object_name, ".".join(whole), message, source.at(*whole), describe(found), allowed)


def _check_strategy(source: Source, reading: Reading) -> None:
    kind = source.get("spec", "strategy", "type") or "RollingUpdate"
    rolling = source.get("spec", "strategy", "rollingUpdate")
    if kind not in ("RollingUpdate", "Recreate"):
        _fail(source, reading, ("strategy", "type"), "unknown strategy", kind, "RollingUpdate, Recreate")
        return
    if rolling is None:
        return
    path = ("strategy", "rollingUpdate")
    if kind == "Recreate":
        _fail(source, reading, path, "may not be given with type Recreate", rolling, "nothing, or type RollingUpdate")
        return
    bounds = {key: bound_of(rolling.get(key, DEFAULT_BOUND)) for key in ("maxSurge", "maxUnavailable")}
    for key, bound in bounds.items():
        if bound is None:
            _fail(source, reading, (*path, key), "neither a number of pods nor a share", rolling.get(key), BOUND_FORMS)
    if bounds["maxUnavailable"] is not None and bounds["maxUnavailable"][1] and bounds["maxUnavailable"][0] > 100:
        _fail(source, reading, (*path, "maxUnavailable"), "more than all pods", rolling.get("maxUnavailable"), "100%")
    if all(bound is not None and bound[0] == 0 for bound in bounds.values()):
        text = "may not be 0 when maxSurge is 0: nothing could be replaced"
        _fail(source, reading, (*path, "maxUnavailable"), text, rolling.get("maxUnavailable"), BOUND_FORMS)
