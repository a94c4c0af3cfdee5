"""Recognising pictures, reading displays, and turning values into plain data."""

import base64
import html
import io
import json
import time

import matplotlib
import numpy as np
import pytest
from PIL import Image

from course_utils import practice
from course_utils.album import Album, is_washed_out
from course_utils.displays import Display, read_bundle, read_figure
from course_utils.evidence import Cell, Screen, Table, Unreadable, note, plain
from course_utils.markup import Markup

matplotlib.use("Agg")
PICTURES = practice.draw_pictures(300, seed=5)[0]


@pytest.fixture(scope="module")
def album():
    return Album(PICTURES)


def enlarged(number, times, method):
    size = (32 * times, 32 * times)
    return np.asarray(Image.fromarray(PICTURES[number]).resize(size, method))


@pytest.mark.parametrize(
    "image",
    [
        PICTURES[7],
        PICTURES[7] / 255,
        (PICTURES[7] / 255).astype("float32"),
        (PICTURES[7] / 255).astype("float16"),
        PICTURES[7].astype("int64"),
        np.dstack([PICTURES[7], np.full((32, 32), 255, "uint8")]),
        np.kron(PICTURES[7], np.ones((5, 5, 1), "uint8")),
        *(enlarged(7, times, method) for times in (2, 5, 8) for method in Image.Resampling),
        np.pad(PICTURES[7], ((3, 9), (1, 0), (0, 0))),
        np.pad(np.kron(PICTURES[7], np.ones((3, 3, 1), "uint8")), ((3, 3), (6, 0), (0, 0))),
    ],
)
def test_a_picture_is_known_in_any_dress(album, image):
    assert album.find(image) == [7]


@pytest.mark.parametrize(
    "image",
    [
        PICTURES[7][::-1],
        PICTURES[7][..., ::-1],
        PICTURES[7][1:31, 1:31],
        PICTURES[7].astype(float),
        PICTURES[7][..., 0],
        255 - PICTURES[7],
        enlarged(7, 5, Image.Resampling.NEAREST)[..., ::-1],
        np.random.default_rng(0).integers(0, 255, (160, 160, 3)),
        np.zeros((0, 32, 3)),
        np.full((32, 32, 3), np.nan),
        np.array("text"),
    ],
)
def test_another_picture_is_not(album, image):
    assert album.find(image) == []


def test_every_picture_of_a_strip_and_a_grid(album):
    assert album.find(np.hstack(PICTURES[[3, 9, 3]])) == [3, 9, 3]
    rows = [
        np.hstack([np.pad(p, ((2, 2), (2, 2), (0, 0))) for p in PICTURES[i : i + 4]])
        for i in (0, 4)
    ]
    assert album.find(np.vstack(rows)) == list(range(8))


def test_a_plain_white_wall_of_candidates_ends():
    white = np.full((50, 32, 32, 3), 255, np.uint8)
    white[:, 31, 31, 0] = np.arange(50)
    wall = np.full((300, 300, 3), 255, np.uint8)
    assert Album(white).find(wall) == []


def test_floats_up_to_255_come_out_white():
    assert is_washed_out(PICTURES[7].astype(float) + 1)
    assert not is_washed_out(PICTURES[7])


def png(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def encoded(pixels):
    return base64.b64encode(png(pixels)).decode()


def test_figure_gives_its_visible_pictures_with_their_words():
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 4)
    fig.suptitle("over all")
    for ax, picture in zip(axes, PICTURES, strict=False):
        ax.imshow(picture)
    axes[0].set_title("own")
    axes[0].set_xlabel("below")
    axes[1].set_visible(False)
    axes[2].images[0].set_alpha(0)
    display = read_figure(fig)
    plt.close(fig)
    assert [image.shape for image in display.images] == [(32, 32, 3)] * 2
    assert display.captions == ["own\nbelow", ""]
    assert display.around == "over all"


@pytest.mark.parametrize(
    "bundle",
    [
        {"image/png": png(PICTURES[7])},
        {"image/png": encoded(PICTURES[7])},
        {"text/html": f'<img src="data:image/png;base64,{encoded(PICTURES[7])}">'},
        {
            "application/vnd.plotly.v1+json": {
                "data": [{"type": "image", "z": PICTURES[7].tolist()}]
            }
        },
        {
            "text/html": '<script>Plotly.newPlot("x", '
            + json.dumps([{"type": "image", "z": PICTURES[7].tolist()}])
            + ', {"title": {"text": "t"}}, {})</script>'
        },
    ],
    ids=["bytes", "base64", "html", "plotly", "plotly on Colab"],
)
def test_bundle_gives_its_picture(album, bundle):
    assert [album.find(image) for image in read_bundle(bundle).images] == [[7]]


@pytest.mark.parametrize(
    "bundle",
    [
        {},
        {"image/png": b"no picture"},
        {"image/png": "%%%"},
        {"text/html": "<script>Plotly.newPlot('x', [1, </script>"},
        {"application/vnd.plotly.v1+json": {"data": None, "layout": None}},
    ],
)
def test_odd_bundle_gives_nothing(bundle):
    assert read_bundle(bundle).images == []


def test_text_of_markdown_and_html():
    assert (
        read_bundle({"text/plain": "<Markdown object>", "text/markdown": "**cat**"}).text
        == "**cat**"
    )
    assert "cat" in read_bundle({"text/plain": "<HTML object>", "text/html": "<b>cat</b>"}).text


def tag(number=7, more=""):
    return f'<img {more} src="data:image/png;base64,{encoded(PICTURES[number])}">'


HIDDEN = {
    "display": "<div style='color: red; DISPLAY : none !important'>{0}cat</div>",
    "around it": "<div style='display:none'><p><b>{0}</b>cat</p></div>",
    "slash": "<div style='display:none'/>{0}cat</div>",
    "visibility": "<p style='visibility:hidden'>{0}cat</p>",
    "opacity": "<p style='opacity:.05'>{0}cat</p>",
    "attribute": "<p hidden>{0}cat</p>",
    "comment": "<!-- {0} cat -->",
    "template": "<template>{0}cat</template>",
    "noscript": "<noscript>{0}cat</noscript>",
    "script": "<script>'{0}cat'</script>",
    "style": "<style>{0}cat</style>",
    "far away": "<p style='position: absolute; left: -9999px'>{0}cat</p>",
    "cut off": "<div style='height: 1px; overflow: hidden'>{0}cat</div>",
    "drawing": "<svg width=1 height=1><text>cat</text></svg>",
    "comment in a drawing": "<svg width=99><!-- {0} --><text opacity='0'>cat</text></svg>",
    "small in a drawing": "<svg width=90 height=90 viewBox='0 0 900 900'>"
    "<image href='{1}' width=90 height=90 /></svg>",
    "no width": "<p style='font-size:0'>{2}cat</p>",
}


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml"])
@pytest.mark.parametrize("markup", HIDDEN.values(), ids=HIDDEN)
def test_what_nobody_can_see_in_markup_is_not_read(markup, kind):
    uri = f"data:image/png;base64,{encoded(PICTURES[7])}"
    markup = markup.format(tag(), uri, tag(more="width=0"))
    display = read_bundle({kind: markup, "text/plain": "cat"})
    assert display.images == [] and "cat" not in display.text


SEEN = {
    "unclosed": "<p style='display:none'>dog<p>{0}cat",
    "after": "<div hidden>dog</div><span style='opacity: 0.8; width: 5px'>{0}cat</span>",
    "no gaps": "<div style='font-size:0'>{0}<span style='font-size:12px'>cat</span></div>",
    "style before": "<style scoped>.dog {{ display: none; }}</style><figure>{0}cat</figure>",
    "table": "<table><tr><td width=1>{0}<td style='height: 2px'>cat</table>",
    "percent": "<div style='width:100%;height:1em'>{0}<p style='font-size:0.8em'>cat</p></div>",
    "drawing": "<svg viewBox='0 0 4 4'><image href='{1}' width=1 height=1 /><text>cat</text></svg>",
    "unfinished": "{0}cat<img alt='dog",
    "less": "3 < 5, <![CDATA[ > cat {0}",
    "cut off and large": "<div style='max-height:500px;overflow:auto'>{0}cat</div>",
    "details": "<details><summary>look</summary>{0}cat</details>",
}


@pytest.mark.parametrize("markup", SEEN.values(), ids=SEEN)
def test_what_can_be_seen_in_markup_is_read(album, markup):
    uri = f"data:image/png;base64,{encoded(PICTURES[7])}"
    display = read_bundle({"text/html": markup.format(tag(), uri)})
    assert [album.find(image) for image in display.images] == [[7]]
    assert "cat" in display.text and "dog" not in display.text
    assert display.captions == [display.text]


def test_pictures_in_a_frame():
    page = html.escape(f"<p>{tag()}</p>")
    assert len(read_bundle({"text/html": f'<iframe srcdoc="{page}"></iframe>'}).images) == 1
    assert not read_bundle({"text/html": f'<iframe width=0 srcdoc="{page}"></iframe>'}).images


def test_of_a_bundle_only_what_jupyter_shows_is_read():
    picture, svg = encoded(PICTURES[7]), '<svg width="99" height="99"><text>dog</text></svg>'
    rest = {"image/png": picture, "text/plain": "cat"}
    for richer in (
        {"text/html": "&nbsp;"},
        {"text/markdown": " "},
        {"text/latex": "$~$"},
        {"image/svg+xml": svg},
        {"application/javascript": ""},
        {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}},
        {"application/vnd.plotly.v1+json": {"data": [], "layout": {}}},
    ):
        assert read_bundle(rest | richer).images == [], richer
    display = read_bundle(rest)
    assert len(display.images) == 1 and display.text == ""
    assert len(read_bundle(rest, {"image/png": {"width": 320, "height": 320}}).images) == 1
    assert read_bundle(rest, {"image/png": {"width": 1, "height": 1}}).images == []


def test_a_table_is_read_in_its_plain_form_if_it_is_the_one_that_is_shown():
    import pandas as pd

    frame = pd.DataFrame({"class": ["cat", "dog"], "share": [0.25, 0.5]})
    bundle = {"text/plain": repr(frame), "text/html": frame._repr_html_()}
    assert read_bundle(bundle).text == repr(frame)
    other = bundle["text/html"].replace("cat", "ship")
    text = read_bundle(bundle | {"text/html": other}).text
    assert "ship" in text or "cat" not in text
    assert "cat" not in read_bundle(bundle | {"text/html": "<p>dog</p>"}).text
    lines = "cat: 0.25\ndog: 0.5"  # as rich prints
    shown = "<pre>cat: <span>0.25</span>\ndog: <span>0.5</span></pre>"
    assert read_bundle({"text/plain": lines, "text/html": shown}).text == lines


def test_markdown_without_what_is_hidden_in_it():
    text = "| class | share |\n|---|---|\n| cat | 0.5 |\n<!-- dog --><i hidden>ship</i>"
    read = read_bundle({"text/markdown": text, "text/plain": "<Markdown object>"}).text
    assert "| class | share |\n|---|---|\n| cat | 0.5 |\n" in read
    assert "dog" not in read and "ship" not in read


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<style ",
        "<br",
        "&#",
        "<!--",
        "<i>",
        '<a "',
        "<a x='",
        "</",
        "<![",
        "<script></x ",
        "</i>",
    ],
)
def test_markup_is_read_in_time_that_grows_with_its_length_only(piece):
    began = time.process_time()
    Markup(f"{'<b>' * 100_000}{piece * 100_000}")
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("trace", "layout"),
    [({"opacity": 0}, {}), ({"visible": False}, {}), ({}, {"width": 1}), ({}, {"height": 1})],
)
def test_a_plotly_figure_that_nobody_can_see(trace, layout):
    data = [{"type": "image", "z": PICTURES[7].tolist()} | trace]
    figure = {"data": data, "layout": layout}
    assert read_bundle({"application/vnd.plotly.v1+json": figure}).images == []
    call = f'<script>Plotly.newPlot("x", {json.dumps(data)}, {json.dumps(layout)}, {{}})</script>'
    assert read_bundle({"text/html": f"<div id=x></div>{call}"}).images == []


@pytest.mark.parametrize(
    "markup",
    ["<div id=x hidden></div>{}", "<div hidden>{}</div>", "<!-- {} -->"]
    + ["<div id=x class=plotly-graph-div style='width:1px'></div>{}"],
)
def test_a_plotly_figure_in_html_that_nobody_can_see(markup):
    data = json.dumps([{"type": "image", "z": PICTURES[7].tolist()}])
    script = f'<script>Plotly.newPlot("x", {data}, {{}})</script>'
    assert len(read_bundle({"text/html": f"<div id=x></div>{script}"}).images) == 1
    assert read_bundle({"text/html": markup.format(script)}).images == []


# --- Charts


def chart_of(draw):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    draw(ax)
    charts = read_figure(figure).charts
    plt.close(figure)
    return charts


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.bar("ab", [3, 4], alpha=0),
        lambda ax: ax.bar("ab", [3, 4], alpha=0.05, edgecolor="k"),
        lambda ax: ax.bar("ab", [3, 4], color="white"),
        lambda ax: ax.bar("ab", [3, 4], width=0),
        lambda ax: ax.bar("ab", [3, 4], color="none", edgecolor="k", linewidth=0),
        lambda ax: [bar.set_visible(False) for bar in ax.bar("ab", [3, 4])],
        lambda ax: ax.plot([3, 4], alpha=0),
        lambda ax: ax.plot([3, 4], linewidth=0),
        lambda ax: ax.plot([3, 4], linestyle=""),
        lambda ax: ax.plot([3, 4], color="white"),
        lambda ax: (ax.axis("off"), ax.plot([3, 4], "w")),
    ],
)
def test_a_chart_that_nobody_can_see_is_not_read(draw):
    assert chart_of(draw) == []


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.bar("ab", [3, 4], alpha=0.3),
        lambda ax: ax.bar("ab", [3, 4], color="white", edgecolor="k"),
        lambda ax: ax.bar("ab", [3, 4], fill=False),
        lambda ax: ax.bar("ab", [3, 4], color="w", hatch="/"),
        lambda ax: (ax.set_facecolor("k"), ax.bar("ab", [3, 4], color="w")),
        lambda ax: ax.barh("ab", [3, 4]),
        lambda ax: (ax.twinx(), ax.bar("ab", [3, 4])),
    ],
)
def test_bars_that_can_be_seen_are_read(draw):
    assert [chart.bars for chart in chart_of(draw)] == [[3, 4]]
    assert [chart.bars for chart in chart_of(lambda ax: ax.bar("abc", [3, 0, 4]))] == [[3, 0, 4]]


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.plot([3, 4], "o", linewidth=0),
        lambda ax: ax.plot([3, 4], "w--o", markerfacecolor="r"),
        lambda ax: (ax.imshow(PICTURES[7]), ax.plot([3, 4], "w")),
        lambda ax: (ax.axis("off"), ax.plot([3, 4])),
    ],
)
def test_lines_that_can_be_seen_are_read(draw):
    assert [chart.lines for chart in chart_of(draw)] == [[[3, 4]]]


def test_names_at_axes_that_are_off_are_not_read():
    (chart,) = chart_of(lambda ax: (ax.bar(["cat", "dog"], [3, 4]), ax.axis("off")))
    assert "cat" not in "\n".join([*chart.labels, chart.words])


# --- Pieces of a page


def piece(text):
    cell = Cell("")
    cell.text = text
    return cell


def test_a_screen_wipes_and_shows_anew():
    updates = {}
    first, second = Screen("1", updates), Screen("2", updates)
    first.print("a")
    first.add(piece("b"), "x")
    first.print("c")
    second.add(piece("d"), "x")
    assert (first.cell.key, first.cell.text, second.cell.text) == ("1", "abc", "d")
    updates["x"] = piece("e")
    assert (first.cell.text, second.cell.text) == ("aec", "e")
    second.add(piece("f"), "x")
    assert second.cell.text == "ef"
    first.clear(wait=True)
    assert first.cell.text == "aec"
    first.print("g")
    first.print("h")
    assert first.cell.text == "gh"
    first.clear()
    assert first.cell.text == ""
    first.print("i")
    assert first.cell.text == "i"


def test_where_a_widget_is_shown_nothing_is_wiped():
    screen = Screen("", {})
    screen.print("a")
    screen.clear(wait=True)
    screen.print("b")
    screen.has_widget()
    assert screen.cell.text == "ab"


def test_plain_values():
    import pandas as pd

    assert plain(...) is None
    assert plain(np.float32(0.5)) == 0.5
    assert plain(np.str_("cat")) == "cat"
    assert plain(("a", [1, ...])) == ["a", [1, None]]
    assert plain(pd.Series([1.0], index=["cat"])) == {"cat": 1.0}
    assert plain(pd.DataFrame({"a": [1]}, index=["x"])) == Table({"a": [1]}, ["x"])
    assert plain({np.int64(3): True}) == {3: True}
    assert plain(object()) == Unreadable("object")
    assert plain(np.array(["cat"])) == ["cat"]
    array = np.arange(3)
    assert plain(array) is array


@pytest.mark.parametrize(("edge", "unknown"), [(1, 0), (11, 0), (12, 1), (40, 1)])
def test_a_picture_too_small_to_be_seen_was_not_shown(album, edge, unknown):
    cell = Cell("a")
    gray = np.full((edge, 40, 3), 99, np.uint8)
    note(cell, Display([gray], [""]), album)
    assert (cell.shown, cell.unknown) == ([], unknown)


def test_the_title_of_a_plotly_figure_is_words():
    title = "<b>Predicted: cat</b><br>True: dog " + "<" * 100_000
    figure = {"data": [], "layout": {"title": {"text": title}}}
    first, second = read_bundle({"application/vnd.plotly.v1+json": figure}).around.split("\n")
    assert first.strip() == "Predicted: cat"
    assert second.startswith("True: dog")
