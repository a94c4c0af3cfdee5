"""The demo card: how it is written, what it never does, and how a page is read."""

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from course_utils import card as card_module
from course_utils import workbook
from course_utils.card import (
    Card,
    Example,
    Facts,
    Page,
    demo_card,
    of_100,
    percent,
    preview,
    read_facts,
    render,
)
from course_utils.displays import read_bundle
from course_utils.practice import CLASS_NAMES, draw_pictures
from course_utils.workspace import Workspace

PICTURES = draw_pictures(20, seed=3)[0]
PARTS = {
    "name": "Ada",
    "facts": Facts(0.6871, 0.9146, "cat", 0.4125),
    "right": Example(PICTURES[0], "dog", "dog", 0.973),
    "wrong": Example(PICTURES[1], "truck", "ship", 0.8412),
    "limitation": "It takes many cats for dogs when it sees them from the side.",
    "guess": "frog",
    "improvement": {"accuracy_before": 0.6871, "accuracy_after": 0.72, "fixed": 1230,
                    "regressed": 54, "p_value": 0.001},
    "own": True,
    "tested": 10_000,
    "class_names": CLASS_NAMES,
}  # fmt: skip
VOID = {"meta", "img", "br", "path"}


def words(markup):
    return " ".join(Page(markup).text.split())


# --- Numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "written"),
    [(0, "0%"), (1, "100%"), (1.0, "100%"), (0.6871, "68.7%"), (0.99999, "99.9%"),
     (0.00001, "0.1%"), (0.5, "50.0%"), (np.float32(0.25), "25.0%")],
)  # fmt: skip
def test_percent(share, written):
    assert percent(share) == written


@pytest.mark.parametrize(
    ("share", "dots"), [(0, 0), (0.004, 0), (0.005, 1), (0.6871, 69), (0.996, 100), (1, 100)]
)
def test_dots(share, dots):
    assert of_100(share) == dots
    paths = card_module._dots(dots)
    assert [paths["filled"].count("M"), paths["others"].count("M")] == [dots, 100 - dots]


@pytest.mark.parametrize("value", [None, ..., 3, "text", [], {}, {"a": 1}, [1, 2], np.zeros(3)])
def test_what_is_no_table_gives_no_facts(value):
    assert read_facts(value, CLASS_NAMES) == Facts()


# --- The page ----------------------------------------------------------------------------


def test_every_part_is_on_the_page():
    said = words(render(**PARTS))
    for part in (
        "My picture classifier by Ada", "which of ten things", "69 of 100", "41 of 100",
        "68.7%", "91.5%", "cat 41.2% right", "72.0% after", "repairs 1,230 mistakes",
        "More than luck", "dog", "97.3%", "truck", "ship", "84.1%", "hardest class would be: frog",
        "The evidence says: cat", "many cats for dogs", "CIFAR-10", "nobody asked",
        "Some of their labels are wrong", "I trained this model myself", "10,000 pictures",
        "only 10 words",
    ):  # fmt: skip
        assert part in said, part


def test_the_page_says_what_is_so():
    said = words(render(**PARTS | {"own": False, "pictures": "practice", "guess": "cats"}))
    assert "The course trained this model" in said
    assert "drew them. They are not photos" in said
    assert "CIFAR" not in said
    assert "My guess was right" in said
    luck = words(
        render(improvement={"accuracy_before": 0.5, "accuracy_after": 0.6, "p_value": 0.5})
    )
    assert "It may be luck" in luck
    assert "Before and after" not in words(render(improvement={"accuracy_before": 0.5}))


def test_empty_parts_give_a_sentence():
    said = words(render())
    for part in (
        "There is no name", "accuracy is not measured yet", "not named yet", "There is no guess",
        "No right prediction is chosen yet", "No wrong prediction", "No limit is written here yet",
        "not known who trained",
    ):  # fmt: skip
        assert part in said, part
    assert "None" not in said
    assert "None" not in words(render(facts=Facts(hardest_accuracy=0.2, accuracy=0.3)))


def test_what_a_student_writes_is_escaped():
    bad = "<script>alert(1)</script> & \"<b>'</style></title>"
    page = render(
        name=bad, title=bad, does=bad, guess=bad, limitation=bad, facts=Facts(hardest=bad),
        right=bad, wrong=Example(PICTURES[0], bad, bad, 0.5), class_names=[bad, bad],
    )  # fmt: skip
    assert "<script" not in page
    assert page.count("</style>") == page.count("</title>") == 1
    assert words(page).count("alert(1)") > 8


def test_one_file_without_scripts_or_addresses():
    page = render(**PARTS)
    assert Page(page).outside == []
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert not re.search(r"<link|@import|@font-face|\son\w+=", page)
    assert "default-src 'none'; img-src data:" in page
    assert len(page) < 60_000
    assert render(**PARTS) == page


def test_pictures_are_whole():
    page = Page(render(**PARTS))
    assert [source[:22] for source, _ in page.pictures] == ["data:image/png;base64,"] * 2
    assert "dog" in page.pictures[0][1] and "ship" in page.pictures[1][1]
    images = read_bundle({"text/html": render(**PARTS)}).images
    assert [np.array_equal(*both) for both in zip(images, PICTURES, strict=False)] == [True, True]
    assert "image-rendering: pixelated" in render()


class Outline(HTMLParser):
    """Notes elements and whether each is closed in the right order."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.open, self.faults = [], [], []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


@pytest.mark.parametrize("parts", [PARTS, {}], ids=["full", "empty"])
def test_the_outline_is_sound(parts):
    outline = Outline(render(**parts))
    assert outline.faults == outline.open == []
    names = [tag for tag, _ in outline.tags]
    assert [names.count(tag) for tag in ("h1", "main", "header", "footer", "table")] == [1] * 5
    assert outline.tags[0] == ("html", {"lang": "en"})
    assert names.count("section") == names.count("h2") == 5
    headers = [given for tag, given in outline.tags if tag == "th"]
    assert all(given.get("scope") in ("row", "col") for given in headers)
    ids = [given["id"] for _, given in outline.tags if "id" in given]
    assert len(ids) == len(set(ids))
    labels = [given["aria-labelledby"] for _, given in outline.tags if "aria-labelledby" in given]
    assert labels == ids
    for tag, given in outline.tags:
        if tag == "svg":
            assert given.get("aria-hidden") == "true" or (
                given["role"] == "img" and given["aria-label"]
            )


def luminance(color):
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_enough():
    """WCAG AA: 4.5 for text, 3 for what is drawn."""
    page = render()
    colors = dict(re.findall(r"--([\w-]+): (#\w{6})", page))
    verdicts = re.findall(r"\.verdict \{[^}]*color: (#\w{6})", page)
    assert len(verdicts) == 2
    limit = re.search(r"\.limit \{[^}]*color: (#\w{6})", page).group(1)
    pairs = [(colors[text], colors[ground]) for text, ground in (
        ("ink", "paper"), ("soft", "paper"), ("soft", "wash"), ("soft", "sky"), ("soft", "sand"),
        ("ink", "sky"), ("ink", "sand"), ("gold", "navy"), ("on-navy", "navy"),
    )]  # fmt: skip
    pairs += [(verdicts[0], colors["sky"]), (verdicts[1], colors["sand"]), (limit, colors["gold"])]
    for text, ground in pairs:
        assert contrast(text, ground) >= 4.5, (text, ground)
    for drawn in ("blue", "rust"):
        assert contrast(colors[drawn], colors["paper"]) >= 3


def test_right_and_wrong_differ_by_more_than_color():
    page = render(**PARTS)
    assert "✓ Right" in page and "✗ Wrong" in page
    assert re.search(r"\.example\.wrong \{ border: 3px dashed", page)


# --- In a notebook -----------------------------------------------------------------------


@pytest.fixture
def session(tmp_path, monkeypatch):
    """What a notebook has after the two setup cells."""
    scores = np.full((20, 10), 0.05)
    labels = np.arange(20) % 10
    predicted = np.where(np.arange(20) < 15, labels, 0)
    scores[np.arange(20), predicted] = 0.55
    begun = SimpleNamespace(
        values=SimpleNamespace(class_names=list(CLASS_NAMES)),
        pictures=PICTURES,
        labels=labels,
        kind="practice",
        own=False,
        answers=lambda: scores,
        work={"findings": {"guess": "frog", "improvement": None}},
    )
    monkeypatch.setattr(workbook._Session, "beginning", begun)
    monkeypatch.setattr(workbook._Session, "workspace", Workspace(tmp_path / "workspace"))
    monkeypatch.setattr(workbook._Session, "recorder", None)
    return begun


TABLE = {"accuracy": 0.75, "top3": 0.9, "hardest class": "cat", "hardest accuracy": 0.1}


def test_saves_and_returns_the_page(session, tmp_path, capsys):
    card = demo_card("Ada", TABLE, 3, 17, "It knows ten classes.")
    assert isinstance(card, str)
    assert card.path == tmp_path / "workspace" / "demo_card.html"
    assert card.path.read_text(encoding="utf-8") == card
    assert "Saved as workspace/demo_card.html" in capsys.readouterr().out
    said = words(card)
    for part in (
        "75.0%",
        "cat 10.0%",
        "horse",
        "airplane",
        "55.0%",
        "frog",
        "It knows ten classes",
    ):
        assert part in said, part
    assert repr(card).startswith("<demo card with")
    assert "iframe" in card._repr_html_()


@pytest.mark.parametrize("number", [3, 3.0, np.int64(3), [3], np.array([3])])
def test_a_number_in_any_form(session, number):
    assert len(Page(demo_card("Ada", TABLE, number, 17, "x")).pictures) == 2


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (..., ..., "No right prediction is chosen yet"),
        (17, 3, "Picture 17 is not a right prediction. The model says airplane"),
        (3, 3, "Picture 3 is not a wrong prediction"),
        (20, 17, "There is no picture 20. The numbers go from 0 to 19"),
        (-1, 17, "There is no picture -1"),
        ("cat", 17, "right needs the number of one picture"),
        (3, [1, 2], "wrong needs the number of one picture"),
        (True, 17, "right needs the number"),
        (float("nan"), float("inf"), "wrong needs the number"),
    ],
)
def test_unfit_numbers_give_a_sentence(session, right, wrong, says):
    assert says in words(demo_card("Ada", TABLE, right, wrong, "x"))


def test_blank_parts_do_not_stop_it(session):
    said = words(demo_card(..., ..., ..., ..., ...))
    assert "There is no name" in said
    assert "No limit is written" in said
    assert "ellipsis" not in said.lower()


def test_a_surname_is_pointed_out(session, capsys):
    demo_card("Ada Lovelace", TABLE, 3, 17, "x")
    assert "A first name is enough" in capsys.readouterr().out


def test_a_place_that_cannot_be_written(session, tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    card = demo_card("Ada", TABLE, 3, 17, "x", path=tmp_path / "taken" / "card.html")
    assert isinstance(card, Card) and card.path is None
    assert "cannot be saved as card.html" in capsys.readouterr().out


def test_before_the_setup_cells(session, monkeypatch):
    monkeypatch.setattr(workbook._Session, "beginning", None)
    with pytest.raises(RuntimeError, match="two cells at the top"):
        demo_card("Ada")


def test_preview_is_apart_and_whole(recwarn):
    from IPython.display import HTML

    page = render(**PARTS)
    shown = preview(page)
    HTML(shown)
    assert not recwarn.list  # IPython warns of HTML that is nothing but a frame
    frame = next(given for tag, given in Outline(shown).tags if tag == "iframe")
    assert frame["srcdoc"] == page
    assert frame["sandbox"] == ""
    assert frame["title"]


def test_without_jinja_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(ImportError, match="pip install jinja2"):
        render()


# --- Reading a page ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "outside"),
    [
        ('<img src="cat.png">', ["cat.png"]),
        ('<a href="https://example.org">x</a>', ["https://example.org"]),
        ('<link rel="stylesheet" href="a.css">', ["a.css"]),
        ("<style>p { background: url( 'b.png' ) }</style>", ["b.png"]),
        ('<style>@import "c.css";</style>', ["c.css"]),
        ('<p style="background: url(d.png)">', ["d.png"]),
        ('<svg><image xlink:href="e.png"/></svg>', ["e.png"]),
        ('<img src="data:image/png;base64,AA=="><a href="#top">x</a><a href>y</a>', []),
        ("<p>https://example.org as text</p>", []),
        ('<svg xmlns="http://www.w3.org/2000/svg"></svg>', []),
    ],
)
def test_what_comes_from_outside(markup, outside):
    assert Page(markup).outside == outside


def test_tables_and_words_of_any_page():
    page = Page("<title>T</title><style>x</style><tr><th>a<td>b &amp; c</table><figure>d</figure>e")
    assert [[cell.strip() for cell in row] for row in page.rows] == [["a", "b & c"]]
    assert page.captions.split() == ["d"]
    assert "T" not in page.text and "x" not in page.text.split()


def test_the_template_belongs_to_the_package():
    assert (Path(card_module.__file__).parent / "assets" / "demo_card.html.j2").is_file()
