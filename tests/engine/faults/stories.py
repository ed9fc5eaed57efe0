"""Small clusters in which something breaks."""

from __future__ import annotations

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import ConstantSeries, ServiceSpec, TimedEvent
from tests.engine.clusters import behaviour, cluster, deployment, group

WEB = "default/Deployment/web"
MINUTE_MS = 60_000


def event(at_ms, **action):
    return TimedEvent.model_validate({"at": f"{at_ms}ms", **action})


def web_cluster(events, groups=None, replicas=6, rps=60.0, **more):
    """A Deployment under traffic; a pod serves 100 requests per second."""
    web = deployment("web", replicas, cpu_milli=1000, limit_milli=1000, **more.pop("template", {}))
    settings = {
        "services": {"default/web": ServiceSpec(workloads=[WEB], overload="drop")},
        "traffic": {"default/web": ConstantSeries(constant=rps)},
        "workloads": {WEB: behaviour(10.0)},
        "events": events,
        "duration_ms": 20 * MINUTE_MS,
        "sample_interval_ms": 1_000,
    }
    return cluster([web], groups or [group(cpu_milli=3000, count=3)], **{**settings, **more})


def played(scenario):
    """The run to its end, and its result."""
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    return sim, collect(sim)


def series(result, column):
    frame = result.series["workloads"]
    return frame[frame["workload"] == WEB].set_index("time_ms")[column]


def times_of(result, reason):
    return result.events[result.events["reason"] == reason]["time_ms"].tolist()
