"""From what a kernel published to evidence, without trusting the kernel.

What was printed and displayed is read from the messages themselves. Only for a drawn figure is
that not enough: its pixels say which pictures it shows, but not by a simple comparison, and its
words cannot be read from them. So the kernel claims what a figure was drawn from and where each
part stands (``course_utils.layout``), and each claim is held against the published pixels. A
picture that is not there, or words that are not, do not count.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from autograder.runner import CellRun
from course_utils import wire
from course_utils.evidence import Album, Cell, Chart, Display, note, note_text, read_bundle
from course_utils.recorder import CLAIMS, PAUSE

_MOST_PIXELS = 8_000_000  # of a figure; larger ones are not read
_ALIKE = 0.6  # correlation of a claimed picture with what stands in its place
_INK = 20  # gray levels by which words differ from what is behind them
_THERE = 0.45  # share of the ink of words that must be there; other words have a quarter
_SLACK = 3  # pixels by which words may be off


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
    seen = Seen()
    for run in runs:
        cell = Cell(run.key)
        paused = False
        for message in run.messages:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream" and not paused and content.get("name") == "stdout":
                note_text(cell, str(content.get("text", "")))
            data = content.get("data")
            if kind not in ("display_data", "execute_result") or not isinstance(data, dict):
                continue
            if PAUSE in data:
                paused = bool(data[PAUSE])
            elif not paused:
                note(cell, _display_of(data, content.get("metadata"), seen.doubts), album)
        seen.cells.append(cell)
    return seen


def _display_of(data: dict[str, Any], metadata: Any, doubts: list[str]) -> Display:
    claims = metadata.get(CLAIMS) if isinstance(metadata, dict) else None
    if not isinstance(claims, str):
        return _read(data)
    try:
        claimed = Claims(**wire.read(claims))
        return _borne_out(claimed, _pixels_of(data), doubts)
    except (wire.WireError, TypeError, ValueError, KeyError, AttributeError, IndexError):
        doubts.append("A figure came with a description that cannot be read. It does not count.")
        return Display()


def _read(data: dict[str, Any]) -> Display:
    try:
        return read_bundle(data)
    except Exception:  # whatever a student's program publishes
        return Display()


# --- A drawn figure ------------------------------------------------------------------------


@dataclass(frozen=True)
class Claims:
    """What the kernel says of a figure; see ``course_utils.layout.layout_of``."""

    size: list[float]
    dpi: float
    images: list[dict[str, Any]]
    words: list[dict[str, Any]]
    around: str
    covered: int
    charts: list[Chart]


def _borne_out(claims: Claims, published: list[np.ndarray], doubts: list[str]) -> Display:
    """The part of the claims that the published pixels bear out."""
    display = Display(covered=int(claims.covered))
    if not published:
        doubts.append("A figure was announced and not published. It does not count.")
        return display
    display.charts = [chart for chart in claims.charts if isinstance(chart, Chart)]
    images = [(c["pixels"], str(c["caption"]), c["box"]) for c in claims.images]
    images = [one for one in images if isinstance(one[0], np.ndarray) and one[0].ndim == 3]
    if not images:
        display.around = str(claims.around)
        return display
    canvas = _Canvas(published[0], claims) if len(published) == 1 else None
    if canvas is not None and canvas.place(images):
        found = [canvas.shows(pixels, box) for pixels, _, box in images]
        asked = {
            line
            for one in (str(claims.around), *(c for _, c, _ in images))
            for line in one.split("\n")
        }
        words = {
            line
            for text in claims.words
            if asked & set(_lines(text)) and canvas.says(text)
            for line in _lines(text)
        }
    else:  # pictures within a drawing (SVG), or a figure that was turned or scaled
        found = [any(_alike(pixels, one) for one in published) for pixels, _, _ in images]
        words = {line for text in claims.words for line in _lines(text)} if any(found) else set()
    if not all(found):
        doubts.append(
            f"{found.count(False)} of {len(found)} pictures in a figure are not to be seen in what "
            "was published. They do not count. Look at the figure."
        )
    for (pixels, caption, _), there in zip(images, found, strict=True):
        if there:
            display.images.append(pixels)
            display.captions.append(_only(caption, words))
    display.around = _only(str(claims.around), words)
    said = [str(claims.around), *(caption for _, caption, _ in images)]
    lost = [line for text in said for line in text.split("\n") if line and line not in words]
    if lost and any(found):
        doubts.append(
            f"Words of a figure are not to be seen in it, such as {lost[0][:60]!r}. They do not "
            "count. Look at the figure."
        )
    return display


def _lines(text: dict[str, Any]) -> list[str]:
    return [line for line in str(text["text"]).split("\n") if line]


def _only(text: str, words: set[str]) -> str:
    """The lines of a text that are among the words."""
    return "\n".join(line for line in text.split("\n") if not line or line in words)


def _pixels_of(data: dict[str, Any]) -> list[np.ndarray]:
    """The published pictures of a figure: the figure itself, or those inside a drawing."""
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return _decode([str(data[kind])])
    drawing = str(data.get("image/svg+xml", ""))
    return _decode(re.findall(r"data:image/(?:png|jpe?g);base64,([A-Za-z0-9+/=\s]+)", drawing)) or (
        [np.zeros((1, 1, 3), np.uint8)] if drawing else []
    )


def _decode(sources: Sequence[str]) -> list[np.ndarray]:
    found = []
    for source in sources[:100]:
        try:
            with Image.open(io.BytesIO(base64.b64decode(source))) as image:
                if image.width * image.height <= _MOST_PIXELS:
                    found.append(np.asarray(image.convert("RGB")))
        except (OSError, ValueError, binascii.Error):
            continue
    return found


class _Canvas:
    """A published figure, and where the parts of the drawing lie on it."""

    def __init__(self, pixels: np.ndarray, claims: Claims):
        self._pixels = pixels.astype(np.float32)
        self._gray = self._pixels.mean(axis=2)
        self._claims = claims
        self._scale, self._shift = 1.0, (0, 0)  # a figure is cut to its contents

    def place(self, images: list[tuple[np.ndarray, str, Any]]) -> bool:
        """Find how the figure was scaled and cut, by a picture that stands out."""
        candidates = [one for one in images if one[2] is not None and one[0].std() > 8]
        for pixels, _, box in candidates[:3]:
            for scale in (1.0, 2.0):  # twice as fine for sharp screens
                top, left, height, width = self._rectangle(box, scale)
                place = _search(self._gray, pixels.mean(axis=2), height, width)
                if place is not None:
                    self._scale, self._shift = scale, (place[0] - top, place[1] - left)
                    return True
        return False

    def _rectangle(self, box: list[float], scale: float) -> tuple[int, int, int, int]:
        left, bottom, right, top = (float(edge) * scale for edge in box)
        left, right = min(left, right), max(left, right)
        bottom, top = min(bottom, top), max(bottom, top)
        whole = float(self._claims.size[1]) * scale
        return round(whole - top), round(left), round(top - bottom), round(right - left)

    def _cut(self, box: list[float], margin: int = 0) -> np.ndarray:
        top, left, height, width = self._rectangle(box, self._scale)
        top, left = top + self._shift[0], left + self._shift[1]
        rows = slice(max(0, top - margin), max(0, top + height + margin))
        columns = slice(max(0, left - margin), max(0, left + width + margin))
        return self._pixels[rows, columns]

    def shows(self, pixels: np.ndarray, box: Any) -> bool:
        """Whether a picture is to be seen in its place."""
        if box is None:
            return False
        part = self._cut(box)
        return min(part.shape[:2]) > 1 and _alike(pixels, part)

    def says(self, text: dict[str, Any]) -> bool:
        """Whether words are to be seen in their place, as far as that can be told."""
        if text["box"] is None or len(text["text"]) > 2000:
            return False
        part = self._cut(text["box"], _SLACK)
        if min(part.shape[:2]) < 3:
            return False
        ground = np.median(part.reshape(-1, 3), axis=0)
        ink = np.abs(part - ground).max(axis=2) > _INK
        if not ink.any():
            return False
        wanted = _drawn(text, float(self._claims.dpi) * self._scale)
        if wanted is None:
            return True  # of a font or a form that is not at hand here
        return _share_of_ink(wanted, ink) >= _THERE


def _search(
    gray: np.ndarray, picture: np.ndarray, height: int, width: int
) -> tuple[int, int] | None:
    """Where a picture of this size stands on the figure, as (top, left)."""
    if not (8 <= height <= gray.shape[0] and 8 <= width <= gray.shape[1]):
        return None
    step = max(1, min(height, width) // 24)
    small = _resized(gray, gray.shape[0] // step, gray.shape[1] // step)
    wanted = _resized(picture, height // step, width // step)
    likeness = _correlations(_windows(small, wanted.shape), wanted)
    top, left = (int(n) * step for n in np.unravel_index(likeness.argmax(), likeness.shape))
    if likeness.max() < _ALIKE:
        return None
    # Then to the pixel, around that place; some of the pixels are enough.
    top, left = max(0, top - step), max(0, left - step)
    around = gray[top : top + height + 2 * step, left : left + width + 2 * step]
    if around.shape[0] < height or around.shape[1] < width:
        return None
    windows = _windows(around, (height, width))[:, :, ::step, ::step]
    likeness = _correlations(windows, _resized(picture, height, width)[::step, ::step])
    down, right = np.unravel_index(likeness.argmax(), likeness.shape)
    return (top + int(down), left + int(right)) if likeness.max() >= _ALIKE else None


def _windows(gray: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(gray, shape)


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
    """Whether two pictures show the same, at whatever size; either may be upside down."""
    size = 32
    one, other = (_resized(p.astype(np.float32).mean(axis=2), size, size) for p in (pixels, part))
    if one.std() < 3:  # hardly anything is on it: then only its brightness can be compared
        return abs(float(one.mean() - other.mean())) < 25 and other.std() < 25
    return max(_correlation(one, other), _correlation(one[::-1], other)) >= _ALIKE


def _drawn(text: dict[str, Any], dpi: float) -> np.ndarray | None:
    """The ink of words as matplotlib draws them: True where it is; None if that fails."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    family, style, weight = (str(part) for part in text["font"])
    figure = Figure(figsize=(1, 1), dpi=dpi)
    canvas = FigureCanvasAgg(figure)
    try:
        figure.text(
            0,
            0,
            str(text["text"]),
            fontsize=float(text["size"]),
            rotation=float(text["rotation"]),
            fontfamily=family,
            fontstyle=style,
            fontweight=int(weight) if weight.isdecimal() else weight,
            multialignment=str(text["align"]),
        )
        box = figure.texts[0].get_window_extent(canvas.get_renderer())
        height, width = int(np.ceil(box.height)) + 2, int(np.ceil(box.width)) + 2
        if not (2 < height < 2000 and 2 < width < 4000):
            return None
        figure.set_size_inches(width / figure.dpi, height / figure.dpi)
        figure.texts[0].set_position((1 / width - box.x0 / width, 1 / height - box.y0 / height))
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(np.float32)
    except (ValueError, RuntimeError, OSError):
        return None
    return pixels.min(axis=2) < 128


def _share_of_ink(wanted: np.ndarray, ink: np.ndarray) -> float:
    """The largest share of the wanted ink that is there, over small shifts."""
    height = max(wanted.shape[0], ink.shape[0]) + 2 * _SLACK
    width = max(wanted.shape[1], ink.shape[1]) + 2 * _SLACK
    there = np.zeros((height, width), bool)
    there[_SLACK : _SLACK + ink.shape[0], _SLACK : _SLACK + ink.shape[1]] = ink
    rows, columns = np.nonzero(wanted)
    if not len(rows):
        return 1.0
    best = 0.0
    for down in range(height - wanted.shape[0] + 1):
        for right in range(width - wanted.shape[1] + 1):
            best = max(best, float(there[rows + down, columns + right].mean()))
    return best
