"""The workbook's helper package: what the notebooks import.

Data flows one way: pictures (``data``, ``practice``) are shown to a classifier (``models``);
what a notebook shows becomes evidence (``recorder``, ``evidence``); the checks (``checks``)
turn evidence into points and a sentence; ``workbook`` is the front door.
"""

from course_utils.data import CLASS_NAMES, Pictures, load_cifar10
from course_utils.workbook import check, resume, start

__version__ = "0.1.0"
__all__ = ["CLASS_NAMES", "Pictures", "check", "load_cifar10", "resume", "start"]
