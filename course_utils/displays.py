"""Read what reached the screen: figures as objects, everything else from what was published."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_utils.album import EDGE
from course_utils.evidence import Chart
from course_utils.markup import FAINT, SMALLEST, Markup

_MOST_PIXELS = 4_000_000  # larger pictures are not read
_MOST_WORDS = 20_000  # characters around a Plotly figure
_MOST_POINTS = 2_000  # of a line or of all bars are kept
WIDGET = "application/vnd.jupyter.widget-view+json"
_PLOTLY = "application/vnd.plotly.v1+json"
RASTER = ("image/png", "image/jpeg")
MARKUP = ("text/html", "image/svg+xml")
# Of several kinds, JupyterLab shows the first one in this order; some of them nobody reads.
_KINDS = (_PLOTLY, "application/javascript", "text/javascript", "application/json")
_KINDS += ("text/html", "text/markdown", "text/latex", "image/svg+xml", *RASTER, "text/plain")


@dataclass
class Display:
    """One thing that reached the screen: pictures with the text that belongs to them."""

    images: list[np.ndarray] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)  # one for each image
    around: str = ""
    text: str = ""  # text that was displayed as text
    covered: int = 0  # pictures that lie behind another one
    charts: list[Chart] = field(default_factory=list)
    artists: list[Any] = field(default_factory=list)  # of a figure: what drew each image


def read_figure(figure: Any) -> Display:
    """Read the visible pictures of a matplotlib figure and the words around them.

    A picture behind another one in the same place is not visible. Words in a part of the
    figure without a picture belong to the picture before it.
    """
    from matplotlib.image import FigureImage

    display = Display()
    for axes in figure.axes:
        if not axes.get_visible():
            continue
        images = _images_of(axes)
        shown = [image for place, image in enumerate(images) if not _is_covered(place, images)]
        display.covered += len(images) - len(shown)
        display.images += [np.ma.filled(image.get_array(), 0) for image in shown]
        display.artists += shown
        words = _words_of_axes(axes, with_ticks=bool(shown))
        display.captions += [words] * len(shown)
        if words and not shown and display.captions:
            display.captions[-1] += f"\n{words}"
        if chart := _chart_of(axes):
            display.charts.append(chart)
    for image in figure.findobj(FigureImage):
        display.images.append(np.ma.filled(image.get_array(), 0))
        display.artists.append(image)
        display.captions.append("")
    parts = (figure, *getattr(figure, "subfigs", ()))
    words = [text.get_text() for part in parts for text in part.texts]
    words += [_words_of_legend(legend) for part in parts for legend in part.legends]
    display.around = "\n".join(dict.fromkeys(word for word in words if word))
    for chart in display.charts:  # names for all its plots may stand beside them
        chart.labels += [t.get_text() for part in parts for box in part.legends for t in box.texts]
        chart.words += f"\n{display.around}"
    return display


def _chart_of(axes: Any) -> Chart | None:
    """The bars and lines of one part of a figure, or None if it has neither."""
    from matplotlib.container import BarContainer

    chart = Chart(words=_words_of_axes(axes))
    behind = None if axes.images else color_behind(axes)  # None: pictures
    for container in axes.containers:
        if isinstance(container, BarContainer):
            pairs = zip(container.patches, container.datavalues, strict=False)
            chart.bars += [float(n) for bar, n in pairs if _is_seen(bar, behind, n)]
    bars = {bar for container in axes.containers for bar in container.get_children()}
    if not chart.bars:  # drawn one by one, or by another library
        loose = [patch for patch in axes.patches if patch not in bars]
        loose = [(patch, patch.get_height()) for patch in loose if hasattr(patch, "get_height")]
        chart.bars = [float(n) for bar, n in loose if _is_seen(bar, behind, n)]
    for line in axes.lines:
        if _line_is_seen(line, behind):
            values = np.ma.filled(np.ma.asarray(line.get_ydata(), float), np.nan)
            chart.lines.append([float(value) for value in values[:_MOST_POINTS]])
            chart.labels.append(str(line.get_label()))
    if not chart.bars and not chart.lines:
        return None
    chart.bars = chart.bars[:_MOST_POINTS]
    legend = axes.get_legend()
    texts = [*axes.get_xticklabels(), *axes.get_yticklabels()] if axes.axison else []
    texts += legend.get_texts() if legend is not None else []
    chart.labels += [text.get_text() for text in texts if text.get_text()]
    return chart


def color_behind(part: Any) -> tuple:
    """The color, 0 to 1, on which a part of a figure, or the figure itself, is drawn."""
    is_axes = hasattr(part, "axison")
    patches = [part.patch] if not is_axes or (part.axison and part.patch.get_visible()) else []
    patches += [part.figure.patch] if is_axes else []
    colors = [patch.get_facecolor() for patch in patches]
    return next((color[:3] for color in colors if color[3] >= FAINT), (1, 1, 1))


def _stands_out(color: Any, behind: tuple | None) -> bool:
    from matplotlib.colors import to_rgba

    *color, opacity = to_rgba(color)
    same = behind is not None and np.allclose(color, behind, rtol=0, atol=0.01)
    return opacity >= FAINT and not same


def _is_seen(bar: Any, behind: tuple | None, length: float) -> bool:
    """Whether a bar can be seen; one of the length 0 never can, and is no lie."""
    flat = length and hasattr(bar, "get_width") and not bar.get_width() * bar.get_height()
    if flat or not bar.get_visible():
        return False
    hatched = bar.get_hatch() and bar.get_alpha() in (None, 1)
    edge = bar.get_linewidth() > 0 and _stands_out(bar.get_edgecolor(), behind)
    return bool(hatched or edge) or _stands_out(bar.get_facecolor(), behind)


def _line_is_seen(line: Any, behind: tuple | None) -> bool:
    from matplotlib.colors import to_rgba

    nothing = ("None", "none", " ", "", None)
    colors = []
    if line.get_linewidth() > 0 and line.get_linestyle() not in nothing:
        colors.append(line.get_color())
    if line.get_markersize() > 0 and line.get_marker() not in nothing:
        colors += [line.get_markerfacecolor(), line.get_markeredgecolor()]
    colors = [to_rgba(color, line.get_alpha()) for color in colors]
    return line.get_visible() and any(_stands_out(color, behind) for color in colors)


def _images_of(axes: Any) -> list:
    """The visible pictures of one part of a figure, the hindmost first."""
    from matplotlib.image import AxesImage, BboxImage

    images = axes.findobj(lambda artist: isinstance(artist, AxesImage | BboxImage))
    seen = [
        image
        for image in dict.fromkeys(images)
        if image.get_visible() and image.get_alpha() != 0 and image.get_array() is not None
    ]
    return sorted(seen, key=lambda image: image.get_zorder())


def _is_covered(place: int, images: list) -> bool:
    """Whether a picture lies wholly behind a later, solid one."""
    if not hasattr(images[place], "get_extent"):
        return False

    def box(image):
        left, right, bottom, top = image.get_extent()
        return min(left, right), min(bottom, top), max(left, right), max(bottom, top)

    inner = box(images[place])
    for image in images[place + 1 :]:
        if hasattr(image, "get_extent") and image.get_alpha() in (None, 1):
            outer = box(image)
            if all(a >= b for a, b in zip(inner[:2], outer[:2], strict=True)) and all(
                a <= b for a, b in zip(inner[2:], outer[2:], strict=True)
            ):
                return True
    return False


def _words_of_axes(axes: Any, with_ticks: bool = True) -> str:
    words = [axes.get_title(loc) for loc in ("left", "center", "right")]
    words += [axes.get_ylabel(), axes.get_xlabel()] if axes.axison else []
    words += [text.get_text() for text in axes.texts]
    words += [cell.get_text().get_text() for t in axes.tables for cell in t.get_celld().values()]
    if axes.get_legend() is not None:
        words.append(_words_of_legend(axes.get_legend()))
    if with_ticks and axes.axison:
        ticks = [*axes.get_yticklabels(), *axes.get_xticklabels()]
        words += [tick.get_text() for tick in ticks if re.search("[a-z]{3}", tick.get_text())]
    return "\n".join(word for word in words if word)


def _words_of_legend(legend: Any) -> str:
    return "\n".join([legend.get_title().get_text(), *(t.get_text() for t in legend.get_texts())])


def shown_kind(bundle: Mapping[str, Any], metadata: Any = None) -> str | None:
    """Return the one kind of a MIME bundle that Jupyter shows; None if nobody can see it.

    Parameters
    ----------
    bundle : dict
    metadata : dict, optional
        It may say in which size a picture is shown.
    """
    kind = next((kind for kind in _KINDS if kind in bundle), None)
    size = metadata.get(kind) if isinstance(metadata, dict) else None
    edges = [size.get(edge) for edge in ("width", "height")] if isinstance(size, dict) else []
    small = any(isinstance(edge, int | float) and edge < SMALLEST for edge in edges)
    return None if small else kind


def read_bundle(
    bundle: dict[str, Any], metadata: Any = None, take: Callable[[int], None] = lambda pixels: None
) -> Display:
    """Read the pictures and the text of a MIME bundle, as Jupyter displays it.

    Handles PNG and JPEG (from PIL or ``IPython.display.Image``), pictures inside HTML or SVG,
    Plotly figures, and text, Markdown and tables. Of a bundle only the kind is read that is shown.

    Parameters
    ----------
    bundle : dict
    metadata : dict, optional
    take : callable, optional
        Is told how many pixels each picture has, before they are read.
    """
    # A widget's own bundle says in words what it is. Whoever adds a picture does not show it.
    kind = "text/plain" if WIDGET in bundle else shown_kind(bundle, metadata)
    content = bundle.get(kind) or ""
    plain = str(bundle.get("text/plain") or "")
    if kind == _PLOTLY:
        return _read_plotly(content or {}, take)
    if kind in RASTER:
        images = _decode([content], take)
        return Display(images, [""] * len(images))
    if kind == "text/markdown":
        words = Markup(content, flows=False).words if "<" in content else content
        return Display(text=words)
    if kind == "text/plain":
        return Display(text="" if plain.startswith("<") else plain)
    if kind not in MARKUP:
        return Display()
    page = Markup(str(content))
    if plotly := _plotly_in(page):
        return _read_plotly(plotly, take)
    images = _decode(page.pictures, take)
    if images:
        return Display(images, [page.words] * len(images), text=page.words)
    return Display(text=_confirmed(plain, page.words) if kind == "text/html" else "")


def _confirmed(plain: str, words: str) -> str:
    """The lines of a plain text that its richer form has too, or else the words of that form.

    A table is easier to read in the plain form. What stands in the plain form alone is not shown.
    """
    rows = {"".join(line.split()) for line in words.split("\n")}
    lines = [line for line in plain.split("\n") if line.strip()]
    kept = [line for line in lines if "".join(line.split()) in rows]
    return "\n".join(kept) if len(kept) > len(lines) / 2 else words


def _decode(sources: Iterable[str | bytes], take: Callable[[int], None]) -> list[np.ndarray]:
    from PIL import Image

    images = []
    for source in sources:
        try:
            data = base64.b64decode(source) if isinstance(source, str) else source
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
                take(image.width * image.height)
                if image.width * image.height <= _MOST_PIXELS:
                    images.append(np.asarray(image.convert("RGB")))
        except (OSError, ValueError, binascii.Error, Image.DecompressionBombError):
            continue  # not a picture that anybody could see either
    return images


def _plotly_in(page: Markup) -> dict | None:
    """The data and layout of a Plotly figure that was displayed as HTML, as on Colab."""
    markup = "\n".join(page.scripts)
    call = re.search(r"Plotly\.newPlot\(\s*[\"']([^\"']*)[\"']\s*,\s*", markup)
    if not call or call[1] in page.hidden:
        return None
    decoder = json.JSONDecoder()
    try:
        data, end = decoder.raw_decode(markup, call.end())
        comma = re.compile(r"\s*,\s*").match(markup, end)
        layout, _ = decoder.raw_decode(markup, comma.end() if comma else end)
    except ValueError:
        return None
    return {"data": data, "layout": layout}


def _read_plotly(figure: dict[str, Any], take: Callable[[int], None]) -> Display:
    display = Display()
    layout = figure.get("layout") or {}
    edges = [layout.get(edge) for edge in ("width", "height")]
    if any(isinstance(edge, int | float) and edge < EDGE for edge in edges):
        return display
    for trace in figure.get("data") or []:
        if trace.get("type") != "image" or _is_faint(trace):
            continue
        source, pixels = trace.get("source"), trace.get("z")
        if isinstance(source, str):
            display.images += _decode([source.partition(",")[2]], take)
        elif isinstance(pixels, dict) and "bdata" in pixels:
            shape = [int(part) for part in str(pixels["shape"]).split(",")]
            data = np.frombuffer(base64.b64decode(pixels["bdata"]), np.dtype(pixels["dtype"]))
            display.images.append(data.reshape(shape))
        elif pixels is not None:
            display.images.append(np.asarray(pixels))
    display.captions = [""] * len(display.images)
    notes = [note for note in layout.get("annotations") or [] if not _is_faint(note)]
    titles = [layout.get("title"), *notes]
    titles += [axis.get("title") for key, axis in layout.items() if re.match(r"[xy]axis", key)]
    words = [title.get("text") if isinstance(title, dict) else title for title in titles]
    around = "\n".join(str(word) for word in words if word)
    display.around = _plain(around[:_MOST_WORDS])
    return display


def _plain(text: str) -> str:
    """Words without the marks of bold letters and the like."""
    return re.sub(r"<[^<>]*>", " ", re.sub(r"<br ?/?>", "\n", text))


def _is_faint(part: dict[str, Any]) -> bool:
    """Whether a part of a Plotly figure cannot be seen."""
    opacity = part.get("opacity")
    faint = isinstance(opacity, int | float) and opacity < FAINT
    return faint or part.get("visible", True) in (False, "legendonly")
