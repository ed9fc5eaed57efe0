"""What a container says of its own start and end: probes, hooks, pull policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.model import Model, WholeNumber

coverage(
    "Probe", "initialDelaySeconds periodSeconds successThreshold failureThreshold httpGet tcpSocket grpc exec "
    "timeoutSeconds terminationGracePeriodSeconds"
)  # fmt: skip
coverage("Lifecycle", "preStop", {"postStart": "postStart hooks are not modelled"})
coverage("LifecycleHandler", "exec sleep httpGet tcpSocket")
_SLEEP = re.compile(r"(?:^|[;&\s])sleep\s+(\d+)s?\b")


class Probe(Model):
    """When a container is asked whether it has started, or is ready; defaults as upstream's."""

    initial_delay_s: WholeNumber = Field(0, description="initialDelaySeconds.")
    period_s: WholeNumber = Field(10, description="periodSeconds.")
    success_threshold: WholeNumber = Field(1, description="successThreshold.")
    failure_threshold: WholeNumber = Field(3, description="failureThreshold.")

    def manifest(self) -> dict[str, Any]:
        """The probe as a manifest writes it; what it asks is not kept."""
        return {
            "initialDelaySeconds": self.initial_delay_s,
            "periodSeconds": self.period_s,
            "successThreshold": self.success_threshold,
            "failureThreshold": self.failure_threshold,
        }


def read_probe(raw: Mapping[str, Any] | None) -> Probe | None:
    """A probe, None where there is none; zero means upstream's default."""
    if raw is None:
        return None
    return Probe(
        initial_delay_s=raw.get("initialDelaySeconds") or 0,
        period_s=raw.get("periodSeconds") or 10,
        success_threshold=raw.get("successThreshold") or 1,
        failure_threshold=raw.get("failureThreshold") or 3,
    )


def pre_stop_s(lifecycle: Mapping[str, Any] | None) -> int:
    """How long a preStop hook takes: that of `sleep`, or of a command that sleeps; other hooks take no time."""
    hook = (lifecycle or {}).get("preStop") or {}
    if hook.get("sleep"):
        return int(hook["sleep"].get("seconds") or 0)
    command = " ".join(str(word) for word in (hook.get("exec") or {}).get("command") or [])
    found = _SLEEP.search(command)
    return int(found.group(1)) if found else 0


def pull_policy(image: str, policy: str | None) -> str:
    """imagePullPolicy, defaulted as the API server does: Always for `latest` or no tag."""
    if policy:
        return policy
    name = image.partition("@")
    if name[1]:
        return "IfNotPresent"
    tagged = image.rfind(":") > image.rfind("/")
    return "Always" if not tagged or image.endswith(":latest") else "IfNotPresent"
