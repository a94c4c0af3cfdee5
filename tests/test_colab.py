"""The course on Colab: its versions, its display path, its upload, and what it drops."""

from __future__ import annotations

import ast
import json
import re
from concurrent.futures import ThreadPoolExecutor

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from autograder import ROOT
from autograder.build import stage_names
from autograder.preprocessors.filladdresses import repository, tag
from course_utils import checks
from tests.colab import environment
from tests.colab.session import Computer, publish
from tests.test_notebooks import results
from tests.test_stages import most_points, points_of

NAMES = {int(name.split("_")[1]): name for name in stage_names(ROOT / "solutions")}
FREEZE = ROOT.parent / "shared" / "colab" / "constraints.txt"
PROJECT = "question-the-classifier"


def read(folder, stage):
    return nbformat.read(ROOT / folder / NAMES[stage] / f"{NAMES[stage]}.ipynb", as_version=4)


def setup_cell(stage):
    return next(c for c in read("stages", stage).cells if c.id == f"stage{stage:02d}-setup")


def notebook_of(stage, *sources):
    """The setup cell of a stage, as students get it, and more cells below it."""
    return new_notebook(cells=[setup_cell(stage), *map(new_code_cell, sources)])


def said(cell):
    return "".join(o.text for o in cell.get("outputs", []) if o.get("name") == "stdout")


def complaints(notebook):
    return [
        (cell.id, output)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


# --- The versions --------------------------------------------------------------------------


def pins(path):
    """What a list of packages asks for, as {name: version}."""
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}


def test_the_versions_are_those_of_colab():
    if not FREEZE.exists():
        pytest.skip("needs Colab's list of packages from ../shared, which is not here")
    asked, colab = pins(environment.REQUIREMENTS), pins(FREEZE)
    assert asked.pop("tensorflow-cpu") == asked["tensorflow"]
    assert asked == {name: colab.get(name) for name in asked}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The repository from which Colab gets the helpers."""
    return publish(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def new_computer(published, tmp_path_factory, cache):
    """Return a function that gives a Colab computer as new."""
    if not environment.is_made():
        pytest.skip("needs Colab's packages: run python -m tests.colab.environment")
    return lambda: Computer(tmp_path_factory.mktemp("colab"), published, cache)


def packages_of(computer):
    listed = json.loads(computer.pip("list", "--format=json"))
    return {re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"] for one in listed}


@pytest.mark.slow
def test_the_environment_has_these_versions(new_computer):
    found, asked = packages_of(new_computer()), pins(environment.REQUIREMENTS)
    assert found.items() <= asked.items()
    assert len(found) == len(asked) - 1  # tensorflow has two names, one for each kind of computer


# --- Installing the helpers ----------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(new_computer, tmp_path_factory):
    """The helper package as pip builds it from git, and a computer that does not have it."""
    computer, folder = new_computer(), tmp_path_factory.mktemp("wheel")
    address = f"git+{repository()}@{tag()}"
    computer.pip("wheel", "--quiet", "--no-deps", "--wheel-dir", folder, address)
    return computer, next(folder.glob("*.whl"))


def would_install(computer, *arguments):
    report = computer.pip("install", "--dry-run", "--quiet", "--report", "-", *arguments)
    return [one["metadata"]["name"] for one in json.loads(report)["install"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [["--no-deps"], [], ["-c", FREEZE]],
    ids=["without its needs", "with its needs", "with all versions of Colab"],
)
def test_pip_would_install_nothing_but_the_helpers(options, wheel):
    if FREEZE in options and not FREEZE.exists():
        pytest.skip("needs Colab's list of packages from ../shared, which is not here")
    computer, helpers = wheel
    assert would_install(computer, helpers, *options) == [PROJECT]


@pytest.mark.slow
def test_the_dry_run_sees_a_changed_version(wheel):
    computer, helpers = wheel
    assert set(would_install(computer, helpers, "tqdm!=4.67.3")) == {PROJECT, "tqdm"}


@pytest.fixture(scope="module")
def setup(new_computer, tmp_path_factory):
    """Run the setup cell on a new computer: the computer, what it had before, and the cell."""
    computer = new_computer()
    before = packages_of(computer)
    content = tmp_path_factory.mktemp("content")
    done = computer.run({"setup": notebook_of(1)}, content)["setup"]
    return computer, before, done.cells[0]


@pytest.mark.slow
def test_the_setup_cell_installs_the_helpers_and_changes_nothing_else(setup):
    computer, before, _ = setup
    after = packages_of(computer)
    assert after.items() - before.items() == {(PROJECT, tag()[1:])}
    assert before.items() <= after.items()


@pytest.mark.slow
def test_the_setup_cell_says_in_one_line_what_it_found(setup):
    _, _, cell = setup
    (line,) = said(cell).splitlines()
    assert re.fullmatch(r"Stage 1 of 10 is ready on Colab, with Python 3\.\d+\.", line)
    assert [output.output_type for output in cell.outputs] == ["stream", "display_data"]
    assert "Finished: none yet" in cell.outputs[1].data["text/html"]


# --- The whole course ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A photo as a phone makes it: 12 megapixels, 6 MB, on its side with a note about that.

    Held upright, its upper half is bright and its lower half dark.
    """
    noise = 22 * np.random.default_rng(0).standard_normal((3000, 4000, 3), dtype=np.float32)
    noise[:, :2000] += 190  # the left half is above, when the photo is turned
    noise[:, 2000:] += 60
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to the right
    path = tmp_path_factory.mktemp("phone") / "IMG_0001.JPG"
    image = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
    image.save(path, quality=90, exif=exif)
    assert 5_500_000 < path.stat().st_size < 7_000_000
    return path


def with_a_photo_of_their_own(notebook):
    """Stage 9 as a student has it who takes the box for a photo, and follows the hint."""
    cells = {cell.id: cell for cell in notebook.cells}
    box, answer = cells["stage09-step5-box"], cells["stage09-step5-answer"]
    box.source = box.source.replace("# box = cu.photo_box()", "box = cu.photo_box()")
    answer.source = answer.source.replace('"portrait", "landscape"', '"mine", "landscape"').replace(
        "cu.get_photo(name)", 'cu.get_photo(box if name == "mine" else name)'
    )
    assert "\nbox = " in box.source
    assert '"mine" else' in answer.source
    return notebook


@pytest.fixture(scope="module")
def course(setup, photo, tmp_path_factory):
    """Run all stages, blank and solved: {folder: {stage: notebook}}, and a folder for each."""
    computer, _, _ = setup
    places = {folder: tmp_path_factory.mktemp("content") for folder in ("stages", "solutions")}

    def go(folder):
        notebooks = {NAMES[stage]: read(folder, stage) for stage in NAMES}
        if folder == "solutions":
            with_a_photo_of_their_own(notebooks[NAMES[9]])
        done = computer.run(notebooks, places[folder], chosen=[photo])
        return {stage: done[NAMES[stage]] for stage in NAMES}

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(places, pool.map(go, places), strict=True)), places


@pytest.mark.slow
@pytest.mark.parametrize("stage", NAMES)
def test_a_blank_notebook_runs_to_the_end(stage, course):
    notebook = course[0]["stages"][stage]
    points, words = results(notebook)
    assert points == [0] * len(checks.STAGES[stage])
    assert words.count("Still to do") == len(points)
    assert not complaints(notebook)


@pytest.mark.slow
@pytest.mark.parametrize("stage", NAMES)
def test_a_solution_gets_every_point(stage, course):
    notebook = course[0]["solutions"][stage]
    assert points_of(notebook) == list(most_points(stage)), results(notebook)[1]
    assert not complaints(notebook)


@pytest.mark.slow
@pytest.mark.parametrize("stage", checks.DEEPER)
def test_a_solution_goes_deeper(stage, course):
    cells = course[0]["solutions"][stage].cells
    words = "".join(said(cell) for cell in cells if cell.source.startswith("# deeper:"))
    assert words.count("You went deeper") == len(checks.DEEPER[stage])


@pytest.mark.slow
def test_later_stages_find_the_work_of_earlier_ones(course):
    done, places = course
    for stage in (6, 7, 8, 9, 10):
        assert "Model: your own" in "".join(map(said, done["solutions"][stage].cells)), stage
    assert (places["solutions"] / "workspace" / "demo_card.html").is_file()


@pytest.mark.slow
def test_a_notebook_holds_the_record_for_the_teacher(course):
    for stage in (5, 6, 7, 8, 10):
        pages = [
            output.data.get("text/html", "")
            for cell in course[0]["solutions"][stage].cells
            for output in cell.get("outputs", [])
            if output.output_type == "display_data"
        ]
        assert any("course-record:" in page for page in pages), stage


# --- Files from the student's computer and back --------------------------------------------


@pytest.mark.slow
def test_a_photo_of_a_phone_comes_through_the_upload(course, photo):
    done, places = course
    cells = {cell.id: cell for cell in done["solutions"][9].cells}
    assert said(cells["stage09-step5-box"]) == "Saving IMG_0001.JPG to IMG_0001.JPG\n"
    words = said(cells["stage09-step5-answer"])
    assert words.startswith("mine -> ")
    assert "sample" not in words
    assert (places["solutions"] / photo.name).read_bytes() == photo.read_bytes()


@pytest.mark.slow
def test_what_else_can_be_chosen(setup, photo, tmp_path):
    """The photo is turned right; without a photo a sentence says so, and a sample comes."""
    computer, _, _ = setup
    essay = tmp_path / "essay.docx"
    essay.write_bytes(b"PK a letter, not a photo")
    look = """\
import os
from PIL import ImageOps

def bright(part):
    return np.asarray(part.convert("L")).mean()
"""
    upright = """\
photo = ImageOps.exif_transpose(cu.get_photo())
upper, lower = photo.crop((0, 0, 768, 512)), photo.crop((0, 512, 768, 1024))
print(photo.size, "is bright above:", bright(upper) > 150 > 100 > bright(lower))
"""
    other = 'os.environ["STAND_IN_CHOSEN"] = {!r}\nprint(cu.get_photo(cu.photo_box()).size)'
    cells = notebook_of(9, look, upright, upright, other.format(""), other.format(str(essay)))
    done = computer.run({"photos": cells}, tmp_path / "content", chosen=[photo])["photos"]
    assert not complaints(done)
    first, again, cancelled, document = (said(cell) for cell in done.cells[-4:])
    assert first == "Saving IMG_0001.JPG to IMG_0001.JPG\n(768, 1024) is bright above: True\n"
    assert again == first.replace("to IMG_0001", "to IMG_0001 (1)")
    sample = "I use the course's sample 'landscape' in its place. (640, 480)"
    assert " ".join(cancelled.split()) == f"There is no photo in the box. {sample}"
    assert " ".join(document.split()) == (
        "Saving essay.docx to essay.docx essay.docx is not a photo that I can read. Use a file "
        f"that ends in .jpg or .png. {sample}"
    )


@pytest.mark.slow
def test_work_goes_home_and_comes_back_another_day(course, setup, photo, tmp_path):
    computer, _, _ = setup
    done, places = course
    saved = computer.run({"evening": notebook_of(8, "cu.download_work()")}, places["solutions"])
    bundle = computer.downloads / "my_workspace.zip"
    assert said(saved["evening"].cells[1]).startswith("Your work is in my_workspace.zip (")
    assert bundle.is_file()
    resume = next(c.source for c in done["stages"][8].cells if c.id == "stage08-resume")
    morning = notebook_of(8, "cu.upload_work()", resume)
    brought = computer.run({"morning": morning}, tmp_path / "content", chosen=[bundle])["morning"]
    assert not complaints(brought)
    assert "Brought back: " in said(brought.cells[1])
    assert "Model: your own" in said(brought.cells[2])
    kept, again = (place / "workspace" for place in (places["solutions"], tmp_path / "content"))
    for item in ("model.keras", "history.json", "predictions.npz", "improved.keras", "done.json"):
        assert (again / item).read_bytes() == (kept / item).read_bytes(), item


@pytest.mark.slow
def test_work_that_does_not_come_back(setup, photo, tmp_path):
    """The cancelled dialog and a wrong file change nothing, and a sentence says so."""
    computer, _, _ = setup
    wrong = f'import os\nos.environ["STAND_IN_CHOSEN"] = {str(photo)!r}\ncu.upload_work()'
    cells = notebook_of(8, "cu.upload_work()", wrong)
    done = computer.run({"morning": cells}, tmp_path / "content")["morning"]
    assert not complaints(done)
    assert said(done.cells[1]) == "No file was chosen. Nothing has changed.\n"
    assert "Choose the file that cu.download_work() gave you." in said(done.cells[2])
    assert not (tmp_path / "content" / "workspace").exists()


# --- What Colab shows in place of a plain value ---------------------------------------------

NOTED = """\
cell = list(cu.workbook._Session.recorder.evidence(()).cells)[-2]
print([shown.index for shown in cell.shown], "cu.save" in cell.text)
"""


@pytest.mark.slow
def test_a_picture_that_colab_makes_of_an_array_counts_as_shown(setup, tmp_path):
    """Elsewhere a cell that ends in ``x_train[7]`` shows numbers; Colab shows the picture."""
    computer, _, _ = setup
    resume = next(c.source for c in read("stages", 1).cells if c.id == "stage01-resume")
    cells = notebook_of(1, resume, "x_train[7]", NOTED)
    done = computer.run({"values": cells}, tmp_path / "content")["values"]
    assert not complaints(done)
    assert "ndarray_image_preview" in done.cells[2].outputs[0].data["text/html"]
    assert said(done.cells[3]).startswith("[7] ")


# --- What Colab drops or rejects -------------------------------------------------------------

each = pytest.mark.parametrize(
    ("folder", "stage"), [(folder, stage) for folder in ("stages", "solutions") for stage in NAMES]
)
_LARGEST = 1_000_000  # bytes; GitHub stops to show notebooks, and Colab to diff them, not far above
_TAGS = {"details", "summary"}  # Colab takes away style and script, and shows these two


def text_of(cell):
    """The words of a text cell, without the code in it."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)


def texts(folder, stage):
    return [cell for cell in read(folder, stage).cells if cell.cell_type == "markdown"]


@pytest.mark.parametrize("stage", NAMES)
def test_badges_and_links_open_this_very_file(stage):
    slug, name = repository().removeprefix("https://github.com/"), NAMES[stage]
    path = f"stages/{name}/{name}.ipynb"
    assert (ROOT / path).is_file()
    addresses = re.findall(r"\]\((https?://[^)]*)\)", read("stages", stage).cells[0].source)
    assert [address for address in addresses if not address.endswith(".svg")] == [
        f"https://colab.research.google.com/github/{slug}/blob/{tag()}/{path}",
        f"https://mybinder.org/v2/gh/{slug}/{tag()}?urlpath=lab/tree/{path}",
    ]


def test_every_link_into_the_repository_has_a_file():
    """In all texts: the path in an address of GitHub, Colab or Binder is one that is there."""
    slug = re.escape(repository().removeprefix("https://github.com/"))
    into = re.compile(
        rf"/{slug}/(?:blob|tree|raw)/([^/]+)/([^)\s\"#]+)|/{slug}/([^/?]+)\?urlpath=\w+/tree/([^)\s\"]+)"
    )
    pages = [*ROOT.glob("*.md"), *ROOT.glob("stages/*/*.ipynb"), *ROOT.glob("solutions/*/*.ipynb")]
    found = [
        (page.name, release or other, path or place)
        for page in pages
        for release, path, other, place in into.findall(page.read_text(encoding="utf-8"))
    ]
    assert len(found) >= 2 * len(NAMES)
    for page, release, path in found:
        assert release == tag(), page
        assert (ROOT / path.split("\\")[0]).exists(), (page, path)


@each
def test_the_file_is_one_that_colab_opens(folder, stage):
    path = ROOT / folder / NAMES[stage] / f"{NAMES[stage]}.ipynb"
    assert path.stat().st_size < _LARGEST
    notebook = read(folder, stage)
    assert "widgets" not in notebook.metadata  # Colab saves it without the state of the widgets
    assert set(notebook.metadata) == {"colab", "kernelspec", "language_info"}
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", cell.id)
        assert cell.cell_type in ("markdown", "code"), cell.id  # a raw cell is not shown
        assert "attachments" not in cell, cell.id  # nor is a picture within a cell


@each
def test_code_is_python_and_nothing_else(folder, stage):
    """No ``%`` and no ``!``: Colab has other magics, and its own pip."""
    for cell in read(folder, stage).cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
            for word in ("get_ipython", "display_id", "update_display", "google.colab", "input("):
                assert word not in cell.source, (cell.id, word)


@each
def test_text_has_only_what_colab_shows(folder, stage):
    for cell in texts(folder, stage):
        text = text_of(cell)
        assert set(re.findall(r"</?(\w+)[^>]*>", text)) <= _TAGS, cell.id
        for tag_name in _TAGS:
            assert text.count(f"<{tag_name}>") == text.count(f"</{tag_name}>"), cell.id
        # Without an empty line the text within is shown with its stars and marks.
        assert not re.search(r"</summary>(?!\n\n)", text), cell.id
        assert not re.search(r"(?<!\n\n)</details>", text), cell.id
        assert text.count("$") % 2 == 0, cell.id  # a lone $ begins a formula


@each
def test_links_and_pictures_need_no_file_beside_the_notebook(folder, stage):
    """Colab opens one file. It has no folder around it, and no headings to jump to."""
    for cell in texts(folder, stage):
        for target in re.findall(r"\]\(([^)]*)\)", text_of(cell)):
            assert target.startswith("https://"), (cell.id, target)


@pytest.mark.parametrize("folder", ["stages", "solutions"])
def test_the_setup_cell_is_one_folded_form_the_same_in_all_stages(folder):
    forms = set()
    for stage in NAMES:
        cells = [c for c in read(folder, stage).cells if c.cell_type == "code"]
        assert cells[0].id == f"stage{stage:02d}-setup"
        assert cells[0].metadata.cellView == "form"
        title = cells[0].source.splitlines()[0]
        assert re.fullmatch(r'# @title [\w: ]+ \{ display-mode: "form" \}', title)
        forms.add(cells[0].source.replace(f"start(stage={stage}", "start(stage=N"))
        assert not any("@title" in cell.source for cell in cells[1:])
    assert len(forms) == 1, forms
