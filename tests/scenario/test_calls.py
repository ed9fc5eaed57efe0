"""Bad calls, SLOs and service times: each problem with its key, what was found and what is allowed."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import load

HEAD = """
apiVersion: capsim/v1
nodeGroups: [{name: n, instance: {cpu: 8, memory: 32Gi}, min: 1, max: 1}]
objects:
"""
OBJECT = (
    "  - {apiVersion: apps/v1, kind: Deployment, metadata: {name: %s}, spec: {replicas: 1, selector: {matchLabels: "
    "{app: %s}}, template: {metadata: {labels: {app: %s}}, spec: {containers: [{name: c, resources: {limits: {cpu: "
    "%s}}}]}}}}\n"
)


def problems(tmp_path, text, limit="1"):
    path = tmp_path / "s.yaml"
    path.write_text(HEAD + "".join(OBJECT % (n, n, n, limit) for n in "abc") + text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(path)
    return "\n".join(str(problem) for problem in caught.value.problems)


def services(**calls):
    lines = [f"  {n}: {{workloads: [{n}], calls: {calls.get(n, '[]')}}}" for n in "abc"]
    return "services:\n" + "\n".join(lines) + "\ntraffic: {a: 10}\n"


def test_a_circle_is_named(tmp_path):
    said = problems(tmp_path, services(a="[{service: b}]", b="[{service: c}]", c="[{service: a}]"))
    assert "services.default/c.calls[0].service" in said
    assert "default/a -> default/b -> default/c -> default/a" in said
    assert "recursive: true" in said


def test_a_recursion_must_die_out(tmp_path):
    said = problems(tmp_path, services(a="[{service: b}]", b="[{service: a, recursive: true, perRequest: 1}]"))
    assert "does not die out" in said


def test_a_fan_out_that_explodes(tmp_path):
    said = problems(tmp_path, services(a="[{service: b, perRequest: 500}]", b="[{service: c, perRequest: 500}]"))
    assert "250,000 calls of default/c for one request to default/a" in said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("{service: nobody}", "no such service"),
        ("{}", "one service, several in parallel, or one of several"),
        ("{oneOf: [{service: b, perRequest: 0.7}, {service: c, perRequest: 0.4}]}", "more than one of them"),
        ("{oneOf: [{parallel: [{service: b}]}]}", "calls within calls"),
        ("{service: b, ingress: true, perRequest: 0.5}", "ingress: true alone"),
        ("{service: b, ingress: true}", "comes in here has none"),
        ("{service: b, perRequest: -1}", "perRequest"),
        ("{service: b, perRequest: .nan}", "perRequest"),
        ("{service: b, cacheHits: 1.5}", "cacheHits: out of range"),
        ("{service: b, timeout: 0s}", "timeout"),
        ("{service: b, retries: 1000}", "retries"),
        ("{service: b, retires: 1}", "retires"),
    ],
)
def test_bad_calls(tmp_path, call, said):
    assert said in problems(tmp_path, services(a=f"[{call}]"))


@pytest.mark.parametrize("percentile", ["0", "100", "-5", "101", ".nan"])
def test_percentiles_lie_between_0_and_100(tmp_path, percentile):
    slo = f"slos: [{{service: a, latency: {{percentile: {percentile}, below: 1s}}}}]\n"
    assert "slos[0].latency.percentile" in problems(tmp_path, services() + slo)


def test_slos_are_about_something_and_have_one_objective(tmp_path):
    assert "one of service and journey" in problems(tmp_path, services() + "slos: [{availability: 99}]\n")
    assert "one of latency and availability" in problems(tmp_path, services() + "slos: [{service: a}]\n")
    assert "no such journey" in problems(tmp_path, services() + "slos: [{journey: buy, availability: 99}]\n")
    twice = "slos: [{service: a, availability: 99}, {service: a, availability: 98}]\n"
    assert "two SLOs of one name" in problems(tmp_path, services() + twice)


def test_zero_capacity_is_refused(tmp_path):
    workloads = "workloads: {a: {containers: {c: {cpuPerRequest: 10m}}, serviceTime: {}}}\n"
    assert "zero capacity" in problems(tmp_path, services() + workloads, limit="0")
    assert "no time at all" in problems(tmp_path, services() + "workloads: {a: {serviceTime: {}}}\n")


def test_a_service_without_workloads_is_refused(tmp_path):
    assert "no workloads" in problems(tmp_path, services(a="[{service: d}]").replace("traffic", "  d: {}\ntraffic"))
