"""Every sample of the zoo gets the points that it deserves, and the sentence.

On practice pictures through the real ``nbgrader autograde`` and through the command that grades
a class; on CIFAR-10 through the latter; then with the predictions of public networks in place of
the model's, in one warm kernel.
"""

from __future__ import annotations

import html
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from nbclient import NotebookClient

from autograder import ROOT
from autograder.samples import CHECKS, FULL, SAMPLE_CLASS, STAGE, Sample, notebook_of
from tests import zoo
from tests.conftest import SHARED

ALL = [*zoo.RIGHT, *zoo.WRONG]
by_name = pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)


def judge(sample: Sample, points: dict[str, float], words: dict[str, str]) -> None:
    got = tuple(points.get(check) for check in CHECKS)
    report = "\n".join(f"{check}: {words.get(check)}" for check in CHECKS)
    assert got == tuple(float(points) for points in sample.points), report
    for check, expected in sample.says.items():
        assert expected in words[check], report


def judge_scores(sample: Sample, scores: dict) -> None:
    mine = {check: scores[sample.name][f"test_{check}"] for check in CHECKS}
    judge(
        sample,
        {check: score.points for check, score in mine.items()},
        {check: score.words for check, score in mine.items()},
    )


def test_the_zoo_is_large_enough():
    names = [sample.name for sample in ALL]
    assert len(set(names)) == len(names)
    assert sum(sample.points == FULL for sample in ALL) >= 15
    assert sum(sample.points != FULL for sample in ALL) >= 20
    assert all(sample.points == FULL for sample in zoo.RIGHT)
    assert len(SAMPLE_CLASS) >= 8


# --- nbgrader ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def practice_class(grade, practice_predictions, some_of):
    some = some_of(ALL, "samples of Stage 7")
    answers = str(practice_predictions)
    return some, *grade(some, COURSE_DATA="practice", COURSE_PREDICTIONS=answers)


def notebooks() -> dict[str, nbformat.NotebookNode]:
    released = nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)
    return {sample.name: notebook_of(sample, released) for sample in ALL}


@pytest.fixture(scope="module")
def practice_command(grade_class):
    return grade_class(STAGE, notebooks(), COURSE_DATA="practice")


@pytest.fixture(scope="module")
def cifar_command(grade_class, cifar):
    return grade_class(STAGE, notebooks(), COURSE_DATA=str(cifar))


@pytest.mark.slow
def test_practice_pictures(practice_class):
    some, _, scores = practice_class
    for sample in some:
        judge_scores(sample, scores)


@pytest.mark.slow
@by_name
def test_the_command_on_practice_pictures(sample, practice_command):
    scores, results = practice_command
    judge_scores(sample, scores)
    assert not [said for said in results[sample.name].decide if "figure" in said]  # no false alarm


@pytest.mark.slow
@pytest.mark.real_data
@by_name
def test_the_command_on_real_pictures(sample, cifar_command):
    scores, results = cifar_command
    judge_scores(sample, scores)
    assert not [said for said in results[sample.name].decide if "figure" in said]


@pytest.mark.slow
def test_nbgrader_says_the_same(practice_class, practice_command):
    """Points and words; but for the mangled, which the command mends and nbgrader cannot."""
    some, _, scores = practice_class
    for sample in some:
        if not sample.mangle:
            assert scores[sample.name] == practice_command[0][sample.name], sample.name


@pytest.mark.slow
def test_feedback_page_gives_every_reason(practice_class):
    some, courses, scores = practice_class
    for course in courses:
        for page in course.glob("feedback/*/*/*.html"):
            text = " ".join(html.unescape(page.read_text(encoding="utf-8")).split())
            student = page.parent.parent.name
            for name, score in scores[student].items():
                if name.startswith("test_"):
                    assert score.words, (student, name)
                    assert score.words in text, (student, name)
    assert sum(len(list(course.glob("feedback/*/*/*.html"))) for course in courses) == len(some)


@pytest.mark.slow
def test_written_answer_waits_for_the_teacher(practice_command):
    scores, _ = practice_command
    report = scores["ada_one_row"]["error_report"]
    assert (report.points, report.possible) == (None, 5)
    assert scores["eli_blank"]["error_report"].points == 0  # nothing was written


@pytest.mark.slow
@pytest.mark.real_data
def test_real_model_in_the_kernel(grade, cifar):
    """The same with TensorFlow and the shipped checkpoint itself, for two samples."""
    chosen = [sample for sample in ALL if sample.name in ("ada_one_row", "ivy_precision")]
    scaled = zoo.wrong(
        "pixels_scaled_twice",
        "predict_labels",
        zoo.PREDICT.replace("predict(x_test", "predict(x_test / 255"),
        0,
        "as they are",
    )
    _, scores = grade([*chosen, scaled], COURSE_DATA=str(cifar))
    for sample in [*chosen, scaled]:
        judge_scores(sample, scores)


# --- public networks, in one warm kernel -------------------------------------------------------

# As %reset does, without its collection of garbage, which takes longer than a submission.
RESET = """\
for name in [n for n in globals() if n[0] != "_" and n not in ("In", "Out", "get_ipython")]:
    del globals()[name]
%config InlineBackend.figure_formats = ["png"]
import matplotlib.pyplot as plt
plt.close("all")
from course_utils import workbook
if workbook._Session.recorder:
    workbook._Session.recorder._screens.clear()
"""


def run_in_one_kernel(samples: list[Sample], environment: dict[str, str]) -> dict[str, dict]:
    """Run all samples one after the other; return {name: {check: (points, words)}}."""
    released = nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)
    setting = f"import os\nos.environ.update({environment | {'NBGRADER_EXECUTION': 'autograde'}!r})"
    cells = [nbformat.v4.new_code_cell(f"{setting}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})")]
    for sample in samples:
        cells.append(nbformat.v4.new_code_cell(RESET))
        for cell in notebook_of(sample, released).cells:
            if cell.cell_type == "code":
                cell.metadata["sample"] = sample.name
                cells.append(cell)
    for place, cell in enumerate(cells):
        cell.id = f"c{place}"
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=120).execute()
    results: dict[str, dict] = {sample.name: {} for sample in samples}
    for cell in cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if grade_id.startswith("test_"):
            points = [
                o.data["text/plain"] for o in cell.outputs if o.output_type == "execute_result"
            ]
            words = "".join(o.text for o in cell.outputs if o.get("name") == "stdout")
            words = " ".join(words.split())
            check = grade_id.removeprefix("test_")
            results[cell.metadata["sample"]][check] = float(points[0]), words
    return results


NETWORKS = {  # the file, and the class that this network finds hardest
    "lenet": ("lenet-5-cifar-10.npz", "cat"),
    "vgg16": ("vgg16_keras_cifar10_test.npz", "cat"),
    "wideresnet": ("wideresnet-16-4-cifar-10.npz", "dog"),
}


@pytest.fixture(scope="module")
def network_results(cifar):
    samples = [sample for sample in ALL if not sample.mangle]

    def run(file: str) -> dict[str, dict]:
        predictions = str(SHARED / "predictions" / file)
        return run_in_one_kernel(
            samples, {"COURSE_DATA": str(cifar), "COURSE_PREDICTIONS": predictions}
        )

    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip(NETWORKS, pool.map(run, [file for file, _ in NETWORKS.values()]), strict=True)
        )


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("network", NETWORKS)
def test_public_network(network, network_results):
    results = network_results[network]
    problems = []
    for sample in ALL:
        if sample.mangle:
            continue
        points, words = ({c: r[i] for c, r in results[sample.name].items()} for i in (0, 1))
        try:
            judge(sample, points, words)
        except AssertionError as error:
            problems.append(f"{sample.name}: {error}")
    assert not problems, "\n".join(problems)
    assert NETWORKS[network][1] in results["ada_one_row"]["name_hardest_class"][1]
