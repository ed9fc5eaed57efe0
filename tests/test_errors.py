"""Errors name file, line, key, what was found and what is allowed."""

from __future__ import annotations

import pickle

import pytest

from capsim.errors import CapsimError, OutputError, Problem, RunError, ScenarioError


def test_a_problem_reads_as_one_line():
    problem = Problem("out of range", "a.yaml", 3, "nodeGroups.workers.max", "2", "at least 3")
    assert str(problem) == "a.yaml:3: nodeGroups.workers.max: out of range; found 2; allowed: at least 3"


def test_empty_parts_are_left_out():
    assert str(Problem("no scenario is named")) == "no scenario is named"
    assert str(Problem("the file is empty", "a.yaml")) == "a.yaml: the file is empty"


def test_an_error_holds_all_problems():
    error = ScenarioError([Problem("one", "a", 1), "two"])
    assert [p.message for p in error.problems] == ["one", "two"]
    assert str(error) == "a:1: one\ntwo"


@pytest.mark.parametrize(("kind", "code"), [(ScenarioError, 2), (RunError, 3), (OutputError, 4)])
def test_each_class_has_its_exit_code(kind, code):
    assert issubclass(kind, CapsimError)
    assert kind("x").exit_code == code


def test_errors_cross_process_borders():
    error = pickle.loads(pickle.dumps(ScenarioError(Problem("one", "a", 1))))
    assert isinstance(error, ScenarioError)
    assert error.problems == [Problem("one", "a", 1)]
