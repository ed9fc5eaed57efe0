"""Custom and external metrics: what the names that HorizontalPodAutoscalers ask for measure in the simulated world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, model_validator

from capsim.scenario.cluster_autoscaler import flag_name
from capsim.scenario.model import Milliseconds, Model, Text, problem
from capsim.scenario.series import AnySeries

if TYPE_CHECKING:
    from capsim.scenario.kubernetes.hpa import Hpa
    from capsim.scenario.scenario import Scenario

Measure = Literal["rps", "inFlight", "backlog"]


class MetricSpec(Model):
    """What one custom or external metric measures: something of the world, or a recorded series."""

    measures: Measure | None = Field(
        None,
        description="`rps`: requests per second, a rate over the counter (per pod those that it answered, per service "
        "those that arrived); `inFlight`: requests in progress or waiting; `backlog`: requests that wait.",
    )
    of: Text | None = Field(
        None,
        description="Service that Object and External metrics look at; default of an Object metric: the Service that "
        "it describes. Pods metrics look at the pods of the HPA's target.",
    )
    series: AnySeries | None = Field(
        None, description="Recorded values instead (a queue's length, a business figure), for External and Object."
    )
    rate_window_ms: Milliseconds | None = Field(
        None, gt=0, alias="rateWindow", description="Window of the rate of `rps`; default that of the adapter."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.measures is None) == (self.series is None):
            raise problem("not one source", "measures: rps, inFlight or backlog; or series: <series>")
        if self.series is not None and self.of is not None:
            raise problem("a recorded series is not of a service", "either of, or series", key="of")
        if self.rate_window_ms is not None and self.measures != "rps":
            raise problem("only a rate has a window", "rateWindow with measures: rps", key="rateWindow")
        return self


class PrometheusSpec(Model):
    """Prometheus, which the adapter asks (defaults of Prometheus 3)."""

    model_config = ConfigDict(alias_generator=flag_name)

    scrape_interval_ms: Milliseconds = Field(
        60_000, gt=0, description="Time between two scrapes of a target (global scrape_interval)."
    )
    lookback_delta_ms: Milliseconds = Field(
        300_000, gt=0, description="Age at which a sample is too old to be a gauge's value (--query.lookback-delta)."
    )


class PrometheusAdapterSpec(Model):
    """prometheus-adapter: custom.metrics.k8s.io and external.metrics.k8s.io."""

    model_config = ConfigDict(alias_generator=flag_name)

    metrics_relist_interval_ms: Milliseconds = Field(
        600_000, gt=0, description="Time between two looks at which metrics there are (--metrics-relist-interval)."
    )
    metrics_max_age_ms: Milliseconds | None = Field(
        None,
        gt=0,
        description="Samples older than that do not list a metric (--metrics-max-age); default the interval.",
    )
    rate_window_ms: Milliseconds = Field(
        300_000, gt=0, description="Window of rates: the `[5m]` in the metricsQuery of its default rules."
    )


class Source(NamedTuple):
    """Where the value of one metric of an HPA comes from: of a workload's pods, of a service, or recorded."""

    spec: MetricSpec
    name: str
    workload: str | None
    service: str | None


def identifier(metric: Mapping[str, Any]) -> tuple[str, str]:
    """(type, metric name) of an autoscaling/v2 metric; the name is empty for Resource and ContainerResource."""
    kind = str(metric["type"])
    body = metric.get(kind[:1].lower() + kind[1:]) or {}
    return kind, str((body.get("metric") or {}).get("name", ""))


def described_service(hpa: Hpa, metric: Mapping[str, Any]) -> str | None:
    """namespace/name of the Service that an Object metric describes, None for another kind."""
    described = (metric.get("object") or {}).get("describedObject") or {}
    return f"{hpa.namespace}/{described.get('name')}" if described.get("kind") == "Service" else None


def asked_for(scenario: Scenario) -> Iterator[Source]:
    """The sources of all metrics that HPAs of the scenario ask for, those that its events apply included."""
    from capsim.scenario.kubernetes.hpa import Hpa

    applied = [event.apply.object for event in scenario.events if event.apply is not None]
    for hpa in [*scenario.objects.hpas, *(one for one in applied if isinstance(one, Hpa))]:
        for metric in hpa.metrics:
            source = source_of(scenario.metrics, hpa, metric)
            if source is not None:
                yield source


def source_of(metrics: Mapping[str, MetricSpec], hpa: Hpa, metric: Mapping[str, Any]) -> Source | None:
    """The source of a metric of ``hpa``, None where the scenario gives none."""
    kind, name = identifier(metric)
    spec = metrics.get(name)
    if spec is None or kind not in ("Pods", "Object", "External"):
        return None
    if kind == "Pods":
        return Source(spec, name, hpa.target_key, None) if spec.measures is not None else None
    service = spec.of or (described_service(hpa, metric) if kind == "Object" else None)
    return Source(spec, name, None, service) if spec.series is not None or service is not None else None
