"""What happens to submissions whose worker is lost; the workers themselves: ``test_grade.py``."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from autograder import unit, workers
from autograder.workers import Work, Workers


class Pool:
    """Runs all that it has at once; a deadly task takes the others along, as memory does."""

    def __init__(self, deadly=(), broken=False):
        self.deadly, self.broken, self.waiting = deadly, broken, []

    def submit(self, function, task):
        if self.broken:
            raise BrokenProcessPool("as it begins")
        future = Future()
        self.waiting.append((future, task))
        return future

    def run(self):
        dies = any(task in self.deadly for _, task in self.waiting)
        for future, task in self.waiting:
            if dies:
                future.set_exception(BrokenProcessPool("a process is gone"))
            else:
                future.set_result(unit.Outcome(task))
        self.waiting.clear()

    def shutdown(self, **_):
        pass


@pytest.fixture
def graded(monkeypatch):
    def graded(works, **how):
        pools = []

        def start(self):
            self._executor = Pool(**how)
            pools.append(self._executor)

        def wait(futures, **_):
            pools[-1].run()
            return [future for future in futures if future.done()], []

        monkeypatch.setattr(Workers, "_start", start)
        monkeypatch.setattr(workers, "wait", wait)
        with Workers(2) as some:
            return {work.student: outcome for work, outcome in some.begin(works)}, len(pools)

    return graded


def works(names):
    return [Work(name, {"reason": ""}, name, "") for name in names]


def test_who_takes_a_worker_along_is_found_and_nobody_else_is_given_up(graded):
    found, pools = graded(works("abcdefgh"), deadly=("c",))
    assert found.keys() == set("abcdefgh")
    assert {name for name, outcome in found.items() if outcome.failed} == {"c"}
    assert "was lost three times" in found["c"].reason
    assert pools == 1 + 1 + 3  # at first together, then alone


def test_two_of_them(graded):
    found, _ = graded(works("abcdefgh"), deadly=("a", "b"))
    assert {name for name, outcome in found.items() if outcome.failed} == {"a", "b"}
    assert found.keys() == set("abcdefgh")


def test_workers_that_never_begin_leave_nobody_without_a_reason(graded):
    found, _ = graded(works("abc"), broken=True)
    assert found.keys() == set("abc")
    assert all(outcome.failed for outcome in found.values())
