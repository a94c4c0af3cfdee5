"""Files that go from the student's own computer to Colab's and back, without a browser.

The environment variable ``STAND_IN_CHOSEN`` holds the files that are chosen in the dialog,
with ``os.pathsep`` between them; without it the dialog is cancelled. ``STAND_IN_DOWNLOADS`` is
the folder into which the browser saves.
"""

import os
import shutil
from pathlib import Path

from IPython.display import HTML, Javascript, display


def upload(target_dir=""):
    """Wait for the choice of files, save them, and return their contents by name.

    A name that is taken gets a number: ``cat (1).jpg``. The result has the name that the file
    had on the student's computer. Nothing is returned and saved if the dialog is cancelled.
    """
    display(HTML('<input type="file" name="files[]" multiple disabled><output></output>'))
    chosen = os.environ.get("STAND_IN_CHOSEN", "")
    contents = {}
    for path in map(Path, filter(None, chosen.split(os.pathsep))):
        contents[path.name] = path.read_bytes()
        place = _free(Path(target_dir) / path.name)
        print(f"Saving {path.name} to {place}")
        place.write_bytes(contents[path.name])
    return contents


def _free(path):
    number, wanted = 0, path
    while path.exists():
        number += 1
        path = wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
    return path


def download(filename):
    """Have the browser save a file that lies on Colab's computer."""
    if not Path(filename).exists():
        raise FileNotFoundError(f"Cannot find file: {filename}")
    display(Javascript("async function download(id, filename, size) {}"))
    shutil.copy(filename, os.environ["STAND_IN_DOWNLOADS"])
    display(Javascript(f"download(0, {Path(filename).name!r})"))
