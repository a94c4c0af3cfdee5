"""Grading on several machines: a real scheduler on loopback, and a worker that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autograder import ROOT, batch
from autograder.samples import SAMPLE_CLASS
from tests.test_grade import DESERVED, hand_in, plan, points

distributed = pytest.importorskip("distributed", reason="distributed is not installed")
pytestmark = pytest.mark.slow
COPIES = 5  # of the sample class: 45 submissions


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers in folders of their own; yields its address and the workers."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "COURSE_DATA": "practice",
        "DASK_DISTRIBUTED__WORKER__DAEMON": "False",
    }
    file = tmp_path / "scheduler.json"

    def start(*arguments: str) -> subprocess.Popen:
        folder = tmp_path / f"node{len(processes)}"
        folder.mkdir()
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    processes: list[subprocess.Popen] = []
    processes.append(
        start(
            "dask_scheduler",
            *("--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            *("--scheduler-file", str(file)),
        )
    )
    for _ in range(2):
        processes.append(
            start(
                "dask_worker",
                *("--scheduler-file", str(file), "--nthreads", "1", "--no-nanny"),
                *("--no-dashboard", "--host", "127.0.0.1"),
            )
        )
    client = distributed.Client(scheduler_file=str(file), timeout=60)
    client.wait_for_workers(2, timeout=60)
    address = client.scheduler.address
    client.close()
    yield address, processes[1:]
    for process in processes:
        process.kill()
        process.wait()


def test_a_killed_worker_changes_no_grade(cluster, tmp_path):
    address, workers = cluster
    samples = [
        replace(sample, name=f"{sample.name}_{copy}")
        for sample in SAMPLE_CLASS
        for copy in range(COPIES)
    ]
    folder = hand_in(samples, tmp_path / "in")
    killed = []

    def kill_one(phase: str, count: int, total: int) -> None:
        if phase.startswith("grade") and count == total // 2 and not killed:
            os.killpg(workers[0].pid, signal.SIGKILL)
            killed.append(time.monotonic())

    remote = plan(folder, tmp_path / "cluster", scheduler=address, feedback=False, report=False)
    done = batch.grade_class(remote, lambda _: None, kill_one)
    assert killed
    assert workers[0].poll() is not None
    assert done.ran == len(samples)
    deserved = {f"{name}_{copy}": p for name, p in DESERVED.items() for copy in range(COPIES)}
    assert points(tmp_path / "cluster") == deserved  # what one process gives too: test_grade.py


def test_a_scheduler_without_workers_is_said_to_be_so(tmp_path):
    folder = hand_in(SAMPLE_CLASS[:1], tmp_path / "in")
    said = subprocess.run(
        [
            *(sys.executable, "-m", "autograder", "grade", str(folder), "--stage", "7"),
            *("--course", str(tmp_path / "course"), "--data", "practice"),
            *("--scheduler", "tcp://127.0.0.1:9"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"},
    )
    assert said.returncode == 2
    assert "Not graded: There is no scheduler at tcp://127.0.0.1:9" in said.stdout
    assert "Traceback" not in said.stdout + said.stderr
    assert Path(tmp_path / "course").is_dir()
