"""Which runs a batch has, and what they are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.errors import ScenarioError
from capsim.scenario import Scenario
from capsim.study.cases import ScenarioFiles, cases_of


def test_scenarios_times_seeds():
    cases = cases_of(["a/app10.yaml", "b/shop.yaml"], seeds=3, sets=["duration=1m"])
    assert [(case.scenario, case.seed_step) for case in cases] == [(n, s) for n in ("app10", "shop") for s in range(3)]
    assert cases[0].source == ScenarioFiles("a/app10.yaml", (), ("duration=1m",))


def test_names_are_as_long_as_they_must_be():
    files = ["x/shop/dev.yaml", "x/bank/dev.yaml", "x/shop/qa.yaml", "x/toy/scenario.yaml"]
    assert [case.scenario for case in cases_of(files)] == ["shop-dev", "bank-dev", "qa", "toy"]


def test_one_file_named_twice_runs_once():
    assert len(cases_of(["app10.yaml", "app10.yaml"])) == 1


def test_same_stem_with_two_endings():
    assert len({case.scenario for case in cases_of(["a/app10.yaml", "a/app10.yml"])}) == 2


def test_patterns_that_the_shell_left_alone(variants):
    folder = variants[0].parent
    assert [case.scenario for case in cases_of([f"{folder}/*.yaml"])] == ["large", "small"]
    assert [case.scenario for case in cases_of([f"{folder}/none-*.yaml"])] == ["none-*"]  # fails when it is read


def test_loaded_scenarios_are_named_by_themselves():
    cases = cases_of([Scenario(name="a"), Scenario(name="a"), Scenario(name="b")])
    assert [case.scenario for case in cases] == ["a", "a-2", "b"]


@pytest.mark.parametrize(
    ("scenarios", "more", "says"),
    [
        ([], {}, "no scenario"),
        (["a.yaml"], {"seeds": 0}, "at least 1 seed"),
        ([Scenario()], {"sets": ["a=b"]}, "loaded already"),
    ],
)
def test_nothing_to_run(scenarios, more, says):
    with pytest.raises(ScenarioError, match=says):
        cases_of(scenarios, **more)


PART = st.text("ab", min_size=1, max_size=2)


@given(st.lists(st.tuples(PART, PART, PART, st.sampled_from([".yaml", ".yml"])), min_size=1, max_size=12))
def test_names_are_unique_and_no_paths(parts):
    files = [f"{a}/{b}/{stem}{ending}" for a, b, stem, ending in parts]
    names = [case.scenario for case in cases_of(files)]
    assert len(set(names)) == len(names) == len(set(files))
    assert not any("/" in name for name in names)
