"""Executors: where the cases of a batch run. Another one (Dask, a queue of machines) needs only :class:`Executor`."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")
FORK_SERVER = sys.platform == "linux"
PRELOADED = ["capsim.study.preload", "capsim.cli"]
QUEUED_PER_WORKER = 3  # no worker waits for work, and little is lost when a batch is interrupted


class Executor(Protocol):
    """Runs one picklable function over many picklable tasks."""

    def run(self, function: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[tuple[Task, Answer | None]]:
        """Each task with its answer, in the order in which they are done; None: the worker died of this task.

        The function does not raise. Closing the iterator (or an interrupt) stops what still runs.
        """


class Serial:
    """In this process, one after the other."""

    def run(self, function: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[tuple[Task, Answer | None]]:
        """See :class:`Executor`."""
        for task in tasks:
            yield task, function(task)


class Processes:
    """``jobs`` worker processes, each used for many tasks; forked from a server that has loaded everything once.

    Where there is no fork server (Windows, macOS) workers are spawned. As always with those, a program that starts
    them needs ``if __name__ == "__main__":`` around its main part.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._context = multiprocessing.get_context("forkserver" if FORK_SERVER else "spawn")
        prepare()

    def run(self, function: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[tuple[Task, Answer | None]]:
        """See :class:`Executor`. Tasks that were under way when a worker died are repeated, each in a process alone."""
        if not FORK_SERVER:
            _compile_here()
        todo = list(tasks)
        while todo:
            suspects: list[Task] = []
            done: set[int] = set()
            for index, answer in self._pooled(function, todo, min(self._jobs, len(todo)), suspects):
                done.add(index)
                yield todo[index], answer
            yield from self._alone(function, suspects)
            suspected = {id(task) for task in suspects}
            todo = [task for i, task in enumerate(todo) if i not in done and id(task) not in suspected]

    def _pooled(
        self, function: Callable[[Task], Answer], tasks: list[Task], jobs: int, suspects: list[Task]
    ) -> Iterator[tuple[int, Answer]]:
        """Until all are done, or a worker dies: then ``suspects`` holds the tasks that were under way."""
        before = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(jobs, mp_context=self._context, initializer=_start_worker)
        waiting = iter(enumerate(tasks))
        running: dict[Future[Answer], int] = {}
        try:
            while _submit(pool, function, waiting, running, jobs * QUEUED_PER_WORKER):
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    answer = future.result()
                    yield running.pop(future), answer
            pool.shutdown()
        except BrokenProcessPool:
            suspects += [tasks[index] for index in running.values()]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()  # nothing is left when all went well

    def _alone(self, function: Callable[[Task], Answer], suspects: list[Task]) -> Iterator[tuple[Task, Answer | None]]:
        for task in suspects:
            died: list[Task] = []
            yield from ((task, answer) for _, answer in self._pooled(function, [task], 1, died))
            if died:
                yield task, None


def prepare() -> None:
    """Start the fork server without waiting for it: it loads the libraries while this process does other things."""
    if FORK_SERVER:
        from multiprocessing.forkserver import ensure_running

        multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
        ensure_running()


def early_workers(tasks: int) -> Processes | None:
    """Workers that load the libraries while this process reads the scenario; None where that would gain nothing."""
    jobs = min(cores(), tasks)
    return Processes(jobs) if FORK_SERVER and jobs > 1 else None


def executor_for(jobs: int) -> Executor:
    """:class:`Serial` for one job, :class:`Processes` for more."""
    return Serial() if jobs <= 1 else Processes(jobs)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _submit(
    pool: ProcessPoolExecutor,
    function: Callable[[Task], Answer],
    waiting: Iterator[tuple[int, Task]],
    running: dict[Future[Answer], int],
    most: int,
) -> bool:
    """Fill up what runs; False when nothing is left."""
    while len(running) < most:
        index, task = next(waiting, (-1, None))
        if task is None:
            break
        running[pool.submit(function, task)] = index
    return bool(running)


def _start_worker() -> None:
    """Load everything (nothing is left to do in a forked worker), and go when the parent does, however it goes."""
    import capsim.study.preload  # noqa: F401

    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def _compile_here() -> None:
    from capsim.engine.run import warm

    warm()
