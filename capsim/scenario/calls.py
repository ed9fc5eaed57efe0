"""What a request does besides using CPU: calls to others, how it reaches a pod, what it holds, what is promised.

Defaults are those of common proxies: back-off 25 ms (Envoy's base interval), no retries and no time-out unless asked
for (Kubernetes itself has neither), requests spread at random (kube-proxy per connection, many proxies per request).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from capsim.scenario.model import (
    AtLeastOne,
    Milliseconds,
    Model,
    NotNegative,
    Positive,
    Ratio,
    Switch,
    Text,
    WholeNumber,
    problem,
)

Percent = Annotated[float, Field(gt=0, lt=100, allow_inf_nan=False, strict=True)]


class Call(Model):
    """One call to another service; or, with `parallel`, several at the same time."""

    service: Text | None = Field(None, description="The service that is called.")
    parallel: list[Call] = Field([], description="Calls made at the same time, instead of `service`.")
    one_of: list[Call] = Field(
        [], description="Or one of these calls: `perRequest` is how often it is that one, together at most 1."
    )
    ingress: Switch = Field(
        False,
        description="The traffic of the called service comes in here: it is called as often as its `traffic` says. "
        "Written by capsim for the controller of an Ingress.",
    )
    per_request: Positive = Field(
        1.0, le=1000, description="Calls per request: 0.3 is every third request or so, 2 are two after the other."
    )
    timeout_ms: Milliseconds | None = Field(
        None, gt=0, alias="timeout", description="The caller gives up after so long; the callee works on all the same."
    )
    retries: WholeNumber = Field(0, le=20, description="How often a call that failed is tried again.")
    backoff_ms: Milliseconds = Field(25, alias="backoff", description="Pause before another try.")
    retry_budget: Ratio | None = Field(
        None, description="Retries are at most this share of calls (Envoy's default is 0.2); absent: no limit."
    )
    cache_hits: Ratio = Field(0.0, description="Share of calls that a cache answers at once.")
    optional: Switch = Field(False, description="The request succeeds even if this call fails.")
    recursive: Switch = Field(
        False, description="The call closes a circle of services: rounds die out, as `perRequest` is below 1."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if [self.service is not None, bool(self.parallel), bool(self.one_of)].count(True) != 1:
            allowed = "service: name, parallel: [calls], or oneOf: [calls]"
            raise problem("a call names one service, several in parallel, or one of several", allowed)
        for key, calls in (("parallel", self.parallel), ("oneOf", self.one_of)):
            if any(call.service is None for call in calls):
                raise problem("calls within calls within a call", "calls with a service each", key=key)
        if self.ingress and (self.per_request != 1.0 or self.cache_hits):
            raise problem("how often a service is called is given, and follows its traffic", "ingress: true alone")
        shares = sum(call.per_request for call in self.one_of if not call.ingress)
        if shares > 1.0 + 1e-9:
            raise problem("more than one of them is called", "perRequest of at most 1 in all", key="oneOf")
        return self

    def single(self) -> list[Call]:
        """The calls of this step: itself, or those under `parallel` or `oneOf`."""
        return self.parallel or self.one_of or [self]


class Balancing(Model):
    """How requests are spread over the Ready pods."""

    policy: Literal["random", "roundRobin", "leastRequests", "randomOfTwo", "connection"] = Field(
        "random",
        description="Per request (L7): `random`, `roundRobin`, `leastRequests`, `randomOfTwo`. `connection` (L4, "
        "kube-proxy): a pod is drawn when a connection opens, and serves all its requests.",
    )
    connections: AtLeastOne = Field(
        100, le=100_000, description="Open connections of all clients together (`connection`)."
    )
    connection_lifetime_ms: Milliseconds = Field(
        3_600_000, gt=0, alias="connectionLifetime", description="Mean life of a connection, exponential."
    )


class ServiceTime(Model):
    """How long a pod works on a request: asked for, it switches response times of the workload on."""

    variation: NotNegative = Field(
        1.0, le=10, description="Coefficient of variation (deviation / mean) of the CPU time; 1 is exponential."
    )
    wait_ms: Milliseconds = Field(0, alias="wait", description="Time that is not on the CPU: disks, third parties.")
    wait_variation: NotNegative = Field(0.0, le=10, description="Coefficient of variation of that time.")
    concurrency: WholeNumber = Field(
        0, le=100_000, description="Requests that a pod works on at a time (threads); 0: no limit, they share the CPU."
    )
    queue: WholeNumber | None = Field(
        None, description="Requests that may wait in a pod, beyond which they are refused; absent: requestTimeout."
    )


class Visit(Model):
    """One step of a journey."""

    service: Text = Field(description="The service that is asked.")
    requests: AtLeastOne = Field(1, le=1000, description="Requests, one after the other.")


class LatencyObjective(Model):
    """So many percent of requests within so long."""

    percentile: Percent = Field(99.0, description="Percent of requests that are to be fast enough.")
    below_ms: Milliseconds = Field(gt=0, alias="below", description="Response time, end to end.")


class Slo(Model):
    """A service level objective; failed requests count as bad in both kinds."""

    name: Text = Field("", description="Name; default made of the parts.")
    service: Text | None = Field(None, description="The service whose responses count, calls included.")
    journey: Text | None = Field(None, description="Or the journey.")
    latency: LatencyObjective | None = Field(None, description="Share of requests within a time.")
    availability: Percent | None = Field(None, description="Percent of requests that succeed.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.service is None) == (self.journey is None):
            raise problem("an SLO is about a service or a journey", "one of service and journey")
        if (self.latency is None) == (self.availability is None):
            raise problem("an SLO has one objective", "one of latency and availability")
        return self

    @property
    def objective_ratio(self) -> float:
        """Share of requests that are to be good."""
        return (self.latency.percentile if self.latency else self.availability or 0.0) / 100.0

    @property
    def label(self) -> str:
        """The name, or one made of the parts."""
        subject = self.service or self.journey or ""
        kind = f"p{self.latency.percentile:g}" if self.latency else "availability"
        return self.name or f"{subject.rpartition('/')[2]} {kind}"
