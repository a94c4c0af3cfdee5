"""Run notebooks the way a Colab tab does.

All notebooks of a session run in one folder, each in a fresh kernel, by the environment's own
``jupyter nbconvert``. The folder lies outside the course's, and the helper package comes only
through the setup cell, which installs it with pip from git. Git takes a copy of this very
working tree in place of GitHub's: the notebooks themselves run unchanged.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import ROOT
from autograder.preprocessors.filladdresses import repository, tag
from tests.colab import environment

STAND_IN = Path(__file__).with_name("stand_in")
_OURS = ("COURSE_", "JUPYTER", "IPYTHON", "PYTHON", "VIRTUAL_ENV", "MPL", "STAND_IN_", "NBGRADER")
# On Colab google.colab is there before the first cell: the kernel loads it as an extension.
_KERNEL = "-m ipykernel_launcher -f {connection_file} --IPKernelApp.extensions=google.colab"


class Computer:
    """One Colab computer, as new.

    Parameters
    ----------
    folder : Path
        What it writes lies in here. It must lie outside the course's folder.
    published : Path
        The repository that :func:`publish` made.
    cache : Path
        Where the helper package keeps its pictures.
    """

    def __init__(self, folder: Path, published: Path, cache: Path):
        self.downloads = folder / "downloads"  # on the student's own computer
        self.downloads.mkdir(parents=True)
        self.python = environment.layer(folder / "python", STAND_IN)
        kernel = folder / "jupyter" / "kernels" / "colab" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        spec = {"argv": [str(self.python), *_KERNEL.split()], "display_name": "Python 3"}
        kernel.write_text(json.dumps(spec | {"language": "python"}), encoding="utf-8")
        self.settings = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
            "COURSE_DATA": "practice",
            "COURSE_CACHE": str(cache),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": repository(),
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTER_PATH": str(folder / "jupyter"),
            "JUPYTER_NO_CONFIG": "1",
            "STAND_IN_DOWNLOADS": str(self.downloads),
        }

    def pip(self, *arguments: str | Path) -> str:
        """Run pip on this computer and return what it prints."""
        return self._run("-m", "pip", "--disable-pip-version-check", *arguments)

    def run(
        self,
        notebooks: Mapping[str, NotebookNode],
        content: Path,
        chosen: Sequence[Path] = (),
    ) -> dict[str, NotebookNode]:
        """Run notebooks one after the other, each in a fresh kernel, all in one folder.

        Parameters
        ----------
        notebooks : dict
            By name, in the order in which they run.
        content : Path
            The folder, which Colab calls /content. It may hold work from before.
        chosen : sequence of Path
            What is chosen whenever a cell asks for files. Without it the dialog is cancelled.

        Returns
        -------
        dict
            The notebooks with their outputs, by name.

        Raises
        ------
        RuntimeError
            If a cell fails. The message holds its error.
        """
        content.mkdir(parents=True, exist_ok=True)
        for name, notebook in notebooks.items():
            nbformat.write(notebook, content / f"{name}.ipynb")
        done = content / "done"
        options = "--to notebook --execute --ExecutePreprocessor.kernel_name=colab"
        options += " --ExecutePreprocessor.timeout=600 --log-level=WARN --output-dir"
        files = [content / f"{name}.ipynb" for name in notebooks]
        choice = {"STAND_IN_CHOSEN": os.pathsep.join(map(str, chosen))}
        self._run("-m", "nbconvert", *options.split(), done, *files, **choice)
        return {name: nbformat.read(done / f"{name}.ipynb", as_version=4) for name in notebooks}

    def _run(self, *arguments: str | Path, **settings: str) -> str:
        result = subprocess.run(
            [self.python, *arguments],
            env=self.settings | settings,
            cwd=self.downloads,
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )
        if result.returncode:
            raise RuntimeError(f"{result.stdout}\n{result.stderr}")
        return result.stdout


def publish(folder: Path) -> Path:
    """Make a git repository of the working tree as it is, with the tag that notebooks name.

    Parameters
    ----------
    folder : Path
        Where it is made.

    Returns
    -------
    Path
        The folder.
    """

    def git(*arguments: str, cwd: Path) -> str:
        command = ["git", "-c", "user.name=course", "-c", "user.email=course@example.org"]
        return subprocess.run(
            [*command, *arguments], cwd=cwd, check=True, capture_output=True, text=True
        ).stdout

    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    git("init", "--quiet", cwd=folder)
    git("config", "uploadpack.allowFilter", "true", cwd=folder)  # GitHub allows it, pip asks
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "The course", cwd=folder)
    git("tag", tag(), cwd=folder)
    return folder


def seconds(notebook: NotebookNode) -> float:
    """How long a notebook ran, from the start of its first cell to the end of its last."""
    times = [
        datetime.fromisoformat(cell.metadata.execution[moment])
        for cell in notebook.cells
        for moment in ("iopub.execute_input", "iopub.status.idle")
        if moment in cell.metadata.get("execution", {})
    ]
    return (max(times) - min(times)).total_seconds()
