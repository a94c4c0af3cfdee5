"""From what a kernel published to evidence, without trusting the kernel.

What was printed and displayed is read from the messages themselves. Only for a drawn figure is
that not enough: its pixels say which pictures it shows, but not by a simple comparison, and its
words cannot be read from them. So the kernel claims what a figure was drawn from and where each
part stands (``course_utils.layout``), and each claim is held against the published pixels. A
picture that is not there, or words that are not, do not count. The lengths of a chart's bars and
lines are believed, if something was published and a few of the chart's words stand in it.
"""

from __future__ import annotations

import base64
import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from autograder.runner import CellRun, display_id
from course_utils import wire
from course_utils.album import EDGE, Album, is_washed_out
from course_utils.displays import MARKUP, RASTER, WIDGET, Display, read_bundle, shown_kind
from course_utils.evidence import Cell, Chart, Screen, note
from course_utils.markup import SMALLEST, Markup
from course_utils.recorder import CLAIMS, PAUSE

_MOST_PIXELS = 8_000_000  # of a figure; larger ones are not read
_ROOM = 20_000_000  # pixels that are looked at for one notebook
_WORD = 10_000  # pixels that could be looked at in the time that one text takes
_COARSE = 16  # pixels of an edge at which pictures are compared
_ALIKE = 0.45  # share of these that are as they should be; others may be drawn over
_NEAR = 18  # levels of a color between two pixels that are the same
_WRITTEN = 0.5  # correlation of the ink of words with what stands in their place
_EACH = 0.25  # the same for each few letters
_CONTRAST = 12  # gray levels between words and what is behind them
_LARGE = 150_000  # pixels of words; larger ones are not compared by their color
_SHIFTS = 100  # places at which words are compared by their color, the likely ones first
_SLACK = 3  # pixels by which words may be off
_SHIFT, _EDGE = 12, 80  # pixels by which a figure may be cut elsewhere: looked at first, at most
_LONGEST = 2_000  # characters of the words of a picture
_SOME = 10  # words of a chart that are looked for; of every five, one has to be found


class _TooMuch(Exception):
    """The notebook shows more than is looked at."""


class _Room:
    """How much is still looked at; a picture's size says nothing about the size of its file."""

    def __init__(self) -> None:
        self._left = _ROOM

    def take(self, pixels: float) -> None:
        self._left -= pixels
        if self._left < 0:
            raise _TooMuch


@dataclass
class Seen:
    """What a witness saw of one notebook.

    Attributes
    ----------
    cells : list of Cell
        In the order in which they ran.
    doubts : list of str
        What was claimed and not published, in sentences for the teacher.
    """

    cells: list[Cell] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def see(runs: Sequence[CellRun], album: Album | None) -> Seen:
    """Return what the cells showed.

    Parameters
    ----------
    runs : sequence of CellRun
    album : Album or None
        The pictures that are known.
    """
    seen, room = Seen(), _Room()
    screens: list[Screen] = []
    updates: dict[str, Cell] = {}
    for run in runs:
        screen = Screen(run.key, updates)
        screens.append(screen)
        paused = False
        for message in run.messages:
            kind, content = message["msg_type"], message["content"]
            data, name = content.get("data"), display_id(content)
            if kind == "clear_output":
                screen.clear(bool(content.get("wait")))
            elif kind in ("stream", "error"):
                said = not paused and kind == "stream" and content.get("name") == "stdout"
                screen.print(str(content.get("text", "")) if said else "")
            elif kind not in _DISPLAYS or not isinstance(data, dict):
                continue
            elif PAUSE in data:
                paused = bool(data[PAUSE])
                if paused:
                    screen.print("")
            elif not paused:
                new = Cell(run.key)
                note(new, _display_of(data, content.get("metadata"), seen.doubts, room), album)
                if kind != "update_display_data":
                    screen.add(new, name)
                elif name is not None:
                    updates[name] = new
                if WIDGET in data:
                    screen.has_widget()
    seen.cells = [screen.cell for screen in screens]
    return seen


_DISPLAYS = ("display_data", "execute_result", "update_display_data")


def _display_of(data: dict[str, Any], metadata: Any, doubts: list[str], room: _Room) -> Display:
    claims = metadata.get(CLAIMS) if isinstance(metadata, dict) else None
    try:
        if not isinstance(claims, str):
            with _silence():
                return read_bundle(data, metadata, room.take)
        claimed = Claims(**wire.read(claims))
        kind = shown_kind(data, metadata)
        return _borne_out(claimed, kind, str(data.get(kind, "")), doubts, room)
    except _TooMuch:
        doubts.append("The notebook shows more than can be looked at. The rest does not count.")
    except Exception:  # whatever a student's program publishes
        if isinstance(claims, str):
            doubts.append(
                "A figure came with a description that cannot be read. It does not count."
            )
    return Display()


def _open(source: str) -> Image.Image:
    """Open a picture without reading its pixels; only what a browser shows, nothing exotic."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes; they are looked at before the pixels
        return Image.open(io.BytesIO(base64.b64decode(source)), formats=("PNG", "JPEG"))


# --- A drawn figure ------------------------------------------------------------------------


@dataclass(frozen=True)
class Claims:
    """What the kernel says of a figure; see ``course_utils.layout.layout_of``."""

    size: list[float]
    dpi: float
    cut: list[float] | None
    images: list[dict[str, Any]]
    words: list[dict[str, Any]]
    around: str
    covered: int
    charts: list[Chart]


def _borne_out(
    claims: Claims, kind: str | None, content: str, doubts: list[str], room: _Room
) -> Display:
    """The part of the claims that the published pixels bear out."""
    display = Display(covered=int(claims.covered))
    drawing = content if kind == "image/svg+xml" else ""
    published = _pixels_of(kind, content, room)
    if not published and not (drawing and Markup(drawing).draws):
        doubts.append("A figure was announced and not published. It does not count.")
        return display
    canvas = None if drawing else _Canvas(published[0], claims)
    display.charts = _charts(claims, canvas, drawing, doubts, room)
    around = str(claims.around)[:_LONGEST]
    images = [(c["pixels"], str(c["caption"])[:_LONGEST], c["box"]) for c in claims.images]
    images = [one for one in images if isinstance(one[0], np.ndarray) and one[0].ndim == 3]
    if not images:
        display.around = around
        return display
    for pixels, _, _ in images:
        room.take(pixels.size / 3)
    if canvas is not None:
        found = canvas.place(images) and [canvas.shows(pixels, box) for pixels, _, box in images]
    else:  # where a picture stands in a drawing is not looked at
        found = [any(_alike(pixels, one) for one in published) for pixels, _, _ in images]
    found = found or [False] * len(images)
    # What is all of one color is no known picture, gives no points, and cannot be found again.
    seen = any(found)
    found = [
        there or is_washed_out(one[0]) or _is_plain(one[0])
        for there, one in zip(found, images, strict=True)
    ]
    asked = {line for one in (around, *(c for _, c, _ in images)) for line in one.split("\n")}
    words = set()
    for text in claims.words if seen else ():
        lines = _lines(text)
        if asked & set(lines) - words:
            room.take(_WORD)
            if _written(lines, drawing) if canvas is None else canvas.says(text, room):
                words |= set(lines)
    if not all(found):
        doubts.append(
            f"{found.count(False)} of {len(found)} pictures in a figure are not to be seen in what "
            "was published. They do not count. Look at the figure."
        )
    for (pixels, caption, _), there in zip(images, found, strict=True):
        if there:
            display.images.append(pixels)
            display.captions.append(_only(caption, words))
    display.around = _only(around, words)
    lost = [line for line in asked - words if line]
    if lost and seen:
        doubts.append(
            f"Words of a figure are not to be seen in it, such as {min(lost)[:60]!r}. They do not "
            "count. Look at the figure."
        )
    return display


def _lines(text: dict[str, Any]) -> list[str]:
    return [line for line in str(text["text"]).split("\n") if line]


def _only(text: str, words: set[str]) -> str:
    """The lines of a text that are among the words."""
    return "\n".join(line for line in text.split("\n") if not line or line in words)


def _charts(
    claims: Claims, canvas: _Canvas | None, drawing: str, doubts: list[str], room: _Room
) -> list[Chart]:
    """The charts of a figure that shows something, with such words as are drawn in it."""
    charts = [chart for chart in claims.charts if isinstance(chart, Chart)]
    if charts and canvas is not None and canvas.is_empty():
        doubts.append("A chart was announced, and nothing can be seen in its place. Look at it.")
        return []
    labels = [label for chart in charts for label in (*chart.labels, chart.words)]
    told = {line for label in labels for line in label.split("\n") if _LETTERS.search(line)}
    texts = [text for text in claims.words if told & set(_lines(text))]
    some = texts[:_SOME]
    if canvas is None:
        seen = any(_written(_lines(text), drawing) for text in some)
    else:
        seen = canvas.says_some(some, room)
    if texts and not seen:
        doubts.append(
            f"Words of a chart are not to be seen in it, such as {min(told)[:60]!r}. They do not "
            "count. Look at the figure."
        )
    # What has no letters, such as numbers at the ticks, is not looked for.
    lost = told - {line for text in texts for line in _lines(text) if seen}
    for chart in charts:
        chart.labels = [
            "_nolegend_" if lost & set(label.split("\n")) else label for label in chart.labels
        ]
        chart.words = _only(chart.words, set(chart.words.split("\n")) - lost)
    return charts


_LETTERS = re.compile("[a-z]{2}", re.IGNORECASE)


def _written(lines: list[str], drawing: str) -> bool:
    """Whether words are in a drawing: matplotlib notes each line beside the strokes it draws."""
    return all(_strokes(line, drawing) for line in lines)


def _strokes(line: str, drawing: str) -> bool:
    """Whether strokes follow the note of a line, or a browser is asked to write it."""
    line = escape(line)
    _, _, after = drawing.partition(f"<!-- {re.sub('-(?=-)', '- ', line)} -->")
    drawn = len(re.findall("<(?:use|tspan) ", after.partition("<!--")[0]))
    letters = 1 if "$" in line else len("".join(line.split()))  # formulas are noted as typed
    return drawn >= max(1, letters / 2) or f">{line}</text>" in drawing  # "fi" may be one stroke


def _pixels_of(kind: str | None, content: str, room: _Room) -> list[np.ndarray]:
    """The published pictures of a figure: the figure itself, or those inside a drawing."""
    sources = [content] if kind in RASTER else []
    if kind in MARKUP:
        sources = Markup(content).pictures
    found = []
    for source in sources:
        image = _open(source)
        if image.width * image.height <= _MOST_PIXELS:
            room.take(image.width * image.height / 8)  # it is not searched, only compared
            found.append(np.asarray(image.convert("RGB")))
    return found


def _is_plain(pixels: np.ndarray) -> bool:
    """Whether a picture is all of one color, as no known one is."""
    return bool(np.ptp(pixels, axis=(0, 1)).max() <= 2)


class _Canvas:
    """A published figure, and where the parts of the drawing lie on it."""

    def __init__(self, pixels: np.ndarray, claims: Claims):
        self._size = pixels.shape[:2]
        edges = [(_EDGE, _EDGE), (_EDGE, _EDGE), (0, 0)]
        self._pixels = np.pad(pixels, edges, constant_values=255)
        self._claims = claims
        self._scale, self._corner = 1.0, (0.0, 0.0)  # of the figure's own pixels; left and top

    def place(self, images: list[tuple[np.ndarray, str, Any]]) -> bool:
        """Find how the figure was scaled and cut, by a picture that stands out."""
        candidates = [
            one
            for one in images
            if one[2] is not None and one[0].std() > 8 and not _is_plain(one[0])
        ][:3]
        for corner in self._corners():
            for margin in (_SHIFT, _EDGE):
                for pixels, _, box in candidates:
                    self._corner = corner
                    if self._settle(pixels, box, margin):
                        return True
        return False

    def _corners(self) -> Iterator[tuple[float, float]]:
        """The corners at which the figure may have been cut; each time the scale is set as well."""
        width, height = (float(edge) for edge in self._claims.size)
        boxes = [self._claims.cut, (0.0, 0.0, width, height)]
        for left, bottom, right, top in filter(None, boxes):
            self._scale = self._size[1] / (right - left)
            other = self._size[0] / (top - bottom)
            if not 0.2 < self._scale < 10 or abs(self._scale / other - 1) > 0.03:
                continue
            if (
                abs(self._scale - round(self._scale)) < 0.02
            ):  # what a cut to whole pixels made of it
                self._scale = float(round(self._scale))
            yield left * self._scale, (height - top) * self._scale

    def is_empty(self) -> bool:
        """Whether nobody can see anything in the figure."""
        pixels = self._pixels[_EDGE:-_EDGE, _EDGE:-_EDGE]
        return min(self._size) < EDGE or int(np.ptp(pixels, axis=(0, 1)).max()) < _CONTRAST

    def says_some(self, texts: list[dict[str, Any]], room: _Room) -> bool:
        """Whether some of these words are to be seen, wherever the figure may have been cut."""
        for corner in self._corners():
            self._corner, found = corner, 0
            for text in texts:
                with suppress(ValueError):  # a formula that matplotlib cannot read
                    found += self.says(text, room)
                if 5 * found >= len(texts):
                    return True
        return False

    def _settle(self, pixels: np.ndarray, box: list[float], margin: int) -> bool:
        """Move the corner so that a picture lies where it is seen, to the pixel."""
        around = self._part(box, margin)
        if around is None:
            return False
        height, width = (edge - 2 * margin for edge in around.shape[:2])
        if min(height, width) < SMALLEST:
            return False
        windows = np.lib.stride_tricks.sliding_window_view(_gray(around), (height, width))
        some = slice(None, None, max(1, height // 24)), slice(None, None, max(1, width // 24))
        wanted = _resized(_gray(pixels), height, width)[some]
        likeness = [_correlations(windows[:, :, *some], one) for one in (wanted, wanted[::-1])]
        best = max(likeness, key=np.max)
        down, right = (int(n) for n in np.unravel_index(best.argmax(), best.shape))
        left, top = self._corner
        self._corner = left + right - margin, top + down - margin
        return bool(best.max() >= 0.5)

    def _place(self, box: list[float], margin: int = 0) -> tuple[int, int, int, int]:
        """Where a box of the drawing with a margin lies: top, bottom, left, right."""
        left, bottom, right, top = (float(edge) * self._scale for edge in box)
        left, right = sorted((left - self._corner[0], right - self._corner[0]))
        whole = float(self._claims.size[1]) * self._scale - self._corner[1]
        top, bottom = sorted((whole - top, whole - bottom))
        first, last = _EDGE - margin, _EDGE + margin
        top, left = round(top) + first, round(left) + first
        return top, round(bottom) + last, left, round(right) + last

    def _part(self, box: list[float], margin: int = 0) -> np.ndarray | None:
        """What stands there, or None if it lies outside of the figure."""
        top, bottom, left, right = self._place(box, margin)
        height, width = self._pixels.shape[:2]
        if min(top, left) < 0 or bottom > height or right > width:
            return None
        return self._pixels[top:bottom, left:right]

    def shows(self, pixels: np.ndarray, box: Any) -> bool:
        """Whether a picture is to be seen in its place."""
        if box is None:
            return False
        part = self._part(box, 1)
        if part is None or min(part.shape[:2]) < SMALLEST:
            return False
        height, width = part.shape[0] - 2, part.shape[1] - 2
        places = ((1, 1), (0, 1), (1, 0), (2, 1), (1, 2), (0, 0), (0, 2), (2, 0), (2, 2))
        return any(_alike(pixels, part[y : y + height, x : x + width]) for y, x in places)

    def says(self, text: dict[str, Any], room: _Room) -> bool:
        """Whether words are to be seen in their place."""
        if text["box"] is None or len(text["text"]) > _LONGEST:
            return False
        part = self._part(text["box"], _SLACK)
        if part is None:
            return False
        room.take(4 * part.size)
        points = float(text["size"]) * float(self._claims.dpi) * self._scale / 72
        ink = _drawn(text, points, part.shape[:2])
        return ink is not None and _are_written(ink, part, points, self._crossed(text, part))

    def _crossed(self, text: dict[str, Any], part: np.ndarray) -> np.ndarray:
        """Where other words run into these, as long titles of neighbours do."""
        top, _, left, _ = self._place(text["box"], _SLACK)
        crossed = np.zeros(part.shape[:2], bool)
        for other in self._claims.words:
            if other is not text and other["box"] is not None:
                first, last, begin, end = self._place(other["box"], 1)
                rows = slice(max(0, first - top), max(0, last - top))
                crossed[rows, max(0, begin - left) : max(0, end - left)] = True
        return crossed


def _gray(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., :3].mean(axis=2, dtype=np.float32)


def _correlations(windows: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """The correlation of a picture with each of the windows (rows, columns, h, w)."""
    wanted = (picture - picture.mean()) / (picture.std() + 1e-6) / picture.size
    means = windows.mean(axis=(2, 3))
    squares = np.einsum("ijkl,ijkl->ij", windows, windows) / picture.size
    spread = np.sqrt(np.maximum(squares - means**2, 0))
    return np.einsum("ijkl,kl->ij", windows, wanted) / (spread + 1e-3)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-6))


def _resized(gray: np.ndarray, height: int, width: int) -> np.ndarray:
    image = Image.fromarray(gray.astype(np.float32))
    return np.asarray(image.resize((max(1, width), max(1, height)), Image.Resampling.BOX))


def _alike(pixels: np.ndarray, part: np.ndarray) -> bool:
    """Whether two pictures show the same, at whatever size; either may be upside down.

    Brightness and contrast may differ, and some of a picture may be drawn over.
    """
    one, other = (_coarse(picture) for picture in (pixels, part))
    return max(_share_of_same(one, other), _share_of_same(one[::-1], other)) >= _ALIKE


def _coarse(pixels: np.ndarray) -> np.ndarray:
    small = Image.fromarray(pixels[..., :3]).resize((_COARSE, _COARSE), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def _share_of_same(one: np.ndarray, other: np.ndarray) -> float:
    """The share of pixels that are the same, once brightness and contrast are fitted."""
    one, other = one.reshape(-1, 3), other.reshape(-1, 3)
    same = np.ones(len(one), bool)
    for _ in range(4):  # each time without those that do not fit
        x, y = one[same].mean(axis=0), other[same].mean(axis=0)
        spread = ((one[same] - x) ** 2).mean()
        contrast = float(((one[same] - x) * (other[same] - y)).mean() / (spread + 1e-6))
        contrast = min(1.5, contrast) if spread > 9 else 1.0
        if contrast < 0.2:
            return 0.0  # too faint to be seen, or a negative
        gap = np.abs((one - x) * contrast + y - other).max(axis=1)
        near = _NEAR * min(1.0, contrast)
        same = gap <= max(near, float(np.quantile(gap, 0.5)))
    return float((gap <= near).mean())


def _drawn(text: dict[str, Any], pixels: float, shape: tuple[int, ...]) -> np.ndarray | None:
    """The ink of words as matplotlib draws them, 0 to 1; None if it would not fit the shape."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not 3 < pixels < 200:
        return None
    family, style, weight = (str(part) for part in text["font"])
    figure = Figure(figsize=(1, 1), dpi=72)  # then points are pixels
    canvas = FigureCanvasAgg(figure)
    with _silence():
        drawn = figure.text(
            0,
            0,
            str(text["text"]),
            fontsize=pixels,
            rotation=float(text["rotation"]),
            fontfamily=family,
            fontstyle=style,
            fontweight=int(weight) if weight.isdecimal() else weight,
            multialignment=str(text["align"]),
            **({} if text["spacing"] is None else {"linespacing": float(text["spacing"])}),
        )
        box = drawn.get_window_extent(canvas.get_renderer())
        height, width = int(np.ceil(box.height)) + 2, int(np.ceil(box.width)) + 2
        # Letters are fitted to the dots of a screen: on a finer one words are a little narrower.
        room = 4 * _SLACK + 0.06 * max(shape[:2])
        if abs(height - shape[0]) > room or abs(width - shape[1]) > room:
            return None  # such as words that are cut off at the figure's edge
        figure.set_size_inches(width / 72, height / 72)
        drawn.set_position((1 / width - box.x0 / width, 1 / height - box.y0 / height))
        canvas.draw()
    return 1 - np.asarray(canvas.buffer_rgba())[..., 0].astype(np.float32) / 255


@contextmanager
def _silence() -> Iterator[None]:
    """Fonts and characters may be missing; matplotlib says so, and nobody need read it here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _are_written(ink: np.ndarray, part: np.ndarray, letter: float, crossed: np.ndarray) -> bool:
    """Whether the ink of words agrees with what stands there, over small shifts.

    Parameters
    ----------
    ink : ndarray of shape (h, w), float
    part : ndarray of shape (h, w, 3), uint8
        The published place of the words; its height and width may differ by some pixels.
    letter : float
        The size of the letters, in pixels.
    crossed : ndarray of bool
        Of the part's height and width: where other words stand as well. This is not looked at
        if the words cannot be found otherwise; half of their ink has to be elsewhere.
    """
    part = np.pad(part, [(_SLACK, _SLACK), (_SLACK, _SLACK), (0, 0)], mode="edge")
    if ink.max() < 0.3 or part.shape[0] < ink.shape[0] or part.shape[1] < ink.shape[1]:
        return False
    everywhere = np.ones(part.shape[:2], bool)
    if _are_found(ink, part, letter, everywhere):
        return True
    crossed = np.pad(crossed, _SLACK)
    middle = crossed[2 * _SLACK :, 2 * _SLACK :][: ink.shape[0], : ink.shape[1]]
    half = ink[: middle.shape[0], : middle.shape[1]][middle].sum() <= ink.sum() / 2
    return bool(half and middle.any()) and _are_found(ink, part, letter, ~crossed)


def _are_found(ink: np.ndarray, part: np.ndarray, letter: float, looked_at: np.ndarray) -> bool:
    windows = np.lib.stride_tricks.sliding_window_view(_gray(part), ink.shape)
    likeness = _correlations(windows, ink)
    place = np.unravel_index(np.abs(likeness).argmax(), likeness.shape)
    apart = np.lib.stride_tricks.sliding_window_view(looked_at, ink.shape)
    if _agree(ink, windows[place] * np.sign(likeness[place]), letter, apart[place]):
        return True
    if ink.size > _LARGE:
        return False
    # In colors, or on a picture: what has the color of the strokes is ink, all else is paper.
    strokes = ink >= min(0.9, float(np.quantile(ink[ink > 0.05], 0.8)))
    for place in np.abs(likeness).ravel().argsort()[: -_SHIFTS - 1 : -1]:
        down, right = np.unravel_index(place, likeness.shape)
        window = part[down:, right:][: ink.shape[0], : ink.shape[1]].astype(np.float32)
        distance = np.abs(window - np.median(window[strokes], axis=0)).max(axis=2)
        if _agree(ink, -distance.clip(0, 90), letter, apart[down, right]):
            return True
    return False


def _agree(ink: np.ndarray, shade: np.ndarray, letter: float, apart: np.ndarray) -> bool:
    """Whether a place is shaded where there is ink: as a whole, and each few letters of it."""
    if np.ptp(shade) < _CONTRAST or _correlation(ink[apart], shade[apart]) < _WRITTEN:
        return False
    step = max(16, round(1.5 * letter))
    enough = max(15.0, 0.04 * float(ink.sum()))
    for top in range(0, ink.shape[0], step):
        for left in range(0, ink.shape[1], step):
            some = slice(top, top + step), slice(left, left + step)
            if not apart[some].all():
                continue
            if ink[some].sum() > enough and _correlation(ink[some], shade[some]) < _EACH:
                return False
    return True
