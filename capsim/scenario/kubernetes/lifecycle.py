"""What a container says of its own start and end: probes, hooks, pull policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

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


ASKS = ("httpGet", "grpc", "tcpSocket", "exec")


class Probe(Model):
    """When a container is asked whether it has started, is ready, or is alive; defaults as upstream's."""

    initial_delay_s: WholeNumber = Field(0, description="initialDelaySeconds.")
    period_s: WholeNumber = Field(10, description="periodSeconds.")
    success_threshold: WholeNumber = Field(1, description="successThreshold.")
    failure_threshold: WholeNumber = Field(3, description="failureThreshold.")
    timeout_s: WholeNumber = Field(1, description="timeoutSeconds.")
    asks: Literal["httpGet", "grpc", "tcpSocket", "exec"] = Field("httpGet", description="How it asks.")

    def manifest(self) -> dict[str, Any]:
        """The probe as a manifest writes it; what it asks for is not kept."""
        return {
            self.asks: {},
            "initialDelaySeconds": self.initial_delay_s,
            "periodSeconds": self.period_s,
            "successThreshold": self.success_threshold,
            "failureThreshold": self.failure_threshold,
            "timeoutSeconds": self.timeout_s,
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
        timeout_s=raw.get("timeoutSeconds") or 1,
        asks=next((way for way in ASKS if raw.get(way) is not None), "httpGet"),
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
