"""Sample submissions: what students hand in, right and wrong, with the points they deserve.

The demo grades :data:`SAMPLE_CLASS`; the tests add many more. A sample is the released
notebook with its answers filled in, so it always fits the stage as it is now.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import ROOT

STAGE = "stage_07_find_its_mistakes"
CHECKS = (
    "predict_labels",
    "find_wrong",
    "show_three_wrong",
    "per_class_accuracy",
    "name_hardest_class",
)
FULL = (1, 1, 3, 3, 2)

PREDICT = """\
test_predictions = model.predict(x_test, verbose=0)
predicted_labels = np.argmax(test_predictions, axis=1)
true_labels = np.argmax(y_test, axis=1)
"""
FIND = """\
wrong_indexes = np.flatnonzero(predicted_labels != true_labels)
"""
SHOW = """\
fig, axes = plt.subplots(1, 3)
for place, number in enumerate(wrong_indexes[:3]):
    axes[place].imshow(x_test[number])
    guess, truth = class_names[predicted_labels[number]], class_names[true_labels[number]]
    axes[place].set_title(f"Predicted: {guess}\\nTrue: {truth}")
"""
ACCURACY = """\
per_class_accuracy = {}
for number, name in enumerate(class_names):
    mine = true_labels == number
    per_class_accuracy[name] = np.mean(predicted_labels[mine] == number)
"""
HARDEST = """\
hardest_class = sorted(per_class_accuracy, key=per_class_accuracy.get)[0]
"""
RIGHT = dict(zip(CHECKS, (PREDICT, FIND, SHOW, ACCURACY, HARDEST), strict=True))
REPORT = """\
**Error report**

- Three wrong predictions that I looked at: the first three in my list
- The hardest class was: the one with the lowest bar
- One reason why this class may be hard: its shape is like that of another class
- This matches my Stage 2 guess, because: I mixed them up myself
"""


@dataclass(frozen=True)
class Sample:
    """One submission.

    Attributes
    ----------
    name : str
        Also the student's id.
    answers : dict of str to str
        Code by the grade id of its cell. A step without code stays blank.
    points : tuple of 5 floats
        What the five checks have to give.
    says : dict of str to str
        Words that must stand in the sentence of a check, by the grade id of its answer.
    mangle : callable, optional
        Changes the finished notebook, as careless hands and other programs do.
    """

    name: str
    answers: dict[str, str]
    points: tuple[float, ...] = FULL
    says: dict[str, str] = field(default_factory=dict)
    mangle: Callable[[NotebookNode], None] | None = None


def right_but(**answers: str) -> dict[str, str]:
    """Right answers, with some of them replaced."""
    return RIGHT | answers


def notebook_of(sample: Sample, released: NotebookNode) -> NotebookNode:
    """Return the released notebook, filled in by a student."""
    notebook = copy.deepcopy(released)
    answers = dict(sample.answers)
    if answers:
        answers.setdefault("error_report", REPORT)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            first = f"# answer: {grade_id}\n" if cell.cell_type == "code" else ""
            cell.source = first + answers[grade_id].rstrip()
    if sample.mangle:
        sample.mangle(notebook)
    return notebook


def solution_answers(stage: str) -> dict[str, str]:
    """Return the solution's code by the grade id of its cell."""
    notebook = nbformat.read(ROOT / "solutions" / stage / f"{stage}.ipynb", as_version=4)
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }


def hand_in(samples: list[Sample], folder: Path, stage: str = STAGE) -> None:
    """Write submissions to ``folder/submitted/<name>/<stage>/<stage>.ipynb``."""
    released = nbformat.read(ROOT / "stages" / stage / f"{stage}.ipynb", as_version=4)
    for sample in samples:
        place = folder / "submitted" / sample.name / stage
        place.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook_of(sample, released), place / f"{stage}.ipynb")


SAMPLE_CLASS = [
    Sample("ada_one_row", RIGHT),
    Sample(
        "ben_three_figures",
        right_but(
            show_three_wrong="""\
for number in wrong_indexes[5:8]:
    plt.imshow(x_test[number])
    plt.title("The model guessed " + class_names[predicted_labels[number]])
    plt.xlabel("but really: " + class_names[true_labels[number]])
    plt.show()
"""
        ),
    ),
    Sample(
        "cleo_printed",
        right_but(
            show_three_wrong="""\
from PIL import Image
for number in wrong_indexes[-3:]:
    display(Image.fromarray(x_test[number]).resize((160, 160)))
    print("true:", class_names[true_labels[number]])
    print("predicted:", class_names[predicted_labels[number]])
""",
            per_class_accuracy="""\
for number in range(10):
    mine = true_labels == number
    print(class_names[number], round(100 * (predicted_labels[mine] == number).mean(), 1), "%")
""",
            name_hardest_class="""\
shares = [(predicted_labels[true_labels == n] == n).mean() for n in range(10)]
hardest_class = class_names[int(np.argmin(shares))].upper()
""",
        ),
    ),
    Sample(
        "dan_half_done",
        {"predict_labels": PREDICT, "find_wrong": FIND},
        (1, 1, 0, 0, 0),
        {"show_three_wrong": "no test picture has reached the screen"},
    ),
    Sample("eli_blank", {}, (0, 0, 0, 0, 0), {"find_wrong": "Still to do"}),
    Sample(
        "fay_swapped_names",
        right_but(
            show_three_wrong=SHOW.replace("Predicted:", "X")
            .replace("True:", "Predicted:")
            .replace("X", "True:")
        ),
        (1, 1, 2, 3, 2),
        {"show_three_wrong": "swapped"},
    ),
    Sample(
        "gus_showed_right_ones",
        right_but(
            show_three_wrong="right = np.flatnonzero(predicted_labels == true_labels)\n"
            + SHOW.replace("wrong_indexes", "right")
        ),
        (1, 1, 0, 3, 2),
        {"show_three_wrong": "that the model got right"},
    ),
    Sample(
        "hal_never_shown",
        right_but(show_three_wrong=SHOW + 'plt.close("all")\n'),
        (1, 1, 0, 3, 2),
        {"show_three_wrong": "does not count"},
    ),
    Sample(
        "ivy_precision",
        right_but(
            per_class_accuracy=ACCURACY.replace(
                "mine = true_labels", "mine = predicted_labels"
            ).replace("predicted_labels[mine] ==", "true_labels[mine] =="),
            name_hardest_class="hardest_class = 3\n"
            "shares = [(predicted_labels[true_labels == n] == n).mean() for n in range(10)]\n"
            "hardest_class = int(np.argmin(shares))\n",
        ),
        (1, 1, 3, 0, 1),
        {"per_class_accuracy": "precision", "name_hardest_class": "expected its name"},
    ),
]
