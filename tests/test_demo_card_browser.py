"""The demo card in a real browser, opened as a file: it loads nothing and fits a phone."""

from __future__ import annotations

import re

import pytest

from course_utils.card import Example, Facts, preview, render
from course_utils.practice import CLASS_NAMES, draw_pictures

pytestmark = pytest.mark.slow
PHONE, PROJECTOR = {"width": 390, "height": 844}, {"width": 1280, "height": 720}
PICTURES = draw_pictures(2, seed=3)[0]
PARTS = {
    "name": "Ada",
    "facts": Facts(0.6871, 0.9146, "automobile", 0.4125),
    "right": Example(PICTURES[0], "automobile", "automobile", 0.973),
    "wrong": Example(PICTURES[1], "automobile", "airplane", 0.8412),
    "limitation": "It takes many cats for dogs when it sees them from the side.",
    "guess": "frog",
    "improvement": {"accuracy_before": 0.6871, "accuracy_after": 0.72, "fixed": 1230,
                    "regressed": 540, "p_value": 0.001},
    "own": True,
    "tested": 10_000,
    "class_names": CLASS_NAMES,
}  # fmt: skip
CARDS = {
    "full": render(**PARTS),
    "empty": render(),
    "long": render(**PARTS | {"title": "Donaudampfschifffahrts" * 4, "limitation": "many " * 90}),
}


@pytest.mark.parametrize("viewport", [PHONE, PROJECTOR], ids=["phone", "projector"])
@pytest.mark.parametrize("name", CARDS)
def test_opens_offline_and_fits(visit, name, viewport):
    page = visit(CARDS[name], viewport)
    assert [url for url in page.asked if url != page.own and not url.startswith("data:")] == []
    assert page.said == []
    images = page.evaluate(
        "[...document.images].map(i => [i.naturalWidth, i.alt, i.width, i.height])"
    )
    assert len(images) == (0 if name == "empty" else 2)
    for natural, alt, width, height in images:
        assert natural == 32 and alt
        assert width == height >= 130
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= viewport["width"]
    cut_off = page.evaluate(
        "[...document.querySelectorAll('td, th, dd, p, h1')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
    )
    assert cut_off == []


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_prints_on_one_sheet(visit, paper):
    page = visit(CARDS["full"], PROJECTOR)
    pdf = page.pdf(format=paper, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_preview_shows_the_card_inside_another_page(visit):
    page = visit(f"<!doctype html><title>x</title>{preview(CARDS['full'])}", PROJECTOR)
    frame = page.frames[1]
    assert frame.locator("h1").inner_text() == "My picture classifier"
    assert frame.evaluate("[...document.images].every(i => i.naturalWidth === 32)")
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "about:"))] == []


def test_says_who_and_what_to_a_screen_reader(visit):
    page = visit(CARDS["full"], PHONE)
    tree = page.locator("body").aria_snapshot()
    for part in (
        'heading "My picture classifier" [level=1]',
        "main",
        "region",
        "table",
        'img "100 dots, 69 of them filled"',
        "figure",
        'rowheader "Test accuracy',
    ):
        assert part in tree, f"{part} is missing in\n{tree}"
