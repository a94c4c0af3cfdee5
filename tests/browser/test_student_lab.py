"""A student in JupyterLab: Stage 7 with its panel and its explorer, Stages 9 and 10."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import expect

from autograder.samples import CHECKS, RIGHT, solution_answers
from course_utils.photos import sample_photo
from tests.accessibility import faults
from tests.browser.notebooks import NotebookPage, choose
from tests.browser.servers import serve

pytestmark = pytest.mark.slow
BADGES = {"colab.research.google.com", "mybinder.org"}


def path_of(stage):
    return f"stages/{stage}/{stage}.ipynb"


@pytest.fixture(scope="module")
def lab(course):
    with serve(course) as server:
        yield server


@pytest.fixture(scope="module")
def stage_7(lab, new_page):
    """Stage 7 with all its answers, run from top to bottom."""
    notebook = NotebookPage(new_page(), lab, path_of("stage_07_find_its_mistakes"))
    notebook.type_over("find_wrong", "...", "np.where(predicted_labels != true_labels)[0]")
    for name in set(CHECKS) - {"find_wrong"}:
        notebook.paste(name, f"# answer: {name}\n{RIGHT[name]}")
    notebook.run_all()
    yield notebook
    notebook.shut_down()


@pytest.fixture
def explorer(stage_7):
    """The mistake explorer as it is at first."""
    stage_7.run("stage07-explore")
    return Explorer(stage_7)


class Explorer:
    def __init__(self, notebook):
        self.box = notebook.output("stage07-explore")
        self.picture = self.box.get_by_role("img")
        self.place = self.box.get_by_role("status")
        expect(self.place).to_have_text(re.compile(r"^1 of \d{3}$"))

    def menu(self, label):
        return self.box.get_by_label(label, exact=True)

    def words(self):
        """What is said of the picture that is shown."""
        return self.picture.get_attribute("alt")

    def words_after(self, before):
        """The same, once it is another picture: it arrives after its place in the row."""
        expect(self.picture).not_to_have_attribute("alt", before)
        return self.words()


def test_each_check_says_what_it_saw(stage_7):
    said = {name: stage_7.output(f"test_{name}") for name in CHECKS}
    expect(said["find_wrong"]).to_contain_text(re.compile(r"✔ 1 of 1 point\. .*\d+ wrong"))
    for output in said.values():
        expect(output).to_contain_text("✔")
    assert stage_7.page.hosts - BADGES == {stage_7.page.url.split("/")[2]}


def test_the_panel_of_checks(stage_7):
    stage_7.run("stage07-panel")
    panel = stage_7.output("stage07-panel")
    panel.get_by_role("button", name="name_hardest_class").click()
    expect(panel.get_by_role("status")).to_contain_text("2 of 2 points. ")
    expect(panel).to_contain_text("Total: 2 of 10 points.")
    panel.get_by_role("button", name="Check all").click()
    expect(panel).to_contain_text("Total: 10 of 10 points.")
    expect(panel.get_by_role("status")).to_have_count(len(CHECKS))


def test_the_explorer_by_mouse(explorer):
    first = explorer.words()
    explorer.menu("True class").select_option("dog")
    expect(explorer.picture).to_have_attribute("alt", re.compile("enlarged: dog, predicted as"))
    explorer.menu("Predicted class").select_option("cat")
    expect(explorer.picture).to_have_attribute("alt", re.compile("dog, predicted as cat$"))
    second = explorer.words()
    explorer.box.get_by_role("button", name="Next").click()
    expect(explorer.place).to_have_text(re.compile(r"^2 of \d+$"))
    assert len({first, second, explorer.words_after(second)}) == 3
    source = explorer.picture.get_attribute("src")
    explorer.box.get_by_role("button", name="Previous").click()
    expect(explorer.place).to_have_text(re.compile("^1 of"))
    expect(explorer.picture).to_have_attribute("alt", second)
    assert explorer.picture.get_attribute("src") != source


def test_the_explorer_by_keyboard_alone(stage_7, explorer):
    keys = stage_7.page.keyboard

    def tab_to(control):
        for _ in range(8):
            keys.press("Tab")
            if control.evaluate("control => control === document.activeElement"):
                return
        raise AssertionError(f"Tab does not reach {control}")

    keys.press("ArrowUp")  # Shift + Enter went on to the cell below
    tab_to(explorer.menu("True class"))
    for key in ("Space", "ArrowDown", "ArrowDown", "Enter"):  # any, airplane, automobile
        keys.press(key)
    expect(explorer.picture).to_have_attribute("alt", re.compile("enlarged: automobile,"))
    shown = [explorer.words()]
    for control, key, place in (
        (explorer.box.get_by_role("button", name="Next"), "Space", 2),
        (explorer.box.get_by_role("slider"), "ArrowRight", 3),
    ):
        tab_to(control)
        keys.press(key)
        expect(explorer.place).to_have_text(re.compile(rf"^{place} of \d+$"))
        shown.append(explorer.words_after(shown[-1]))
    assert len(set(shown)) == 3
    expect(explorer.menu("True class")).to_have_value("automobile")


def test_a_restart_in_the_middle(stage_7):
    stage_7.restart()
    stage_7.run("test_find_wrong")
    said = stage_7.output("test_find_wrong")
    expect(said).to_contain_text("the two cells at the top have not run")
    expect(said).to_contain_text("Try next: run all the cells above this one")
    stage_7.run_all()
    expect(said).to_contain_text("✔ 1 of 1 point.")


def test_a_photo_from_the_telephone(lab, new_page, tmp_path):
    stage = "stage_09_try_your_own_photo"
    notebook = NotebookPage(new_page(), lab, path_of(stage))
    answers = solution_answers(stage)
    for name in ("shrink_photo", "prepare_any", "top_three", "say_dont_know"):
        notebook.paste(name, answers[name])
    own = answers["three_photos"].replace('"landscape"', '"mine"')
    own = own.replace("get_photo(name)", 'get_photo(box if name == "mine" else name)')
    notebook.paste("three_photos", own)
    notebook.uncomment("stage09-step5-box", "box = cu.photo_box()")
    notebook.run_above("three_photos")

    button = notebook.output("stage09-step5-box").get_by_role("button")
    expect(button).to_have_text("Choose a photo (0)")
    with notebook.page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(telephone_photo(tmp_path / "IMG_2047.jpg"))
    expect(button).to_have_text("Choose a photo (1)")
    for cell in ("three_photos", "stage09-step5-save", "test_three_photos"):
        notebook.run(cell)
    said = notebook.output("three_photos")
    expect(said).to_contain_text(re.compile(r"portrait -> (.+)\s+mine -> \1\s+teapot ->"))
    expect(said.get_by_role("img")).to_have_count(3)
    expect(notebook.output("test_three_photos")).to_contain_text("✔ 2 of 2 points.")
    notebook.shut_down()


def telephone_photo(path):
    """The sample portrait as a telephone keeps it: 12 megapixels, on its side, with a note."""
    sample = sample_photo("portrait")
    large = np.asarray(sample.resize((4000, 3000)), float)
    noise = np.random.default_rng(0).normal(scale=8, size=large.shape)
    picture = Image.fromarray(np.clip(large + noise, 0, 255).astype(np.uint8))
    picture.save(path, quality=97, exif=sample.getexif())
    assert path.stat().st_size > 5_000_000
    return path


def test_the_demo_card_is_exported(lab, new_page, tmp_path):
    stage = "stage_10_demo_day"
    notebook = NotebookPage(new_page(), lab, path_of(stage))
    for name, code in solution_answers(stage).items():
        if not name.startswith("deeper"):
            notebook.paste(name, code)
    notebook.run_all()
    expect(notebook.output("test_demo_card")).to_contain_text("✔ 3 of 3 points.")
    preview = notebook.output("demo_card").locator("iframe").content_frame
    expect(preview.get_by_role("heading", level=1)).to_have_text("My picture classifier")

    files = notebook.page.get_by_role("region", name="File Browser")
    files.get_by_text("stages", exact=True).click()
    files.get_by_text("workspace", exact=True).dblclick()
    files.get_by_text("demo_card.html", exact=True).click(button="right")
    with notebook.page.expect_download() as download:
        choose(notebook.page, "Download")
    notebook.shut_down()
    download.value.save_as(tmp_path / "demo_card.html")
    page = new_page()
    page.goto((tmp_path / "demo_card.html").as_uri())
    page.wait_for_load_state("networkidle")
    assert page.hosts == {""}  # it asks nobody
    expect(page.locator("body")).to_contain_text("Ada")
    assert page.evaluate("[...document.images].map(image => image.naturalWidth)") == [32, 32]
    assert faults(page) == []
