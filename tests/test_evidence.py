"""Recognising pictures, reading displays, and turning values into plain data."""

import base64
import io
import json

import matplotlib
import numpy as np
import pytest
from PIL import Image

from course_utils import practice
from course_utils.evidence import (
    Album,
    Table,
    Unreadable,
    is_washed_out,
    plain,
    read_bundle,
    read_figure,
)

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
