"""Flags of kube-controller-manager that reach the HPA controller, as ``--flag`` and ``--set`` take them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from capsim.controllers.hpa.releases import LATEST, release_of
from capsim.controllers.hpa.spec import ControllerSettings
from capsim.errors import Problem, ScenarioError
from capsim.scenario.merge import suggestion
from capsim.units import DURATION_FORMS, parse_duration_ms

PREFIX = "horizontal-pod-autoscaler-"
RELEASE = "release"
"""Not a flag of the controller, but which one it is."""
RELEASES = [f"{major}.{minor}" for major, minor in [(1, 15), *((1, minor) for minor in range(27, LATEST[1] + 1))]]
FLAGS = {
    f"{PREFIX}tolerance": "tolerance_ratio",
    f"{PREFIX}sync-period": "sync_period_ms",
    f"{PREFIX}downscale-stabilization": "downscale_stabilization_ms",
    f"{PREFIX}cpu-initialization-period": "cpu_initialization_ms",
    f"{PREFIX}initial-readiness-delay": "initial_readiness_delay_ms",
    RELEASE: "release",
}


def is_flag(text: str) -> bool:
    """Whether a setting is one of the controller's, not of the HPA."""
    name = text.strip().lstrip("-")
    return name.startswith(PREFIX) or name.partition("=")[0] == RELEASE


def with_flags(settings: ControllerSettings, flags: Sequence[str]) -> ControllerSettings:
    """The settings with ``name=value`` of each flag. Raises ScenarioError with every problem."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for text in flags:
        name, _, value = text.strip().lstrip("-").partition("=")
        attribute = FLAGS.get(name)
        if attribute is None:
            message = f"no such flag{suggestion(name, list(FLAGS))}"
            problems.append(Problem(message, key="--flag", found=repr(name), allowed=", ".join(FLAGS)))
            continue
        try:
            values[attribute] = _value(value, attribute)
        except ValueError as error:
            allowed = {"tolerance_ratio": "0 or more", "release": ", ".join(RELEASES)}.get(attribute, DURATION_FORMS)
            problems.append(Problem(str(error), key=f"--flag {name}", found=repr(value), allowed=allowed))
    if problems:
        raise ScenarioError(problems)
    return replace(settings, **values)


def _value(text: str, attribute: str) -> Any:
    if attribute == "release":
        if text not in RELEASES:
            raise ValueError("not a release whose rules are known")
        return release_of(text)
    return _ratio(text) if attribute.endswith("_ratio") else _duration_ms(text, attribute)


def _ratio(text: str) -> float:
    ratio = float(text)
    if not math.isfinite(ratio) or ratio < 0:
        raise ValueError("not a tolerance")
    return ratio


def _duration_ms(text: str, attribute: str) -> int:
    duration_ms = parse_duration_ms(text)
    if attribute == "sync_period_ms" and duration_ms < 1000:
        raise ValueError("a sync period below 1s")
    return duration_ms
