"""The HPA's view of a pod's request."""

from __future__ import annotations

from capsim.controllers.hpa.grouping import NO_CONTAINER, NO_REQUEST
from capsim.controllers.hpa.requests import request_milli
from capsim.scenario.kubernetes.pod import Container, PodTemplate


def container(name, cpu=None, memory=None, restart_policy=None):
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value is not None}
    return Container(name=name, requests=requests, restart_policy=restart_policy)


def test_sidecars_count_and_init_containers_do_not():
    template = PodTemplate(
        containers=(container("a", 100, 10), container("b", 200, 20)),
        init_containers=(container("init", 5000, 5000), container("side", 50, 5, "Always")),
    )
    assert request_milli(template, "cpu") == 350
    assert request_milli(template, "memory") == 35_000
    assert request_milli(template, "cpu", "b") == 200
    assert request_milli(template, "cpu", "side") == 50
    assert request_milli(template, "cpu", "init") == NO_CONTAINER


def test_one_container_without_a_request_is_enough():
    template = PodTemplate(containers=(container("a", 100), container("b", memory=1)))
    assert request_milli(template, "cpu") == NO_REQUEST
    assert request_milli(template, "cpu", "a") == 100


def test_pod_level_requests_win_except_for_one_container():
    template = PodTemplate(containers=(container("a", 100, 7), container("b")), pod_requests={"cpu": 900})
    assert request_milli(template, "cpu") == 900
    assert request_milli(template, "memory") == 7000
    assert request_milli(template, "cpu", "a") == 100
    assert request_milli(template, "cpu", "b") == NO_REQUEST
