"""Install what Colab has into ``.venv-colab``, once.

    python -m tests.colab.environment

Takes a minute and 2 GB the first time, and nothing later, until ``requirements.txt`` changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from autograder import ROOT

FOLDER = ROOT / ".venv-colab"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PYTHON = "3.13"  # what Colab has had since August 2026
_STAMP = "made-from.txt"


def python_in(folder: Path) -> Path:
    """Return where a virtual environment keeps its Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_python() -> str:
    """Return Colab's Python, or the one that runs this where there is no other.

    Also looks where pyenv keeps its versions: its ``python3.13`` on the path answers only to
    those who have chosen it.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{PYTHON}"), *sorted(pyenv.glob(f"{PYTHON}.*/bin/python"))]
    for candidate in filter(None, found):
        asked = "import sys; print('%d.%d' % sys.version_info[:2])"
        answer = subprocess.run(
            [candidate, "-c", asked], capture_output=True, text=True, check=False
        )
        if answer.stdout.strip() == PYTHON:
            return str(candidate)
    return sys.executable


def is_made(folder: Path = FOLDER) -> bool:
    """Whether the environment is there and as ``requirements.txt`` asks."""
    stamp = folder / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="ascii") == _fingerprint()


def _fingerprint() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def make(folder: Path = FOLDER) -> Path:
    """Make the environment, if it is not there yet, and return its Python.

    Parameters
    ----------
    folder : Path
        Where it is made. An older one there is replaced.

    Returns
    -------
    Path

    Raises
    ------
    subprocess.CalledProcessError
        If pip cannot install the packages. What it printed says why.
    """
    if not is_made(folder):
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([find_python(), "-m", "venv", folder], check=True)
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
        # Nothing is resolved, since all is listed; and only what is imported gets compiled.
        command = "-m pip install --quiet --disable-pip-version-check --no-deps --no-compile -r"
        subprocess.run([python_in(folder), *command.split(), REQUIREMENTS], check=True)
        (folder / _STAMP).write_text(_fingerprint(), encoding="ascii")
    return python_in(folder)


def layer(folder: Path, *sources: Path) -> Path:
    """Make an empty environment on top of the made one, and return its Python.

    What is installed into it stays in it, so the made one is never changed.

    Parameters
    ----------
    folder : Path
        Where it is made.
    *sources : Path
        Folders whose modules can be imported in it, too.

    Returns
    -------
    Path
    """
    subprocess.run([python_in(FOLDER), "-m", "venv", "--without-pip", folder], check=True)
    upper, lower = _packages(python_in(folder)), _packages(python_in(FOLDER))
    lines = "".join(f"{path}\n" for path in (lower, *sources))
    (upper / "colab.pth").write_text(lines, encoding="utf-8")
    return python_in(folder)


def _packages(python: Path) -> Path:
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    answer = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True)
    return Path(answer.stdout.strip())


def main() -> None:
    """Make the environment and say which Python it has."""
    python = make()
    answer = subprocess.run([python, "-V"], check=True, capture_output=True, text=True)
    version = answer.stdout.strip()
    print(f"Colab's packages are in {FOLDER.name}, with {version}. Colab has Python {PYTHON}.")


if __name__ == "__main__":
    main()
