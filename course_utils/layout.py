"""What a figure was drawn from, and where each part of it stands.

A grader outside the kernel sees a figure's pixels only. This is what the kernel adds: claims,
which the grader compares with those pixels.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from course_utils.album import shrink_pixels, to_pixels
from course_utils.displays import Display, color_behind

_MOST_IMAGES = 400
_MOST_WORDS = 400
_LARGEST = 512  # pixels of an edge; a larger picture is sent smaller

Box = list[float]  # left, bottom, right, top, in the figure's own pixels


def layout_of(figure: Any, display: Display) -> dict[str, Any]:
    """Return what a figure shows as plain data, with places.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        It has just been drawn.
    display : Display
        What ``displays.read_figure`` read from it.

    Returns
    -------
    dict
        ``size``, in pixels; ``cut``, the box to which Jupyter cuts it; ``images``, each with
        ``pixels`` (h, w, 3) uint8 or None, ``box`` and ``caption``; ``words``, each text with its
        ``box``, ``size`` in points, ``font``, ``align``, ``rotation`` in degrees and ``spacing``
        of its lines; ``around``, ``covered`` and ``charts`` are those of ``Display``.
    """
    from matplotlib.offsetbox import OffsetBox

    if figure.findobj(OffsetBox):  # what is in a legend still lies where it was on the cut figure
        figure.draw_without_rendering()
    images = zip(display.images, display.captions, display.artists, strict=True)
    return {
        "size": [float(length) for length in figure.bbox.size],
        "dpi": float(figure.dpi),
        "cut": _cut(figure),
        "images": [
            {"pixels": _small(image, artist), "caption": caption, "box": _box(artist)}
            for image, caption, artist in list(images)[:_MOST_IMAGES]
        ],
        "words": _words(figure),
        "around": display.around,
        "covered": display.covered,
        "charts": display.charts,
    }


def _small(image: np.ndarray, artist: Any) -> np.ndarray | None:
    from PIL import Image

    pixels = to_pixels(image)
    if pixels is None:
        return None
    if image.shape[2] == 4:  # what is behind it can be seen through it
        share = image[..., 3:] / (255 if image.dtype.kind in "iu" else 1)
        behind = 255 * np.array(color_behind(artist.axes or artist.figure))
        pixels = np.rint(pixels * share + behind * (1 - share)).clip(0, 255).astype(np.uint8)
    pixels = shrink_pixels(pixels)
    if max(pixels.shape[:2]) > _LARGEST:
        smaller = Image.fromarray(pixels)
        smaller.thumbnail((_LARGEST, _LARGEST), Image.Resampling.BOX)
        pixels = np.asarray(smaller)
    return pixels


def _box(artist: Any) -> Box | None:
    try:
        left, bottom, right, top = artist.get_window_extent().extents
    except Exception:  # an artist of another library's may have no place
        return None
    box = [float(edge) for edge in (left, bottom, right, top)]
    return box if np.isfinite(box).all() else None


def _cut(figure: Any) -> Box | None:
    """What Jupyter shows of a figure: all that is drawn, with a margin."""
    from matplotlib import rcParams

    try:
        inches = figure.get_tightbbox().padded(rcParams["savefig.pad_inches"])
    except Exception:  # as in _box
        return None
    box = [float(edge * figure.dpi) for edge in inches.extents]
    return box if np.isfinite(box).all() else None


def _words(figure: Any) -> list[dict[str, Any]]:
    from matplotlib.text import Text

    words = []
    for text in figure.findobj(Text):
        said = text.get_text()
        spacing = getattr(text, "_linespacing", None)  # or "normal"
        if not text.get_visible() or not re.search(r"\w", said):
            continue
        words.append(
            {
                "text": said,
                "box": _box(text),
                "size": float(text.get_fontsize()),
                "rotation": float(text.get_rotation()),
                "align": str(text.get_horizontalalignment()),
                "spacing": spacing if isinstance(spacing, float | int) else None,
                "font": [str(text.get_fontname()), str(text.get_style()), str(text.get_weight())],
            }
        )
    return words[:_MOST_WORDS]
