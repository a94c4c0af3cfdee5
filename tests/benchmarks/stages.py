"""Run all ten solutions from top to bottom and print a table of time and memory.

    python -m tests.benchmarks.stages               practice pictures
    python -m tests.benchmarks.stages FOLDER        CIFAR-10 from this folder

Each stage runs in a fresh kernel, all in one new folder, as a student would. "First picture"
is the time from opening the stage (the kernel's start included) to the first picture on the
screen. "Peak" is the largest resident memory of the kernel.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from rich.console import Console
from rich.table import Table

from autograder import ROOT
from autograder.build import stage_names


def peak_memory(pid: int) -> float:
    """Return the largest resident memory of a process so far, in MB; Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


def run(name: str, folder: Path) -> dict:
    """Run one solution; return seconds, seconds to the first picture, MB, and points."""
    notebook = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    seen: dict[str, float] = {}
    start = time.perf_counter()

    def after(cell, **_):
        pid = getattr(client.km.provisioner, "pid", None)
        if pid:
            seen["peak"] = peak_memory(pid)
        pictures = [o for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
        if pictures and "picture" not in seen:
            seen["picture"] = time.perf_counter() - start

    client = NotebookClient(notebook, kernel_name="python3", timeout=1800, on_cell_executed=after)
    client.execute(cwd=str(folder))
    points = sum(
        float(output.data["text/plain"])
        for cell in notebook.cells
        if cell.source.startswith("# check:")
        for output in cell.outputs
        if output.output_type == "execute_result"
    )
    return {"seconds": time.perf_counter() - start, "points": points, **seen}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default="practice")
    parser.add_argument("--only", help="numbers of stages, such as 5,8")
    options = parser.parse_args()
    is_folder = options.data != "practice"
    os.environ["COURSE_DATA"] = str(Path(options.data).resolve()) if is_folder else "practice"
    os.environ["PYTHONPATH"] = str(ROOT)
    names = stage_names(ROOT / "solutions")
    if options.only:
        chosen = {f"stage_{int(number):02d}" for number in options.only.split(",")}
        names = [name for name in names if name[:8] in chosen]
    table = Table("stage", "seconds", "first picture, s", "peak, MB", "points of 10")
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            found = run(name, Path(folder))
            total += found["seconds"]
            cells = (found["seconds"], found.get("picture", float("nan")), found["peak"])
            table.add_row(name, *(f"{cell:.1f}" for cell in cells), f"{found['points']:g}")
            print(name, *(f"{cell:.1f}" for cell in cells), f"{found['points']:g}", flush=True)
    console = Console(width=100)
    console.print(table)
    console.print(
        f"{options.data} on {os.cpu_count()} cores: {total:.0f} s for {len(names)} stages"
    )


if __name__ == "__main__":
    main()
