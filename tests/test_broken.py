"""A class as it really comes: broken submissions between good ones, in one batch.

Each broken one ends with the points that it deserves or with a reason, in words; the good ones
get what they get alone.
"""

from __future__ import annotations

import nbformat
import pytest

from autograder import ROOT, batch
from autograder.grading import read_scores
from autograder.samples import CHECKS, STAGE, notebook_of
from autograder.sandbox import Limits, choose
from autograder.unit import Setting
from tests.broken import BROKEN, right
from tests.zoo import RIGHT

pytestmark = pytest.mark.slow
GOOD = [sample for sample in RIGHT if not sample.mangle][:10]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Return nbgrader's scores and the results, by student."""
    course = tmp_path_factory.mktemp("broken")
    released = nbformat.read(ROOT / "stages" / STAGE / f"{STAGE}.ipynb", as_version=4)
    files = {one.name: (one.file_name or f"{STAGE}.ipynb", one.content(right())) for one in BROKEN}
    for sample in GOOD:
        text = nbformat.writes(notebook_of(sample, released))
        files[sample.name] = (f"{STAGE}.ipynb", text.encode())
    for student, (name, content) in files.items():
        place = course / "handed_in" / student / name
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
    setting = Setting(choose().name, Limits(), (("COURSE_DATA", "practice"),))
    plan = batch.Plan(course / "handed_in", (STAGE,), course, setting)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", "practice")
        done = batch.grade_class(plan, lambda _: None)
    return read_scores(course, STAGE), {one.student: one for one in done.results}, course


def test_everybody_ends_with_a_grade_or_a_reason(graded):
    scores, results, course = graded
    assert results.keys() == {one.name for one in (*BROKEN, *GOOD)}
    for student, one in results.items():
        assert (student in scores) != bool(one.reason), student
        page = course / "feedback" / student / STAGE / f"{STAGE}.html"
        assert page.is_file() != bool(one.reason), student


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
def test_broken(broken, graded):
    scores, results, _ = graded
    one = results[broken.name]
    said = " ".join([*one.mended, *one.decide, one.reason])
    assert broken.says in said
    if broken.points is None:
        assert one.reason
        assert not one.points
    else:
        assert not one.reason
        got = tuple(scores[broken.name][f"test_{check}"].points for check in CHECKS)
        assert got == tuple(map(float, broken.points)), one.words


@pytest.mark.parametrize("sample", GOOD, ids=lambda one: one.name)
def test_good_ones_get_what_they_get_alone(sample, graded):
    scores, results, _ = graded
    got = tuple(scores[sample.name][f"test_{check}"].points for check in CHECKS)
    assert got == tuple(map(float, sample.points))
    assert results[sample.name].mended == []
    assert results[sample.name].decide == []
