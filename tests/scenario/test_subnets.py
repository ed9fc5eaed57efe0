"""Subnets in a scenario file: sizes, names, zones, and what cannot be."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import load

GROUP = "{name: w, instance: {cpu: 4, memory: 8Gi}, min: 2, max: 4"


def scenario(folder, group, subnets):
    folder.write("s.yaml", f"apiVersion: capsim/v1\nnodeGroups:\n- {GROUP}{group}}}\nsubnets: {subnets}\n")
    return load(folder.path / "s.yaml")


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("{cidr: 10.0.0.0/24}", 251),
        ("{cidr: 10.0.0.0/24, reserved: 0}", 256),
        ("{cidr: 10.0.0.0/31, reserved: 5}", 0),
        ("{addresses: 17}", 17),
    ],
)
def test_how_many_addresses_there_are(folder, written, size):
    """The first four and the last of a cloud's subnet are nobody's."""
    found = scenario(folder, "", f"{{s: {written}}}")
    assert found.subnets["s"].size() == size


@pytest.mark.parametrize(
    ("group", "subnets", "text"),
    [
        (", subnet: t", "{s: {addresses: 9}}", "no such subnet"),
        (", subnet: s", "{s: {addresses: 1}}", "the nodes of the start take 2 addresses"),
        (", subnet: s", "{s: {}}", "a subnet has a cidr or a number of addresses"),
        (", subnet: s", "{s: {cidr: 10.0.0.1/24}}", "not an IPv4 range"),
        (", podAddresses: {}", "{s: {addresses: 9}}", "pods get their addresses from a subnet, and none is named"),
        (", podAddresses: {subnet: s, block: 16}", "{s: {addresses: 9}}", "does not fit into subnet s"),
        (", podAddresses: {subnet: s, nodeMask: 29}", "{s: {addresses: 9}}", "the nodes of the start take 16"),
        (", podAddresses: {subnet: s, nodeMask: 29, warm: 2}", "{s: {addresses: 99}}", "neither taken in blocks"),
        (", podAddresses: {subnet: s, block: 0}", "{s: {addresses: 99}}", "block"),
        (", zones: [x, y], subnet: {x: s}", "{s: {addresses: 9}}", "a zone of the group has no subnet"),
        (", zones: [x], subnet: {x: s, z: s}", "{s: {addresses: 9}}", "the group has no nodes in this zone"),
    ],
)
def test_what_cannot_be_is_a_problem_with_its_place(folder, group, subnets, text):
    with pytest.raises(ScenarioError) as caught:
        scenario(folder, group, subnets)
    assert text in str(caught.value)
    assert "s.yaml:" in str(caught.value)
