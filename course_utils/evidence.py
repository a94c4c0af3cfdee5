"""What a student's notebook showed, as plain data.

The recorder (``course_utils.recorder``) fills an :class:`Evidence` while a notebook runs;
the checks (``course_utils.checks``) judge it. Nothing here draws, displays or judges.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, NamedTuple

import numpy as np

EDGE = 32
_MOST_TEXT = 200_000  # characters kept of what one cell prints
_MOST_PIXELS = 4_000_000  # larger pictures are not searched
_SUSPECTS = 200  # known pictures that are compared in full with an altered one
_MOST_POINTS = 2_000  # of a line or of all bars are kept
_PROBE = 8  # pixels of a picture's first row by which it is looked up in a larger one
_FAINT = 0.1  # nobody can see what is less opaque
SMALLEST = 12  # pixels of an edge; nobody can see what a smaller picture shows
_UNREADABLE = 4  # pixels of letters
WIDGET = "application/vnd.jupyter.widget-view+json"
_PLOTLY = "application/vnd.plotly.v1+json"
RASTER = ("image/png", "image/jpeg")
MARKUP = ("text/html", "image/svg+xml")
# Of several kinds, JupyterLab shows the first one in this order; some of them nobody reads.
_KINDS = (_PLOTLY, "application/javascript", "text/javascript", "application/json")
_KINDS += ("text/html", "text/markdown", "text/latex", "image/svg+xml", *RASTER, "text/plain")


@dataclass
class Shown:
    """One known picture that reached the screen.

    Attributes
    ----------
    index : int
        Its number among the test pictures.
    caption : str
        The text that belongs to this picture: titles, axis labels, text beside it.
    around : str
        Text that belongs to the whole figure.
    """

    index: int
    caption: str = ""
    around: str = ""


@dataclass
class Chart:
    """One plot that reached the screen.

    Attributes
    ----------
    bars : list of float
        The lengths of its bars, in the order in which they were drawn.
    lines : list of list of float
        The y values of each line.
    labels : list of str
        Names at the ticks, in the legend and of the lines.
    words : str
        All text of the plot.
    """

    bars: list[float] = field(default_factory=list)
    lines: list[list[float]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    words: str = ""


@dataclass
class Cell:
    """What one run of one cell put on the screen.

    ``unknown`` counts pictures of the right size that are not among the test pictures;
    ``white`` counts those that came out all white or all black; ``covered`` those that lie
    behind another picture.
    """

    key: str
    shown: list[Shown] = field(default_factory=list)
    unknown: int = 0
    white: int = 0
    covered: int = 0
    text: str = ""
    charts: list[Chart] = field(default_factory=list)


@dataclass
class Evidence:
    """All that the checks may look at.

    Attributes
    ----------
    stage : int
    cells : list of Cell
        In the order in which they ran.
    values : dict
        The named variables as plain data (see :func:`plain`). A blank is None.
    version : int
        Of this format.
    """

    stage: int
    cells: list[Cell] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    version: int = 1


@dataclass(frozen=True)
class Reference:
    """What is known about the stage's pictures and model, to compare the evidence with.

    Attributes
    ----------
    probabilities : ndarray of shape (n, k), float
        What the model answers for the known pictures. Empty in a stage without a trained model.
    labels : ndarray of shape (n,), int
        The true classes.
    class_names : tuple of str
    pictures : ndarray of shape (n, 32, 32, 3), uint8, optional
    work : dict
        What the workspace holds, and under ``"saved"`` the names of what was kept today.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    pictures: np.ndarray | None = None
    work: dict[str, Any] = field(default_factory=dict)

    @property
    def predicted(self) -> np.ndarray:
        """The predicted class of each picture, shape (n,); the lowest number wins a tie."""
        return self.probabilities.argmax(axis=1)

    @property
    def wrong(self) -> np.ndarray:
        """The numbers of the wrongly predicted pictures, ascending."""
        return np.flatnonzero(self.predicted != self.labels)


# --- What one cell shows -------------------------------------------------------------------


def note(cell: Cell, display: Display, album: Album | None) -> None:
    """Add one displayed thing to what a cell has put on the screen.

    Parameters
    ----------
    cell : Cell
        It is changed.
    display : Display
    album : Album, optional
        The pictures that are known at this time; without it pictures are not looked up.
    """
    if display.text:
        note_text(cell, f"\n{display.text}\n")
    cell.charts += display.charts
    if album is None:
        return
    cell.covered += display.covered
    for image, caption in zip(display.images, display.captions, strict=True):
        found = album.find(image)
        cell.shown += [Shown(number, caption, display.around) for number in found]
        if not found and image.ndim == 3:
            cell.unknown += 1
            cell.white += is_washed_out(image)


def note_text(cell: Cell, text: str) -> None:
    """Add printed text to what a cell has put on the screen."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)  # codes for colours
    cell.text += text[: max(0, _MOST_TEXT - len(cell.text))]


class Screen:
    """What one cell has on the page, piece by piece: pieces may be wiped or shown anew.

    Parameters
    ----------
    key : str
    updates : dict
        What each display id was given last. All cells of a notebook share it, since a later cell
        may show something else in the place of an earlier one.
    """

    def __init__(self, key: str, updates: dict[str, Cell]):
        self._key = key
        self._updates = updates
        self._pieces: list[_Piece | None] = []  # None where all before it was wiped
        self._wipes = self._has_widget = False

    def add(self, new: Cell, name: str | None = None) -> None:
        """Add what was noted of one output.

        Parameters
        ----------
        new : Cell
        name : str, optional
            The display id, if it has one.
        """
        if self._wipes:
            self._pieces.append(None)
            self._wipes = False
        last = self._pieces[-1] if self._pieces else None
        if name is None and last and last.name is None:  # a cell may print very often
            _add(last.content, new)
        else:
            before = None if name is None else self._updates.get(name)
            self._pieces.append(_Piece(name, new, before))

    def print(self, text: str) -> None:
        """Add printed text; no text if an output is of no interest, and yet one."""
        new = Cell(self._key)
        note_text(new, text)
        self.add(new)

    def clear(self, wait: bool = False) -> None:
        """Wipe what is there, now or when the next output comes."""
        self._wipes = wait
        if not wait:
            self._pieces.append(None)

    def has_widget(self) -> None:
        """Tell that a widget is shown: it may be the one that is cleared from now on.

        An area within a widget is cleared by the same message, so nothing is lost then.
        """
        self._has_widget = True

    @property
    def cell(self) -> Cell:
        """All that is on the page now."""
        wiped = [place for place, piece in enumerate(self._pieces) if piece is None]
        begin = wiped[-1] if wiped and not self._has_widget else 0
        cell = Cell(self._key)
        for piece in filter(None, self._pieces[begin:]):
            now = None if piece.name is None else self._updates.get(piece.name)
            _add(cell, piece.content if now is piece.before else now)
        return cell


class _Piece(NamedTuple):
    name: str | None
    content: Cell
    before: Cell | None  # the update of its name that came before it


def _add(cell: Cell, new: Cell) -> None:
    cell.shown += new.shown
    cell.unknown += new.unknown
    cell.white += new.white
    cell.covered += new.covered
    cell.charts += new.charts
    note_text(cell, new.text)


# --- Values ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """A DataFrame as plain data: its columns as lists, and its index."""

    columns: dict[str | int, list]
    index: list


@dataclass(frozen=True)
class Layer:
    """A layer of a network: its kind, such as ``"Conv2D"``, and what is known about it."""

    kind: str
    output_shape: tuple
    parameters: int
    settings: dict[str, Any]


@dataclass(frozen=True)
class Network:
    """A Keras model as plain data."""

    input_shape: tuple
    output_shape: tuple
    parameters: int
    layers: list[Layer]


@dataclass(frozen=True)
class Unreadable:
    """A value of a kind that no check reads, by the name of its type."""

    kind: str


def plain(value: Any) -> Any:
    """Turn a student's value into plain data.

    Arrays and tensors become numpy arrays of numbers; a Series becomes a dict; a DataFrame
    becomes a :class:`Table`; a Keras model a :class:`Network`; the History that ``fit`` returns
    a dict; lists, dicts, text and numbers stay. A blank (``...``) becomes None; anything else an
    :class:`Unreadable`.

    Parameters
    ----------
    value : object

    Returns
    -------
    None, bool, int, float, str, list, dict, ndarray, Table, Network or Unreadable
        Iterators such as ``map(...)`` are not read: that would use them up.
    """
    if value is None or value is Ellipsis:
        return None
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "biuf":
            return value
        return [plain(item) for item in value.ravel().tolist()]
    if isinstance(value, np.generic):
        return plain(value.item())
    if type(value) in (bool, int, float, str):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, type):  # such as np.uint8 itself
        return Unreadable(value.__name__)
    if isinstance(value, dict):
        return {_plain_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range | KeysView | ValuesView):
        return [_plain_item(item) for item in value]
    if isinstance(getattr(value, "history", None), dict):  # what fit returns
        return plain(value.history)
    if hasattr(value, "layers") and hasattr(value, "count_params"):
        return _network(value)
    if hasattr(value, "columns") and hasattr(value, "index"):  # a DataFrame
        columns = {_plain_key(column): plain(list(value[column])) for column in value.columns}
        return Table(columns, plain(list(value.index)))
    if hasattr(value, "index") and hasattr(value, "values"):  # a Series
        return {
            _plain_key(key): plain(item)
            for key, item in zip(value.index, value.values, strict=True)
        }
    if hasattr(value, "__array__"):  # a tensor of any library
        return plain(np.asarray(value))
    return Unreadable(type(value).__name__)


def _plain_item(value: Any) -> Any:
    """One thing in a list that cannot be read does not hide the others."""
    try:
        return plain(value)
    except Exception as error:
        return Unreadable(type(error).__name__)


def _layers(model: Any) -> Iterator[Any]:
    """All layers, also those of networks within the network."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        elif type(layer).__name__ != "InputLayer":
            yield layer


def _network(model: Any) -> Network:
    layers = [
        Layer(
            type(layer).__name__,
            tuple(getattr(layer, "output", layer).shape),
            int(layer.count_params()),
            {key: plain(setting) for key, setting in layer.get_config().items()},
        )
        for layer in _layers(model)
    ]
    return Network(
        tuple(model.input_shape), tuple(model.output_shape), int(model.count_params()), layers
    )


def _plain_key(key: Any) -> str | int:
    key = plain(key)
    return key if isinstance(key, str | int) else str(key)


# --- Recognising pictures ----------------------------------------------------------------


def pictures_hash(pictures: np.ndarray) -> str:
    """Return a short fingerprint of pictures, uint8."""
    return hashlib.sha256(np.ascontiguousarray(pictures)).hexdigest()[:16]


class Album:
    """Knows pictures by their pixels.

    Parameters
    ----------
    pictures : ndarray of shape (n, 32, 32, 3), uint8
    """

    def __init__(self, pictures: np.ndarray):
        self._pictures = np.ascontiguousarray(pictures)
        # Python's own hash in place of the pixels: 50,000 pictures would be another 150 MB.
        self._numbers: dict[int, int] = {}
        for number, picture in enumerate(self._pictures):
            self._numbers.setdefault(hash(picture.tobytes()), number)
        # A hash of a few pixels finds candidates in a large picture: one of the first row, and
        # one of the middle row, since many photos begin with a white edge.
        self._coarse: np.ndarray | None = None
        self._weights = np.random.default_rng(0).integers(1, 2**63, _PROBE * 3, dtype=np.uint64)
        self._probes = {
            row: np.unique(self._hash(self._pictures[:, row, :_PROBE])) for row in (0, EDGE // 2)
        }

    @functools.cached_property
    def fingerprint(self) -> str:
        """What tells these pictures from others, as :func:`pictures_hash` has it."""
        return pictures_hash(self._pictures)

    def number_of(self, picture: np.ndarray) -> int | None:
        """Return the number of a picture of shape (32, 32, 3), uint8, if it is a known one."""
        picture = np.asarray(picture)
        if picture.dtype != np.uint8:
            return None
        return self._look_up(np.ascontiguousarray(picture))

    def _look_up(self, picture: np.ndarray) -> int | None:
        number = self._numbers.get(hash(picture.tobytes()))
        same = number is not None and np.array_equal(self._pictures[number], picture)
        return number if same else None

    def find(self, image: np.ndarray) -> list[int]:
        """Return the numbers of the known pictures in an image, in reading order.

        Sees a picture as it is, enlarged (sharp or smoothed), brightened or stretched in
        contrast, and several pictures put together in one image, with or without gaps.

        Parameters
        ----------
        image : ndarray of shape (h, w, 3 or 4)
            Integers 0..255 or floats 0..1.

        Returns
        -------
        list of int
            Empty if the image holds no known picture.
        """
        pixels = to_pixels(image)
        if pixels is None or min(pixels.shape[:2]) < EDGE:
            return []
        height, width = pixels.shape[:2]
        if height * width > _MOST_PIXELS:
            return []
        small = shrink_pixels(pixels)
        if small.shape[:2] == (EDGE, EDGE):
            number = self._look_up(small)
            if number is not None:
                return [number]
        else:
            found = self._search(small)
            if found:
                return found
        if height == width:
            number = self._find_altered(pixels)
            return [] if number is None else [number]
        return []

    def _search(self, image: np.ndarray) -> list[int]:
        """Known pictures anywhere in a larger image, one pixel for one pixel."""
        rows, columns = image.shape[0] - EDGE + 1, image.shape[1] - EDGE + 1
        if rows < 1 or columns < 1:
            return []
        hit = np.ones((rows, columns), bool)
        for row, probes in self._probes.items():
            hit &= np.isin(self._hash(image[row : row + rows])[:, :columns], probes)
        found = []
        for row, column in np.argwhere(hit):
            window = image[row : row + EDGE, column : column + EDGE]
            number = self._look_up(np.ascontiguousarray(window))
            if number is not None:
                found.append(number)
        return found

    def _hash(self, rows: np.ndarray) -> np.ndarray:
        """For each row of pixels (n, w, 3), a hash of every stretch of a few pixels."""
        flat = rows.reshape(len(rows), -1).astype(np.uint64)
        count = rows.shape[1] - _PROBE + 1
        hashes = np.zeros((len(rows), count), np.uint64)
        for offset, weight in enumerate(self._weights):
            hashes += flat[:, offset : offset + 3 * count : 3][:, :count] * weight
        return hashes

    def _coarse_means(self) -> np.ndarray:
        """Each known picture as 4 by 4 colors; made once, when an altered picture comes."""
        if self._coarse is None:
            parts = [self._pictures[i : i + 1000] for i in range(0, len(self._pictures), 1000)]
            self._coarse = np.concatenate([_normed(_coarse(part)) for part in parts])
        return self._coarse

    def _find_altered(self, pixels: np.ndarray) -> int | None:
        """The one known picture that gives these pixels when enlarged smoothly or brightened.

        The most similar picture (by correlation) is a suspect; it is convicted when, enlarged
        by one of the usual methods and with brightness and contrast fitted, it agrees within
        two and a half grey levels on average.
        """
        from PIL import Image

        small = Image.fromarray(pixels).resize((EDGE, EDGE), Image.Resampling.BOX)
        wanted = np.asarray(small, np.float32).ravel()
        wanted -= wanted.mean()
        if np.abs(wanted).mean() < 4:
            return None  # hardly anything to be seen on it
        similar = self._coarse_means() @ _normed(_coarse(np.asarray(small)[None]))[0]
        suspects = np.argsort(-similar)[:_SUSPECTS]
        known = self._pictures[suspects].reshape(len(suspects), -1).astype(np.float32)
        suspect = int(suspects[(_normed(known) @ wanted).argmax()])
        picture = Image.fromarray(self._pictures[suspect])
        for method in Image.Resampling:
            enlarged = np.asarray(picture.resize(pixels.shape[1::-1], method), np.float32).ravel()
            spread = enlarged - enlarged.mean()
            contrast = float(spread @ pixels.ravel() / (spread @ spread + 1e-6))
            gap = np.abs(contrast * spread + pixels.mean() - pixels.ravel()).mean()
            if gap <= 2.5 and 0.4 <= contrast <= 5:
                return suspect
        return None


def album_of(pictures: np.ndarray) -> Album:
    """Return the album of pictures; for the same array, if it cannot change, it is made once.

    Parameters
    ----------
    pictures : ndarray of shape (n, 32, 32, 3), uint8
    """
    for known, album in _albums:
        if known is pictures and not known.flags.writeable:
            return album
    _albums[:] = [*_albums[-1:], (pictures, Album(pictures))]
    return _albums[-1][1]


_albums: list[tuple[np.ndarray, Album]] = []  # the last two


def _coarse(pictures: np.ndarray) -> np.ndarray:
    """Pictures of shape (n, 32, 32, 3) as means of 8 by 8 pixels, (n, 48) float32."""
    blocks = pictures.reshape(len(pictures), 4, 8, 4, 8, 3)
    return blocks.mean(axis=(2, 4), dtype=np.float32).reshape(len(pictures), -1)


def _normed(rows: np.ndarray) -> np.ndarray:
    """Rows with mean 0 and length 1, so that a product of two is their correlation."""
    rows = rows - rows.mean(axis=1, keepdims=True, dtype=np.float32)
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)


def to_pixels(image: Any) -> np.ndarray | None:
    """Return an image as uint8 RGB as it appears on the screen, or None if it has no colours.

    Floats count as 0..1 and are cut off outside, as matplotlib does.
    """
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or pixels.dtype.kind not in "iuf":
        return None
    pixels = pixels[..., :3]
    if pixels.dtype.kind == "f":
        pixels = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255)
    return np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8))


def is_washed_out(image: Any) -> bool:
    """Whether nearly every pixel is pure white or pure black, as for floats up to 255."""
    pixels = to_pixels(image)
    return pixels is not None and float(np.isin(pixels, (0, 255)).mean()) > 0.95


def shrink_pixels(pixels: np.ndarray) -> np.ndarray:
    """Undo an enlargement by a whole number, if there was one."""
    height, width = pixels.shape[:2]
    for zoom in range(min(height, width) // EDGE, 1, -1):
        if height % zoom or width % zoom:
            continue
        small = pixels[::zoom, ::zoom]
        if np.array_equal(small.repeat(zoom, axis=0).repeat(zoom, axis=1), pixels):
            return np.ascontiguousarray(small)
    return pixels


# --- Reading what was displayed ----------------------------------------------------------


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

    chart, behind = Chart(words=_words_of_axes(axes)), _color_behind(axes)
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


def _color_behind(axes: Any) -> tuple | None:
    """The color on which a chart is drawn; None if pictures are there."""
    if axes.images:
        return None
    patches = [axes.patch] if axes.axison and axes.patch.get_visible() else []
    colors = [patch.get_facecolor() for patch in (*patches, axes.figure.patch)]
    return next((color[:3] for color in colors if color[3] >= _FAINT), (1, 1, 1))


def _stands_out(color: Any, behind: tuple | None) -> bool:
    from matplotlib.colors import to_rgba

    *color, opacity = to_rgba(color)
    same = behind is not None and np.allclose(color, behind, rtol=0, atol=0.01)
    return opacity >= _FAINT and not same


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


# --- HTML and SVG --------------------------------------------------------------------------

_VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "wbr",
}
_NEVER_SHOWN = {"script", "style", "template", "noscript", "title", "iframe", "noembed", "noframes"}
_NEVER_SHOWN |= {"metadata", "desc", "defs", "symbol", "clippath", "mask", "pattern"}  # of SVG
_BOXES = {"img", "image", "svg", "iframe"}  # what a small width and height make small
_CLOSED_BY_ITS_LIKE = {"p", "li", "tr", "td", "th", "dt", "dd", "option"}
_ENDS_A_LINE = re.compile(r"tr|p|div|li|h\d")
_PICTURE = re.compile(r"\s*data:image/(?:png|jpe?g);base64,([A-Za-z0-9+/=\s]+)", re.IGNORECASE)
_UNITS = {"": 1, "px": 1, "pt": 4 / 3, "em": 16, "rem": 16, "%": 8, "vw": 10, "vh": 8, "in": 96}
_FAR_AWAY = re.compile(r"(?:left|top|right|bottom|text-indent)\s*:\s*-\d{4}")


class _Part(NamedTuple):
    """An element that is open, and whether what is in it can be seen."""

    tag: str = ""
    hidden: bool = False
    tiny: bool = False  # letters
    clear: bool = False  # letters
    unit: float = 1.0  # pixels of a length without a unit


class Markup(HTMLParser):
    """What can be seen of HTML or SVG.

    No styles are worked out: what hides an element has to stand in the element itself, or in one
    around it.

    Attributes
    ----------
    pictures : list of str
        PNG and JPEG pictures, in base64.
    scripts : list of str
        Programs, which may draw in an element.
    hidden : set of str
        The ids of elements that cannot be seen.
    draws : bool
        Whether there are strokes of a drawing.
    """

    def __init__(self, markup: str, flows: bool = True):
        super().__init__()
        self.pictures: list[str] = []
        self.scripts: list[str] = []
        self.hidden: set[str] = set()
        self.draws = False
        self._flows = flows  # line breaks are spaces
        self._said: list[str] = []
        self._open = [_Part()]
        self._count: Counter[str] = Counter()
        # Never closed: an element that is not finished is not shown, and to look for the end of
        # each of many would take forever.
        self.feed(f"{markup}\n")

    @property
    def words(self) -> str:
        """The text, with a new line where a browser begins one."""
        return "".join(self._said)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        last = self._open[-1].tag
        if last in _CLOSED_BY_ITS_LIKE and (tag == last or (last == "p" and tag == "div")):
            self.handle_endtag(last)
        self._said.append("\n" if tag == "br" else " ")
        part = _part_of(tag, given, self._open[-1], bool(self._count["svg"]))
        if part.hidden and "id" in given:
            self.hidden.add(given["id"])
        self.draws |= tag in ("path", "use", "text", "image") and not part.hidden
        outside = self._open[-1].hidden
        if tag in ("img", "image") and not part.hidden:
            source = given.get("src") or given.get("xlink:href") or given.get("href") or ""
            self.pictures += [found[1] for found in [_PICTURE.match(source)] if found]
        if tag == "iframe" and "srcdoc" in given and not outside and not _is_small(tag, given, 1):
            self.pictures += Markup(given["srcdoc"]).pictures
        if tag not in _VOID:
            self._open.append(part)
            self._count[tag] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        drawing = tag == "svg" or self._count["svg"]
        self.handle_starttag(tag, attrs)
        if drawing:  # in HTML the slash means nothing
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._said.append("\n " if _ENDS_A_LINE.fullmatch(tag) else " ")
        while self._count[tag]:
            last = self._open.pop().tag
            self._count[last] -= 1
            if last == tag:
                break

    def handle_data(self, data: str) -> None:
        part = self._open[-1]
        if part.tag == "script" and not self._open[-2].hidden:
            self.scripts.append(data)
        elif not (part.hidden or part.tiny or part.clear):
            keeps = self._count["pre"] or not self._flows
            self._said.append(data if keeps else re.sub(r"\s+", " ", data))

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Take ``<![...`` for what a browser does; Python raises an error at some."""
        return self.parse_bogus_comment(i)


def _part_of(tag: str, given: dict[str, str], around: _Part, drawing: bool) -> _Part:
    """What an element makes of what is in it."""
    style = _style_of(given)
    unit = around.unit if drawing else 1.0
    hidden = (
        around.hidden
        or tag in _NEVER_SHOWN
        or "hidden" in given
        or style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or _share(style.get("opacity", "1")) < _FAINT
        or bool(_FAR_AWAY.search(given.get("style", "")))
        or _is_small(tag, given, unit)
    )
    tiny, clear = around.tiny, around.clear
    if size := style.get("font-size"):
        relative = size.endswith(("%", "em")) and not size.endswith("rem")
        tiny = (tiny and relative) or _length(size, unit) < _UNREADABLE
    if color := style.get("fill" if tag in ("text", "tspan") else "color"):
        clear = color in ("transparent", "none")
    box = given.get("viewbox", "").replace(",", " ").split()
    if tag == "svg" and len(box) == 4:
        wide = _length(box[2]) or 1.0
        unit *= min(_length(style.get("width", "100%"), unit), 2000) / wide
    return _Part(tag, hidden, tiny, clear, unit)


def _style_of(given: dict[str, str]) -> dict[str, str]:
    """The settings of an element: attributes, and the style, which counts more."""
    pairs = (setting.partition(":") for setting in given.get("style", "").split(";"))
    style = {name.strip(): value for name, _, value in pairs}
    words = {name: value.lower().replace("!important", "").strip() for name, value in style.items()}
    return given | {name.lower(): value for name, value in words.items()}


def _is_small(tag: str, given: dict[str, str], unit: float) -> bool:
    """Whether an element is too small to be seen, and what is in it is as well."""
    style = _style_of(given)
    limits = tag in _BOXES or style.get("overflow") in ("hidden", "clip", "scroll", "auto")
    edges = [style.get(name, "") for name in ("width", "height", "max-width", "max-height")]
    plots = "plotly-graph-div" in given.get("class", "")
    return (limits or plots) and any(_length(edge, unit) < SMALLEST for edge in edges)


def _length(value: str, unit: float = 1.0) -> float:
    """A length in pixels, about; infinity if it depends on what is around it."""
    found = re.match(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z%]*)", value)
    if not found:
        return float("inf")
    number = float(found[1])
    return number * (_UNITS.get(found[2], 16) if found[2] else unit)


def _share(value: str) -> float:
    try:
        return float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        return 1.0


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
    display.around = re.sub(r"<[^>]*>", " ", re.sub(r"<br\s*/?>", "\n", around))
    return display


def _is_faint(part: dict[str, Any]) -> bool:
    """Whether a part of a Plotly figure cannot be seen."""
    opacity = part.get("opacity")
    faint = isinstance(opacity, int | float) and opacity < _FAINT
    return faint or part.get("visible", True) in (False, "legendonly")
