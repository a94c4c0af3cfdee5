"""Time the evaluation report of 10,000 pictures, with ten and with a hundred classes.

    python -m tests.benchmarks.report

The answers, labels and pictures are drawn by chance, so that nothing has to be at hand; the time
depends little on them. Every part of the report is there but Grad-CAM and t-SNE, which need a
model. "CPU" counts the work of all threads: on a busy computer it says more than the clock.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

PICTURES = 10_000
LIMITS = {10: 15, 100: 60}  # seconds on two cores


def draw(classes: int, skill: float, seed: int) -> np.ndarray:
    """Return probabilities (PICTURES, classes) that prefer class ``number % classes``."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(scale=2, size=(PICTURES, classes))
    scores[np.arange(PICTURES), np.arange(PICTURES) % classes] += skill * rng.random(PICTURES)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def run(classes: int, folder: Path) -> dict[str, float]:
    """Write one report; return seconds, seconds of CPU, and the size in MB."""
    from course_utils.analysis import report
    from course_utils.analysis.people import count_votes

    rng = np.random.default_rng(1)
    labels = np.arange(PICTURES) % classes
    pictures = rng.integers(0, 256, (PICTURES, 32, 32, 3), np.uint8)
    votes = count_votes(rng.multinomial(50, draw(classes, 9, 3).astype(float)))
    history = {name: rng.random(20) for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
    after, before = draw(classes, 9, 1), draw(classes, 7, 2)
    start, cpu = time.perf_counter(), time.process_time()
    path = report(
        after,
        labels,
        pictures,
        history=history,
        votes=votes,
        before=before,
        path=folder / f"report_{classes}.html",
    )
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "size": path.stat().st_size / 1e6,
    }


def main() -> int:
    start = time.perf_counter()
    import course_utils.analysis.html  # noqa: F401 (what is imported once is timed apart)

    imports = time.perf_counter() - start
    table = Table("classes", "seconds", "limit", "CPU, s", "size, MB")
    slow = False
    with tempfile.TemporaryDirectory() as folder:
        for classes, limit in LIMITS.items():
            found = run(classes, Path(folder))
            slow |= found["seconds"] > limit
            cells = (f"{found['seconds']:.1f}", str(limit), f"{found['cpu']:.1f}")
            table.add_row(str(classes), *cells, f"{found['size']:.2f}")
    console = Console(width=100)
    console.print(table)
    console.print(
        f"{PICTURES:,} pictures on {os.cpu_count()} cores; the imports took {imports:.1f} s before."
    )
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
