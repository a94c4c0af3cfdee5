"""A figure's claims are held against its pixels: honest ones count whole, forged ones do not.

The figures are drawn and described as in a kernel, and published as Jupyter does.
"""

from __future__ import annotations

import base64
import contextlib
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from autograder import witness
from autograder.runner import CellRun
from course_utils import practice, wire
from course_utils.album import Album
from course_utils.displays import read_figure
from course_utils.layout import layout_of
from course_utils.recorder import CLAIMS

NAMES = practice.CLASS_NAMES


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return practice.draw_pictures(200)[0]


@pytest.fixture(scope="module")
def album(pictures) -> Album:
    return Album(pictures)


def caption(number: int) -> str:
    return f"Predicted: {NAMES[(number + 3) % 10]}\nTrue: {NAMES[number % 10]}"


def new_figure(rows: int = 1, columns: int = 3, **settings: Any) -> tuple[Figure, np.ndarray]:
    figure = Figure(**settings)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False).ravel()


def row(pictures: np.ndarray, **settings: Any) -> Figure:
    figure, axes = new_figure(**settings)
    for number, ax in enumerate(axes):
        ax.imshow(pictures[number])
        ax.set_title(caption(number))
    return figure


def publish(
    figure: Figure, kind: str = "png", sharper: int = 1, tight: bool = True
) -> tuple[dict[str, str], dict[str, Any]]:
    """What the kernel sends of a figure: its pixels, and its claims as data."""
    display = read_figure(figure)
    file = io.BytesIO()
    box = "tight" if tight else None
    figure.savefig(file, format=kind, dpi=figure.dpi * sharper, bbox_inches=box)
    if kind == "svg":
        data = {"image/svg+xml": file.getvalue().decode()}
    else:
        data = {f"image/{kind}": base64.b64encode(file.getvalue()).decode()}
    return data, layout_of(figure, display)


def see(data: dict[str, str], claims: dict[str, Any], album: Album) -> witness.Seen:
    content = {"data": data, "metadata": {CLAIMS: wire.write(claims)}}
    run = CellRun("a", [{"msg_type": "display_data", "content": content}])
    return witness.see([run], album)


def shown(seen: witness.Seen) -> dict[int, str]:
    return {one.index: one.caption for one in seen.cells[0].shown}


def pixels_of(data: dict[str, str]) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as image:
        return np.array(image.convert("RGB"))


def png(pixels: np.ndarray) -> dict[str, str]:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"image/png": base64.b64encode(file.getvalue()).decode()}


# --- Honest figures ------------------------------------------------------------------------------


@pytest.mark.parametrize("sharper", [1, 2, 3])
@pytest.mark.parametrize("tight", [True, False])
def test_sizes_and_cuts(pictures, album, sharper, tight):
    seen = see(*publish(row(pictures), sharper=sharper, tight=tight), album)
    assert shown(seen) == {number: caption(number) for number in range(3)}
    assert seen.doubts == []


@pytest.mark.parametrize("kind", ["png", "jpeg", "svg"])
def test_formats(pictures, album, kind):
    seen = see(*publish(row(pictures), kind), album)
    assert shown(seen) == {number: caption(number) for number in range(3)}
    assert seen.doubts == []


STYLES = ("dark_background", "ggplot", "seaborn-v0_8", "fivethirtyeight", "Solarize_Light2", "bmh")


@pytest.mark.parametrize("style", STYLES)
def test_styles(pictures, album, style):
    import matplotlib.style

    with matplotlib.style.context(style):
        seen = see(*publish(row(pictures)), album)
    assert shown(seen) == {number: caption(number) for number in range(3)}
    assert seen.doubts == []


def test_like_a_comic(pictures, album):
    import matplotlib.pyplot as plt

    with plt.xkcd():
        seen = see(*publish(row(pictures)), album)
    assert len(shown(seen)) == 3
    assert seen.doubts == []


@pytest.mark.parametrize(
    "settings",
    [
        {"figsize": (2.5, 1.5)},
        {"figsize": (14, 6)},
        {"dpi": 60},
        {"dpi": 200},
        {"layout": "constrained"},
        {"layout": "tight", "figsize": (9, 4)},
        {"facecolor": "lightyellow"},
    ],
    ids=str,
)
def test_settings_of_the_figure(pictures, album, settings):
    seen = see(*publish(row(pictures, **settings)), album)
    assert shown(seen) == {number: caption(number) for number in range(3)}
    assert seen.doubts == []


def _colored(ax: Any, picture: np.ndarray, text: str) -> None:
    ax.imshow(picture)
    ax.set_title(text, color="red", fontsize=9, fontweight="bold", style="italic")


def _in_a_box(ax: Any, picture: np.ndarray, text: str) -> None:
    ax.imshow(picture)
    ax.set_title(text, bbox={"facecolor": "yellow", "alpha": 0.5})


def _turned(ax: Any, picture: np.ndarray, text: str) -> None:
    first, second = text.split("\n")
    ax.imshow(picture)
    ax.set_ylabel(first)
    ax.set_xlabel(second, rotation=20)


def _on_the_picture(ax: Any, picture: np.ndarray, text: str) -> None:
    ax.imshow(picture)
    ax.text(1, 12, text, color="red", fontsize=8)


def _upside_down(ax: Any, picture: np.ndarray, text: str) -> None:
    ax.imshow(picture, origin="lower")
    ax.set_title(text, loc="left")


def _pale(ax: Any, picture: np.ndarray, text: str) -> None:
    ax.imshow(picture, alpha=0.4)
    ax.set_title(text, alpha=0.6)


def _smooth(ax: Any, picture: np.ndarray, text: str) -> None:
    ax.imshow(picture / 255, interpolation="bicubic")
    ax.set_title(text, family="serif")


def _crossed_out(ax: Any, picture: np.ndarray, text: str) -> None:
    ax.imshow(picture)
    ax.plot([0, 31], [0, 31], "r", linewidth=4)
    ax.grid(True)
    ax.set_title(text)


def _in_a_legend(ax: Any, picture: np.ndarray, text: str) -> None:
    first, second = text.split("\n")
    ax.imshow(picture)
    ax.plot([], [], label=first)
    ax.legend(title=second, fontsize=6, title_fontsize=6, loc="lower left")


DRAWINGS = (_colored, _in_a_box, _turned, _on_the_picture, _upside_down, _pale, _smooth)
DRAWINGS += (_crossed_out, _in_a_legend)


@pytest.mark.parametrize("draw", DRAWINGS, ids=lambda draw: draw.__name__.strip("_"))
def test_drawings(pictures, album, draw: Callable):
    figure, axes = new_figure()
    for number, ax in enumerate(axes):
        draw(ax, pictures[number], caption(number))
    seen = see(*publish(figure), album)
    assert seen.doubts == []
    for number, words in shown(seen).items():
        assert set(caption(number).split("\n")) <= set(words.split("\n")), number
    assert set(shown(seen)) == {0, 1, 2}


def test_a_gray_one_beside_it(pictures, album):
    figure, (left, right) = new_figure(1, 2)
    left.imshow(pictures[0])
    left.set_title(caption(0))
    right.imshow(pictures[0].mean(axis=2), cmap="gray")
    seen = see(*publish(figure), album)
    assert shown(seen) == {0: caption(0)} and seen.doubts == []


def test_one_pixel_enlarged(album):
    figure, (axes,) = new_figure(1, 1, figsize=(2, 2), dpi=100)
    axes.imshow(np.array([[[60, 110, 130]]], np.uint8))
    axes.set_title("One pixel, very large")
    seen = see(*publish(figure), album)
    assert (seen.cells[0].shown, seen.doubts) == ([], [])


@pytest.mark.parametrize("color", ["lightgray", "white", "none", "#123"])
def test_a_picture_with_see_through_parts(pictures, album, color):
    sticker = np.zeros((240, 240, 4), np.uint8)
    sticker[60:180, 80:160] = [110, 155, 50, 255]
    sticker[90:110, 95:105] = [10, 15, 20, 255]
    figure, (left, right) = new_figure(1, 2)
    left.imshow(pictures[0])
    left.set_title(caption(0))
    right.set_facecolor(color)
    right.imshow(sticker)
    seen = see(*publish(figure), album)
    assert shown(seen) == {0: caption(0)} and seen.doubts == []


def test_many_small_panels(pictures, album):
    figure, axes = new_figure(6, 10)  # some 32 pixels each
    for number, ax in enumerate(axes):
        ax.imshow(pictures[number])
        ax.axis("off")
        ax.set_title(NAMES[number % 10], fontsize=6)
    seen = see(*publish(figure), album)
    assert seen.doubts == []
    assert shown(seen) == {number: NAMES[number % 10] for number in range(60)}


def test_long_titles_over_each_other(pictures, album):
    figure, axes = new_figure(1, 5)
    for number, ax in enumerate(axes):
        ax.imshow(pictures[number])
        ax.set_title(caption(number))
    assert len(shown(see(*publish(figure), album))) == 5  # the words are hard to read for anybody


def test_words_of_the_whole_figure(pictures, album):
    figure = row(pictures)
    figure.suptitle("True is above", fontsize=18, fontweight="bold")
    seen = see(*publish(figure), album)
    assert seen.doubts == []
    assert {one.around for one in seen.cells[0].shown} == {"True is above"}


def test_it_is_quick(pictures, album):
    data, claims = publish(row(pictures))
    see(data, claims, album)
    began = time.process_time()
    for _ in range(5):
        see(data, claims, album)
    assert (time.process_time() - began) / 5 < 0.25  # about 25 ms on a quiet machine


# --- Forged ones ---------------------------------------------------------------------------------


def forged(pictures: np.ndarray, **claimed: Any) -> tuple[dict[str, str], dict[str, Any]]:
    data, claims = publish(row(pictures))
    return data, claims | claimed


def test_claims_without_a_picture(pictures, album):
    _, claims = publish(row(pictures))
    seen = see({"text/plain": "three pictures"}, claims, album)
    assert shown(seen) == {} and len(seen.doubts) == 1


@pytest.mark.parametrize("what", ["white", "noise", "blend"])
def test_another_picture_was_published(pictures, album, what):
    data, claims = publish(row(pictures))
    pixels = pixels_of(data)
    other = {
        "white": np.full_like(pixels, 255),
        "noise": np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8),
        "blend": np.full_like(pixels, pixels.mean()),
    }[what]
    seen = see(png(other), claims, album)
    assert shown(seen) == {} and "3 of 3 pictures" in seen.doubts[0]


def test_other_pictures_are_claimed(pictures, album):
    data, claims = publish(row(pictures))
    for place, image in enumerate(claims["images"]):
        image["pixels"] = pictures[100 + 7 * place]
    seen = see(data, claims, album)
    assert shown(seen) == {} and "3 of 3 pictures" in seen.doubts[0]


def test_few_pictures_look_alike(pictures):
    """So that one which is shown can hardly be taken for another."""
    some = pictures[:60]
    pairs = [(a, b) for a in range(60) for b in range(a)]
    assert sum(witness._alike(some[a], some[b]) for a, b in pairs) < 0.02 * len(pairs)
    assert all(witness._alike(picture, picture) for picture in some)


def test_one_picture_claimed_thrice(pictures, album):
    data, claims = publish(row(pictures))
    for number, image in enumerate(claims["images"]):
        image.update(pixels=pictures[number], box=claims["images"][0]["box"])
    assert set(shown(see(data, claims, album))) == {0}


@pytest.mark.parametrize("shift", [(40, 0), (0, 40), (-500, 0)])
def test_shifted_boxes(pictures, album, shift):
    data, claims = publish(row(pictures))
    image = claims["images"][1]
    image["box"] = [edge + shift[place % 2] for place, edge in enumerate(image["box"])]
    seen = see(data, claims, album)
    assert set(shown(seen)) == {0, 2} and "1 of 3 pictures" in seen.doubts[0]


def test_boxes_too_small_to_see(pictures, album):
    data, claims = publish(row(pictures))
    for image in claims["images"][1:]:
        left, bottom, _, _ = image["box"]
        image["box"] = [left, bottom, left + 8, bottom + 8]
    assert set(shown(see(data, claims, album))) == {0}


def test_words_that_were_not_drawn(pictures, album):
    figure, axes = new_figure()
    for number, ax in enumerate(axes):
        ax.imshow(pictures[number])
    data, _ = publish(figure)
    _, claims = publish(row(pictures))
    seen = see(data, claims | {"cut": publish(figure)[1]["cut"]}, album)
    assert shown(seen) == {0: "", 1: "", 2: ""}
    assert "Words of a figure" in seen.doubts[0]


@pytest.mark.parametrize("size", [8, 12, 20])
def test_other_words_were_drawn(pictures, album, size):
    figure, axes = new_figure(figsize=(12, 4))
    for number, ax in enumerate(axes):
        ax.imshow(pictures[number])
        ax.set_title(f"Number {number}\nis a picture", fontsize=size)
    data, claims = publish(figure)
    for number, (image, text) in enumerate(zip(claims["images"], claims["words"], strict=False)):
        image["caption"] = caption(number)
        text["text"] = caption(number)
    for text in claims["words"]:
        if text["text"].startswith("Number"):
            text["text"] = caption(int(text["text"][7]))
    seen = see(data, claims, album)
    assert shown(seen) == {0: "", 1: "", 2: ""}
    assert "Words of a figure" in seen.doubts[0]


@pytest.mark.parametrize("pair", [("cat", "dog"), ("frog", "deer"), ("ship", "bird")])
def test_one_name_in_place_of_another(pictures, album, pair):
    figure, [ax] = new_figure(1, 1)
    ax.imshow(pictures[0])
    ax.set_title(f"Predicted: {pair[0]}")
    data, claims = publish(figure)
    said = f"Predicted: {pair[1]}"
    claims["images"][0]["caption"] = said
    for text in claims["words"]:
        if text["text"].startswith("Predicted"):
            text["text"] = said
    assert shown(see(data, claims, album)) == {0: ""}


@pytest.mark.parametrize("color", ["white", "#fbfbfb", "none"])
def test_words_that_nobody_can_see(pictures, album, color):
    figure, [ax] = new_figure(1, 1)
    ax.imshow(pictures[0])
    ax.set_title(caption(0), color=color)
    seen = see(*publish(figure), album)
    assert shown(seen) == {0: ""}
    assert "Words of a figure" in seen.doubts[0]


@pytest.mark.parametrize("what", ["noise", "black", "stripes"])
def test_a_place_where_everything_could_stand(pictures, album, what):
    data, claims = publish(row(pictures))
    pixels = pixels_of(data)
    above = pixels[:42]
    if what == "noise":
        above[:] = np.random.default_rng(0).integers(0, 2, above.shape[:2])[..., None] * 255
    else:
        above[:] = 0
        above[:, :: 2 if what == "stripes" else above.shape[1]] = 255
    seen = see(png(pixels), claims, album)
    assert shown(seen) == {0: "", 1: "", 2: ""}


def test_words_of_a_drawing_that_are_not_in_it(pictures, album):
    figure, axes = new_figure()
    for number, ax in enumerate(axes):
        ax.imshow(pictures[number])
    data, claims = publish(figure, "svg")
    for number, image in enumerate(claims["images"]):
        image["caption"] = caption(number)
    claims["words"] += publish(row(pictures))[1]["words"]
    seen = see(data, claims, album)
    assert shown(seen) == {0: "", 1: "", 2: ""}


# --- Charts --------------------------------------------------------------------------------------


def counts(**settings: Any) -> Figure:
    figure, [ax] = new_figure(1, 1, **settings)
    ax.bar(NAMES, range(500, 510))
    ax.tick_params(axis="x", rotation=45)
    ax.set_title("How many there are")
    return figure


def chart_in(seen: witness.Seen) -> tuple[list[float], list[str], str]:
    [chart] = seen.cells[0].charts
    return chart.bars, [label for label in chart.labels if label in NAMES], chart.words


@pytest.mark.parametrize("kind", ["png", "jpeg", "svg"])
@pytest.mark.parametrize("sharper", [1, 2])
def test_a_chart(album, kind, sharper):
    seen = see(*publish(counts(), kind, sharper), album)
    assert seen.doubts == []
    bars, labels, words = chart_in(seen)
    assert (bars, labels) == (list(range(500, 510)), list(NAMES))
    assert "How many there are" in words


@pytest.mark.parametrize("style", STYLES)
def test_a_chart_in_a_style(album, style):
    import matplotlib.style

    with matplotlib.style.context(style):
        seen = see(*publish(counts()), album)
    assert seen.doubts == [] and chart_in(seen)[1] == list(NAMES)


@pytest.mark.parametrize("settings", [{"figsize": (3, 2)}, {"dpi": 200}, {"layout": "constrained"}])
def test_a_chart_in_another_size(album, settings):
    seen = see(*publish(counts(**settings)), album)
    assert seen.doubts == [] and chart_in(seen)[1] == list(NAMES)


def test_a_chart_beside_a_picture(pictures, album):
    figure, (left, right) = new_figure(1, 2)
    left.imshow(pictures[0])
    right.barh(NAMES, range(10))
    seen = see(*publish(figure), album)
    assert seen.doubts == [] and list(shown(seen)) == [0]
    assert chart_in(seen)[1] == list(NAMES)


def test_a_chart_without_words(album):
    figure, [ax] = new_figure(1, 1)
    ax.plot([3, 4], label="not in a legend")
    seen = see(*publish(figure), album)
    assert seen.doubts == [] and seen.cells[0].charts[0].lines == [[3, 4]]
    assert "not in a legend" not in seen.cells[0].charts[0].labels


@pytest.mark.parametrize("pixels", [np.full((9, 9, 3), 255), np.full((400, 400, 3), 255)])
def test_a_chart_of_which_nothing_was_published(album, pixels):
    _, claims = publish(counts())
    seen = see(png(pixels.astype(np.uint8)), claims, album)
    assert seen.cells[0].charts == [] and len(seen.doubts) == 1


@pytest.mark.parametrize("what", ["noise", "another chart", "no words are claimed"])
def test_words_of_a_chart_that_are_not_in_it(album, what):
    data, claims = publish(counts())
    figure, [ax] = new_figure(1, 1)
    ax.bar(range(10), range(500, 510))
    if what == "noise":
        pixels = pixels_of(data)
        data = png(np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8))
    else:
        data, own = publish(figure)
        claims["cut"] = own["cut"]
    if what == "no words are claimed":
        claims["words"] = []
    seen = see(data, claims, album)
    assert chart_in(seen)[1:] == ([], "")
    assert len(seen.doubts) == (what != "no words are claimed")


def test_an_empty_drawing(album):
    _, claims = publish(counts(), "svg")
    note = f"<!-- {claims['words'][0]['text']} -->"
    for content in (note, f"<path d='M0 0 L9 9'/>{note}", f"<g opacity='0'><path/></g>{note}"):
        seen = see({"image/svg+xml": f"<svg width='99' height='99'>{content}</svg>"}, claims, album)
        assert all(chart.words == "" for chart in seen.cells[0].charts) and seen.doubts


# --- What has left the page ----------------------------------------------------------------------


def message(kind: str, data: dict | None = None, name: str | None = None, **more: Any) -> dict:
    content = {"data": data, "metadata": {}, "transient": {"display_id": name} if name else {}}
    return {"msg_type": kind, "content": (content if data is not None else {}) | more}


def printed(text: str, name: str = "stdout") -> dict:
    return {"msg_type": "stream", "content": {"name": name, "text": text}}


def numbers(album: Album, *cells: list[dict]) -> list[list[int]]:
    seen = witness.see([CellRun(str(place), cell) for place, cell in enumerate(cells)], album)
    return [[one.index for one in cell.shown] for cell in seen.cells]


WIPE, WAIT = message("clear_output", wait=False), message("clear_output", wait=True)


def test_what_was_wiped_is_gone(pictures, album):
    one, two = (message("display_data", png(pictures[number])) for number in (1, 2))
    assert numbers(album, [one, WIPE], [two]) == [[], [2]]
    assert numbers(album, [one, WIPE, two]) == [[2]]
    assert numbers(album, [one, WAIT]) == [[1]]
    assert numbers(album, [one, WAIT, two]) == [[2]]
    assert numbers(album, [one, WAIT], [two]) == [[1], [2]]
    for other in (printed("x"), printed("x", "stderr"), message("error"), two):
        assert 1 not in numbers(album, [one, WAIT, other])[0]
    pause, on = ({witness.PAUSE: begins} for begins in (True, False))
    course = [message("display_data", pause), printed("saved"), message("display_data", on)]
    assert numbers(album, [one, WAIT, *course]) == [[]]


def test_text_is_wiped_too(album):
    run = CellRun("a", [printed("epoch 1\n"), WAIT, printed("epoch 2\n"), printed("done")])
    assert witness.see([run], album).cells[0].text == "epoch 2\ndone"


def test_a_widget_may_be_what_is_wiped(pictures, album):
    """As with ``interact``: an area within a widget is cleared by the same message."""
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "w"}
    one, widget = message("display_data", png(pictures[1])), message("display_data", view)
    assert numbers(album, [one, WIPE, widget]) == [[1]]


def test_what_was_shown_anew_in_its_place(pictures, album):
    one, other = (
        message("display_data", png(pictures[n]), name) for n, name in ((1, "a"), (3, "b"))
    )
    two = message("update_display_data", png(pictures[2]), "a")
    blank = message("update_display_data", {"text/plain": ""}, "a")
    assert numbers(album, [one, other, two]) == [[2, 3]]
    assert numbers(album, [one, other], [two]) == [[2, 3], []]
    assert numbers(album, [one, two, other, one]) == [[2, 3, 1]]
    assert numbers(album, [one, two, blank]) == [[]]
    assert numbers(album, [two]) == [[]]
    unnamed = message("display_data", png(pictures[4]))
    assert numbers(album, [unnamed, message("update_display_data", {"text/plain": ""})]) == [[4]]


def test_wiping_and_showing_anew_again_and_again_is_quick(album):
    cell = [message("display_data", {"text/plain": "a"}, f"{n}") for n in range(5_000)]
    cell += [message("display_data", {"text/plain": "a"}, "same")] * 5_000
    cell += [message("update_display_data", {"text/plain": "b"}, "same"), WIPE, WAIT] * 5_000
    began = time.process_time()
    witness.see([CellRun("a", cell), CellRun("b", cell)], album)
    assert time.process_time() - began < 5


def test_a_figure_behind_something_richer(pictures, album):
    data, claims = publish(row(pictures))
    for richer in (
        {"text/html": "&nbsp;"},
        {"image/svg+xml": "<svg width='90' height='90'></svg>"},
    ):
        seen = see(data | richer, claims, album)
        assert shown(seen) == {} and len(seen.doubts) == 1
    picture = f'<img src="data:image/png;base64,{data["image/png"]}">'
    assert len(shown(see(data | {"text/html": picture}, claims, album))) == 3  # as ipympl does


def test_a_picture_that_is_shown_too_small(pictures, album):
    data = png(pictures[0])
    tiny = {"image/png": {"width": 1, "height": 1}}
    shot = {"msg_type": "display_data", "content": {"data": data, "metadata": tiny}}
    assert numbers(album, [shot]) == [[]]


# --- Beyond measure ------------------------------------------------------------------------------

INF, NAN = float("inf"), float("nan")
WORD = {
    "text": "cat",
    "box": [100.0, 100.0, 140.0, 120.0],
    "size": 12.0,
    "rotation": 0.0,
    "align": "center",
    "spacing": None,
    "font": ["DejaVu Sans", "normal", "normal"],
}
BOXES = ([-1e300, -1e300, 1e300, 1e300], [0.0, 0.0, 1e9, 1e9], [NAN] * 4, [INF] * 4, ["a"] * 4)
BOXES += ([1.0], 5, None, [0.0, 0.0, 0.0, 0.0], [300.0, 200.0, 100.0, 50.0])
MEASURES = [
    {"dpi": 1e6},
    {"dpi": NAN},
    {"dpi": 0.0},
    {"dpi": "x"},
    {"size": [INF, INF]},
    {"size": [0.0, 0.0]},
    {"size": []},
    {"cut": [0.0, 0.0, 1e-9, 1e9]},
    {"cut": [0.0, 0.0, 0.0, 0.0]},
    {"cut": [1.0]},
    {"covered": INF},
    {"covered": "many"},
    {"charts": 5},
    {"images": 5},
    {"images": [{"pixels": 5, "caption": 5, "box": 5}] * 3},
    {"images": [{}]},
    {"words": 5},
    {"words": [{}]},
    {"around": 5},
    *({"words": [WORD | {"box": box}], "around": "cat"} for box in BOXES),
    *(
        {"words": [WORD | more], "around": "cat"}
        for more in (
            {"size": 1e9},
            {"size": NAN},
            {"rotation": INF},
            {"spacing": 1e300},
            {"spacing": -5},
            {"font": ["/etc/passwd", "normal", "normal"]},
            {"font": ["no such font", "x", "1" * 400]},
            {"font": []},
            {"align": "nowhere"},
        )
    ),
]


@pytest.mark.parametrize("claimed", MEASURES, ids=lambda claimed: str(claimed)[:60])
def test_claims_beyond_measure(pictures, album, claimed):
    """They are refused or held against the figure, in no time."""
    data, claims = forged(pictures, **claimed)
    began = time.process_time()
    seen = see(data, claims, album)
    assert time.process_time() - began < 2
    assert "cat" not in {one.around for one in seen.cells[0].shown}


@pytest.mark.parametrize("box", BOXES, ids=str)
def test_boxes_beyond_measure(pictures, album, box):
    data, claims = publish(row(pictures))
    claims["images"][1]["box"] = box
    assert 1 not in shown(see(data, claims, album))


@pytest.mark.parametrize(
    "text",
    ["Predicted cat " * 140, "$" + r"\frac{" * 300 + "$", "$" + "{" * 900 + "}" * 900 + "$"]
    + ["$" + "x_" * 90 + "x$", "\n".join("cat" * 3 for _ in range(400))],
    ids=["long", "fractions", "braces", "subscripts", "lines"],
)
def test_words_that_would_take_forever(pictures, album, text):
    word = WORD | {"text": text, "box": [0.0, 0.0, 640.0, 480.0]}
    data, claims = forged(pictures, words=[word] * 400, around=text)
    began = time.process_time()
    seen = see(data, claims, album)
    assert time.process_time() - began < 20
    assert text not in {one.around for one in seen.cells[0].shown}


def test_a_picture_larger_than_any_screen(pictures, album):
    from zlib import compress, crc32

    def part(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return len(content).to_bytes(4, "big") + whole + crc32(whole).to_bytes(4, "big")

    head = (40_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", compress(b"\0" * 10**6))
    data = {"image/png": base64.b64encode(bomb + part(b"IEND", b"")).decode()}
    _, claims = publish(row(pictures))
    began = time.process_time()
    assert shown(see(data, claims, album)) == {}
    message = {"msg_type": "display_data", "content": {"data": data, "metadata": {}}}
    assert witness.see([CellRun("a", [message])], album).cells[0].shown == []
    assert time.process_time() - began < 2


def test_more_pictures_than_are_looked_at(pictures, album):
    one = png(np.full((1900, 1900, 3), 7, np.uint8))["image/png"]
    tag = f'<img src="data:image/png;base64,{one}">'
    message = {"msg_type": "display_data", "content": {"data": {"text/html": tag * 50}}}
    began = time.process_time()
    seen = witness.see([CellRun("a", [message] * 20)], album)
    assert time.process_time() - began < 10
    assert any("more than can be looked at" in doubt for doubt in seen.doubts)


def test_a_program_under_the_name_of_a_picture(album):
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n%%EndComments\nshowpage\n"
    data = {"image/png": base64.b64encode(program).decode()}
    with pytest.raises(OSError), contextlib.suppress(ValueError):
        witness._open(data["image/png"])
    message = {"msg_type": "display_data", "content": {"data": data, "metadata": {}}}
    assert witness.see([CellRun("a", [message])], album).cells[0].unknown == 0
