"""Install the helpers as on Colab, run all notebooks there, and print how long each takes.

    python -m tests.benchmarks.colab

Colab's packages are rebuilt by ``tests.colab``; practice pictures. Each stage runs in a fresh
kernel, one after the other. The setup cell is that of a computer that has no helpers yet: it
fetches them from git on this disk, and what builds them from the internet.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import nbformat
from rich.console import Console
from rich.table import Table

from autograder import ROOT
from autograder.build import stage_names
from autograder.preprocessors.filladdresses import repository, tag
from tests.colab import environment
from tests.colab.session import Computer, publish, seconds


def main() -> None:
    environment.make()
    names = stage_names(ROOT / "solutions")
    table = Table("stage", "blank, s", "solved, s")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        published = publish(place / "published")
        computer = Computer(place / "computer", published, place / "cache")
        computer.pip("list")  # compiles pip, which Colab has done
        start = time.perf_counter()
        computer.pip("install", "-q", "--no-deps", f"git+{repository()}@{tag()}")
        print(f"Installing the helpers: {time.perf_counter() - start:.1f} s")
        for name in names:
            took = []
            for kind in ("stages", "solutions"):
                path = published / kind / name / f"{name}.ipynb"
                notebook = nbformat.read(path, as_version=4)
                took.append(seconds(computer.run({name: notebook}, place / kind)[name]))
            table.add_row(name, *(f"{number:.1f}" for number in took))
            print(name, *(f"{number:.1f}" for number in took), flush=True)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
