"""The evaluation report: what stands in it, what it never does, and how it looks in a browser."""

from __future__ import annotations

import base64
import io
import re
import sys
import warnings
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_utils.analysis import changes, html, metrics, mistakes, people, report
from course_utils.card import Page, percent

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 720}
VOID = {"meta", "img", "br", "link"}
HISTORY = {"loss": [2.0, 1.0], "val_loss": [2.1, 1.5], "accuracy": [0.2, 0.5]}
ODD = ["<script>alert(1)</script>", "a & \"b' </style></title>", "$x$ {{ 7 * 7 }}"]


def some(n, classes, seed=0, peak=0.3):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, peak), n), rng.integers(0, classes, n)


def sharp(labels, classes, wrong=()):
    """Answers that are right except for some pictures, each 80 % sure."""
    said = np.array(labels)
    said[list(wrong)] = (said[list(wrong)] + 1) % classes
    p = np.full((len(said), classes), 0.2 / (classes - 1))
    p[np.arange(len(said)), said] = 0.8
    return p, np.asarray(labels)


def pictures(n):
    return np.random.default_rng(5).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


P, Y = some(300, 10)
BEFORE, _ = some(300, 10, 1)
COUNTS = np.random.default_rng(2).multinomial(20, np.full(10, 0.1), 300)
PARTS = {
    "pictures": pictures(300),
    "history": HISTORY,
    "votes": people.count_votes(COUNTS),
    "before": BEFORE,
    "points": np.random.default_rng(3).normal(size=(100, 2)),
    "title": "My model",
}


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A report with all parts that need no model."""
    return report(P, Y, path=tmp_path_factory.mktemp("full") / "report.html", **PARTS)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A report on a hundred classes, without pictures."""
    p, y = some(2000, 100)
    names = [f"thing_number_{n}" for n in range(100)]
    path = tmp_path_factory.mktemp("many") / "report.html"
    return report(p, y, class_names=names, before=p[:, ::-1], path=path)


def read(path):
    return Page(path.read_text(encoding="utf-8"))


def words(path):
    return " ".join(read(path).text.split())


class Tree(HTMLParser):
    """The tags of a page, in order; every one that opens has to close."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.seen, self.headings = [], [], []
        self.feed(markup)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings.append((self.open[-1], data))


# --- What stands in it ---------------------------------------------------------------------


def test_all_parts_are_there(full):
    headings = [text for tag, text in Tree(full.read_text()).headings if tag == "h2"]
    assert headings == [
        "At a glance", "Numbers for all classes together", "Training", "Classes", "Confidence",
        "Pictures", "Whose fault is a mistake?", "Alike pictures", "Before and after",
        "About this report",
    ]  # fmt: skip


def test_parts_that_nothing_is_known_of_are_left_out(tmp_path):
    path = report(P, Y, path=tmp_path / "a.html", figures=None)
    headings = [text for tag, text in Tree(path.read_text()).headings if tag == "h2"]
    for heading in ("Training", "Where it looked", "Alike pictures", "Before and after"):
        assert heading not in headings
    assert "This report does not say. It was made without votes" in words(path)
    assert list(tmp_path.iterdir()) == [path]


def test_numbers(full):
    said, found = words(full), metrics.summary(P, Y)
    wrong = found["wrong"]
    assert f"300 test pictures of 10 classes. The model is right on {300 - wrong}" in said
    for name in ("accuracy", "top3", "f1_macro", "precision_weighted"):
        assert percent(found[name]) in said
    for name in ("log_loss", "mcc", "ece15", "roc_auc_macro_ovr", "brier_sum"):
        assert f"{found[name]:.4f}" in said
    assert f"The expected calibration error is {found['ece15']:.4f}" in said
    assert mistakes.hardest(P, Y).words[1:] in said


def test_each_metric_has_its_two_lines(full):
    said, found = words(full), metrics.summary(P, Y)
    for key, note in metrics.NOTES.items():
        assert key in found
        assert f"Helps: {note.helps} Misleads: {note.misleads}" in said, key


def test_tables(full):
    page = read(full)
    classes = mistakes.per_class(P, Y)
    cat = classes.loc["cat"]
    in_numbers = next(row for row in page.rows if row[0].strip() == "cat" and len(row) == 11)
    assert [cell.strip() for cell in in_numbers[1:5]] == [
        f"{cat.pictures:.0f}",
        f"{cat.right:.0f}",
        percent(cat.accuracy),
        f"{percent(cat.low)} to {percent(cat.high)}",
    ]
    taken = next(row for row in page.rows if row[0].strip() == "cat" and len(row) == 2)
    first = mistakes.confusions(P, Y).query("true_name == 'cat'").iloc[0]
    assert (
        taken[1].strip().startswith(f"{first.pred_name} {first['count']} ({percent(first.share)})")
    )
    tags = Tree(full.read_text()).seen
    assert sum(tag == "table" for tag, _ in tags) == sum(tag == "caption" for tag, _ in tags) == 5


def test_verdicts_say_where_they_come_from_and_how_strong_that_is(full, tmp_path):
    said = words(full)
    assert "Where the votes come from. About 20 people looked at each picture" in said
    assert "strong evidence" in said
    assert "at least 90% of the people chose the label" in said
    assert "CIFAR-10H" in said
    assert "CC BY-NC-SA 4.0" in said
    assert said.count("Verdict: ") == 20
    weak = people.count_votes(COUNTS, "models")
    said = words(report(P, Y, votes=weak, path=tmp_path / "weak.html", figures=None))
    assert "weaker evidence, since models can share mistakes" in said
    assert "Models alone never call a label doubtful" in said
    assert "CIFAR-10H" not in said


def test_verdicts_of_raters_alone(tmp_path):
    p, y = sharp([0, 1, 2], 3, wrong=[0, 1])
    raters = {0: people.Raters(0, 5, 0, 0, 0, 1)}
    said = words(report(p, y, raters=raters, path=tmp_path / "a.html", figures=None))
    assert "shown to five people each" in said
    assert "Verdict: label" in said
    assert "Nobody voted on 1 more" in said
    assert said.count("Verdict: ") == 1


def test_before_and_after(full):
    found = changes.compare(BEFORE, P, Y)
    alts = " ".join(alt for _, alt in read(full).pictures)
    assert f"{found['fixed']:,} are fixed, {found['regressed']:,} are newly wrong" in alts


def test_without_pictures_their_numbers_stand_there(many):
    page = read(many)
    assert len(page.pictures) == 11  # figures only
    sure = mistakes.most_confident(*some(2000, 100))
    assert f"number {sure[0]} " in words(many)


def test_a_hundred_classes_have_all_their_rows(many):
    names = {row[0].strip() for row in read(many).rows}
    assert {f"thing_number_{n}" for n in range(100)} <= names
    assert "Only 15 of 100 classes are shown" in read(many).pictures[1][1]


def test_deterministic(tmp_path):
    pages = [report(P, Y, path=tmp_path / f"{n}.html", figures=None) for n in (1, 2)]
    assert pages[0].read_bytes() == pages[1].read_bytes()


# --- What it never does --------------------------------------------------------------------


def test_one_file_without_scripts_or_addresses(full):
    markup = full.read_text(encoding="utf-8")
    assert Page(markup).outside == []
    assert "<script" not in markup
    assert "http" not in markup.replace("http-equiv", "")
    assert not re.search(r"<link|<a [^>]*href=\"[^#]|@import|@font-face|\son\w+=", markup)
    assert "default-src 'none'; img-src data:" in markup
    assert len(markup) < 2_000_000


def test_names_and_titles_are_escaped(tmp_path):
    p, y = some(40, 3)
    path = report(
        p, y, pictures(40), ODD, title=ODD[0], votes=COUNTS[:40, :3] + 1, path=tmp_path / "a.html"
    )
    markup = path.read_text(encoding="utf-8")
    assert "<script" not in markup
    assert markup.count("</style>") == markup.count("</title>") == 1
    Tree(markup)
    said = " ".join(Page(markup).text.split())
    assert said.count("<script>alert(1)</script>") > 5
    assert "{{ 7 * 7 }}" in said


def test_every_figure_has_words_and_is_whole(full):
    figures = 0
    for source, alt in read(full).pictures:
        assert len(alt) > 20
        assert re.search(r"\d", alt)
        kind, _, content = source.partition(",")
        assert kind == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(content))) as image:
            image.load()
            figures += image.size != (32, 32)
    assert figures == 13


def test_figures_are_png_files_too(full, tmp_path):
    folder = full.with_name("report_figures")
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 16  # and the three piles of pictures
    assert names[0] == "01_training_curves.png"
    assert "03_confusion_matrix.png" in names
    for path in folder.iterdir():
        with Image.open(path) as image:
            image.verify()
    report(P, Y, path=tmp_path / "a.html", figures=tmp_path / "deep" / "folder")
    assert len(list((tmp_path / "deep" / "folder").iterdir())) == 8


def test_notebooks_get_no_figure_of_it(full):
    assert not plt.get_fignums()


# --- Odd answers ---------------------------------------------------------------------------

LABELS = np.arange(30) % 10
CASES = {
    "no mistakes": (*sharp(LABELS, 10), None),
    "one mistake": (*sharp(LABELS, 10, [3]), None),
    "two mistakes": (*sharp(LABELS, 10, [3, 9]), None),
    "all wrong": (*sharp(LABELS, 10, range(30)), None),
    "an absent class": (*sharp(LABELS % 9, 10, [2]), None),
    "two classes": (*some(20, 2), ["yes", "no"]),
    "one picture": (np.array([[0.6, 0.4]]), np.array([1]), None),
    "one picture, right": (np.array([[0.6, 0.4]]), np.array([0]), None),
    "most classes absent": (*some(12, 100), None),
    "ties": (np.full((9, 3), 1 / 3), np.arange(9) % 3, None),
    "pictures of the alphabet": (*some(60, 3), ["\N{CAT FACE}", "", "long" * 30]),
}


@pytest.mark.parametrize("case", CASES)
def test_any_answers_give_a_report(case, tmp_path):
    p, y, names = CASES[case]
    n, classes = p.shape
    path = report(
        p,
        np.eye(classes)[y],
        pictures(n),
        names,
        before=np.roll(p, 1, axis=1),
        votes=np.ones((n, classes)),
        points=np.eye(n, 2),
        path=tmp_path / "a.html",
    )
    said = words(path)
    for odd in ("nan", "None ", "inf%", "{{"):
        assert odd not in said, odd
    Tree(path.read_text(encoding="utf-8"))
    if case == "no mistakes":
        assert "There are no wrong answers." in said
        assert "There are no wrong pictures." in said
    if case == "an absent class":
        assert "no picture of this class was tested" in said
    if case == "two classes":
        assert "top-3 accuracy" not in said


def test_pictures_of_another_kind(tmp_path):
    p, y = some(20, 3)
    for odd in (pictures(20) / 255, pictures(20).astype(np.float32), pictures(20)[..., :1]):
        assert len(read(report(p, y, odd, path=tmp_path / "a.html", figures=None)).pictures) > 8


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pictures": pictures(299)}, "needs 300 pictures"),
        ({"class_names": ["cat"]}, "1 names"),
        ({"votes": np.ones((300, 9))}, "votes have the shape"),
        ({"before": np.full((300, 2), 0.5)}, "same pictures and classes"),
        ({"history": {}}, "The history needs lists"),
        ({"points": np.ones((10, 3))}, r"points of shape \(10, 2\)"),
        ({"points": np.ones((301, 2))}, r"points of shape \(300, 2\)"),
    ],
)
def test_parts_that_do_not_fit_are_refused(given, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        report(P, Y, path=tmp_path / "a.html", figures=None, **given)
    assert not list(tmp_path.iterdir())


# --- Files ---------------------------------------------------------------------------------


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(html, "_glance", lambda *_: pytest.fail("it began to compute"))
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "a.html", tmp_path):
        with pytest.raises(OSError, match=r"cannot be written to .* Choose another place") as error:
            report(P, Y, path=place)
        assert "\n" not in str(error.value)
    with pytest.raises(OSError, match="cannot be written"):
        report(P, Y, path=tmp_path / "a.html", figures=tmp_path / "file")


def test_a_full_disk_leaves_the_old_report(tmp_path, monkeypatch):
    path = tmp_path / "a.html"
    path.write_text("old")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(html.os, "replace", full_disk)
    with pytest.raises(OSError, match=r"no space left on device\)\. Choose another place"):
        report(P, Y, path=path, figures=None)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_folder_and_a_report_in_place_of_an_old_one(tmp_path):
    path = tmp_path / "new" / "folder" / "a.html"
    assert report(*sharp([0, 1], 2), path=path) == path
    before = path.read_bytes()
    report(*sharp([0, 1], 2, [0]), path=str(path))
    assert path.read_bytes() != before
    assert not list(path.parent.glob("*.part"))


def test_without_jinja_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match="pip install jinja2"):
        report(P, Y, path=tmp_path / "a.html")


# --- A model -------------------------------------------------------------------------------


def test_a_model_that_cannot_be_looked_into_gives_a_sentence(tmp_path):
    def looked(**given):
        path = report(*sharp([0, 1, 0], 2, [1]), path=tmp_path / "a.html", figures=None, **given)
        return words(path)

    assert "There are no maps here. This needs the pictures." in looked(model=object())
    said = looked(model=object(), pictures=pictures(3))
    assert "There are no maps here. This needs a Keras model." in said


@pytest.mark.slow
@pytest.mark.parametrize("network", ["baseline", "transformer"])
def test_where_a_model_looked(network, tmp_path):
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    from course_utils import analysis, models

    warnings.simplefilter("ignore")  # TensorFlow's own
    builders = {"baseline": models.build_baseline, "transformer": analysis.build_transformer}
    p, y = some(20, 10)
    path = report(p, y, pictures(20), model=builders[network](), path=tmp_path / "a.html")
    names = [path.name for path in (tmp_path / "a_figures").glob("*where_it_looked*")]
    said = words(path)
    if network == "baseline":
        assert len(names) == 2
        assert "Method: Grad-CAM, layer" in said
        assert "x 8 cells" in said or "x 4 cells" in said
    else:
        assert len(names) == 1
        assert "Method: attention rollout" in said


# --- Real answers --------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.slow
def test_real_answers_of_a_hundred_classes(tmp_path):
    from tests.conftest import SHARED

    file = SHARED / "predictions" / "wideresnet-16-4-cifar-100.npz"
    if not file.exists():
        pytest.skip("needs ../shared/data, which is not here")
    with np.load(file) as stored:
        p, y = stored["predictions"], stored["ground_truth"]
    said = words(report(p, y, path=tmp_path / "a.html", figures=None))
    assert "75.4%" in said
    assert "332 of 2,457 wrong answers" in said


# --- In a browser --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("name", ["full", "many", "odd"])
def test_opens_offline_and_fits(visit, full, many, name, viewport, tmp_path):
    path = {"full": full, "many": many}.get(name)
    if name == "odd":
        names = ["W" * 80, "", ODD[0]]
        path = report(*some(40, 3), pictures(40), names, path=tmp_path / "a.html", title="W" * 90)
    page = visit(path.read_text(encoding="utf-8"), viewport)
    assert [url for url in page.asked if url != page.own and not url.startswith("data:")] == []
    assert page.said == []
    assert page.evaluate("[...document.images].every(i => i.naturalWidth > 0 && i.alt)")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    wide = page.evaluate(
        "[...document.querySelectorAll('section > *')].filter(e => !e.closest('.scroll')"
        " && e.scrollWidth > e.clientWidth + 34).map(e => e.outerHTML.slice(0, 99))"
    )
    assert wide == []
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('.plot img')]"
        ".map(image => image.width / image.naturalWidth))"
    )
    assert smallest * 144 / 72 * 8 >= 7.9  # text of 8 points in pixels
    for link in page.locator("nav a").all():
        assert page.locator(link.get_attribute("href")).count() == 1


@pytest.mark.slow
def test_prints_all_rows_and_whole_figures(visit, many):
    page = visit(many.read_text(encoding="utf-8"), DESK)
    page.emulate_media(media="print")
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll')].every(e => e.scrollHeight <= e.clientHeight + 1)"
    )
    sizes = page.evaluate("[...document.querySelectorAll('.plot img')].map(i => i.width)")
    assert min(sizes) >= 300
    assert max(sizes) <= 482  # 5 inches: text keeps its points
    pdf = page.pdf(format="A4", print_background=True)
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 25


@pytest.mark.slow
def test_says_what_it_shows_to_a_screen_reader(visit, full):
    tree = visit(full.read_text(encoding="utf-8"), PHONE).locator("body").aria_snapshot()
    for part in (
        'heading "My model" [level=1]',
        'navigation "Parts of this report"',
        'region "Table of all classes"',
        'rowheader "Log loss',
        'img "Confusion matrix of 10 classes.',
        "caption",
    ):
        assert part in tree, f"{part} is missing in\n{tree[:3000]}"
