"""The workbook's helper package: what the notebooks import.

Data flows one way: pictures (``data``, ``practice``) are shown to a classifier (``models``);
what a notebook shows becomes evidence (``recorder``, ``evidence``); the checks (``checks``)
turn evidence into points and a sentence; ``workbook`` is the front door.
"""

from course_utils.augment import batches, crop, cutmix, flip
from course_utils.card import demo_card
from course_utils.data import CLASS_NAMES, Pictures, load_cifar10
from course_utils.duration import learning_rate, progress, training_time
from course_utils.models import build_small, untrained
from course_utils.photos import get_photo, photo_box, sample_photo
from course_utils.widgets import progress_line
from course_utils.workbook import (
    check,
    check_panel,
    download_work,
    explore_mistakes,
    open_seal,
    recall,
    resume,
    save,
    start,
    upload_work,
)

__version__ = "0.1.0"
__all__ = [
    "CLASS_NAMES",
    "Pictures",
    "batches",
    "build_small",
    "check",
    "check_panel",
    "crop",
    "cutmix",
    "demo_card",
    "download_work",
    "explore_mistakes",
    "flip",
    "get_photo",
    "learning_rate",
    "load_cifar10",
    "open_seal",
    "photo_box",
    "progress",
    "progress_line",
    "recall",
    "resume",
    "sample_photo",
    "save",
    "start",
    "training_time",
    "untrained",
    "upload_work",
]
