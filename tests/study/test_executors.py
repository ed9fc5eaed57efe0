"""Executors: every task once, whatever happens to the workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from capsim.study.executors import Processes, Serial, cores, executor_for
from tests.study import tasks

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_every_task_is_answered_once(executor):
    answers = dict(executor.run(tasks.double, list(range(20))))
    assert answers == {number: 2 * number for number in range(20)}


def test_no_tasks():
    assert list(Processes(2).run(tasks.double, [])) == []


def test_workers_are_used_again():
    workers = {pid for _, pid in Processes(2).run(tasks.worker_of, list(range(20)))}
    assert len(workers) == 2
    assert os.getpid() not in workers


def test_a_worker_that_dies_costs_its_own_task_alone():
    answers = dict(Processes(2).run(tasks.die_of_seven, list(range(20))))
    assert answers == {number: None if number == 7 else 2 * number for number in range(20)}


def test_closing_early_ends_the_workers():
    with closing(Processes(2).run(tasks.worker_of, list(range(200)))) as answers:
        workers = {pid for _, (_, pid) in zip(range(10), answers)}
    assert all(_gone(pid) for pid in workers)


def test_workers_go_when_their_parent_is_killed(tmp_path):
    place = tmp_path / "pid"
    program = (
        "from capsim.study.executors import Processes\nfrom tests.study import tasks\n"
        f"list(Processes(2).run(tasks.note_and_wait, [{str(place)!r}]))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    try:
        _until(lambda: place.is_file() and place.read_text())
    finally:
        parent.kill()
        parent.wait()
    worker = int(place.read_text())
    _until(lambda: _gone(worker))


def test_one_job_needs_no_processes():
    assert isinstance(executor_for(1), Serial)
    assert isinstance(executor_for(2), Processes)
    assert cores() >= 1


def _gone(pid: int) -> bool:
    """No such process, or one that only waits to be collected."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def _until(true, patience_s: float = 120.0) -> None:
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "gave up waiting"
        time.sleep(0.05)
