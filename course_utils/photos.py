"""Photos for Stage 9: the student's own, or samples that the course draws.

Whatever goes wrong with a photo, :func:`get_photo` says what it is in a sentence and returns a
sample, so that a notebook always runs on. It never sends a photo anywhere.
"""

from __future__ import annotations

import io
import os
import random
import sys
import textwrap
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from course_utils import practice

SAMPLES = ("portrait", "landscape", "sticker", "teapot", "robot")
_STAND_IN = "landscape"  # what is used in place of a photo that is not there
_LONGEST = 1024  # pixels of a photo's longer edge; more would only fill the memory
_MOST_PIXELS = 55_000_000  # a telephone's 50 megapixels are read, not much more
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".heic", ".heif")
_ORIENTATION = 0x0112  # the note in a photo that says how the camera was held
_EIGHT_BITS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}


# --- Getting a photo -----------------------------------------------------------------------


class _PhotoError(ValueError):
    """Why there is no photo: one sentence what is wrong, one what to do."""


def get_photo(source: Any = None) -> Image.Image:
    """Return a photo as it is in its file: not turned, not cropped, its colors unchanged.

    Only its size is limited, to 1024 pixels. What cannot be read is named in a printed
    sentence, and a sample takes its place.

    Parameters
    ----------
    source : str, Path, bytes, PIL image, array or what :func:`photo_box` returns, optional
        The name of a file or of a sample (see :data:`SAMPLES`), or the photo itself. Without
        it, Colab asks for a file.

    Returns
    -------
    PIL.Image.Image
        Its EXIF notes are still there.

    Examples
    --------
    >>> get_photo("landscape").size
    (640, 480)
    """
    try:
        if source is None:
            source = photo_box()
            if source.widget is not None:
                _say("Choose a photo in the box. Then use it in the next cell: cu.get_photo(box).")
        return _read(source)
    except _PhotoError as error:
        problem = str(error)
    except Exception as error:  # a broken image or array can fail in every way there is
        problem = f"The photo cannot be read ({type(error).__name__}). Try another one."
    _say(f"{problem} I use the course's sample {_STAND_IN!r} in its place.")
    return sample_photo(_STAND_IN)


def _read(source: Any) -> Image.Image:
    if isinstance(source, str) and source.strip().lower() in SAMPLES:
        return sample_photo(source.strip().lower())
    if isinstance(source, Image.Image):
        return _small(source.copy())
    if isinstance(source, bytes | bytearray | memoryview):
        return _open(bytes(source), "The photo")
    if isinstance(source, str | os.PathLike):
        return _open(*_read_file(source))
    if hasattr(source, "read"):  # an open file
        return _open(source.read(), "The photo")
    if isinstance(source, np.ndarray) or hasattr(source, "__array__"):
        return _from_array(np.asarray(source))
    if source is ...:
        raise _PhotoError("There is still a ... where a photo belongs.")
    files = _files_of(source)
    if files is None:
        raise _PhotoError(
            f"A {type(source).__name__} is not a photo. Give me a file's name in quotes."
        )
    if not files:
        raise _PhotoError("There is no photo in the box.")
    name, content = list(files.items())[-1]
    if len(files) > 1:
        _say(f"The box holds {len(files)} photos. I take the last one, {name}.")
    return _open(content, name)


def _read_file(source: str | os.PathLike) -> tuple[bytes, str]:
    text = os.fspath(source).strip().strip("\"'")
    if not text:
        raise _PhotoError("The name of the photo is empty. Write it between the quotes.")
    if "://" in text:
        raise _PhotoError(
            "That is an address on the internet. Save the picture on your computer first."
        )
    shown = repr(text[:60])
    try:
        path = Path(text).expanduser()
        if path.is_dir():
            raise _PhotoError(f"{shown} is a folder. Write the name of a photo in it, too.")
        return path.read_bytes(), path.name
    except FileNotFoundError:
        raise _PhotoError(f"There is no file {shown} here. {_files_here()}") from None
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise _PhotoError(f"The file {shown} cannot be opened ({reason}).") from None


def _files_here() -> str:
    try:
        names = [p.name for p in Path.cwd().iterdir() if p.suffix.lower() in _SUFFIXES]
    except OSError:
        names = []
    if not names:
        return "Drag the photo into the list of files on the left, next to your notebook."
    return f"I see: {', '.join(sorted(names)[:6])}. Check the spelling and the ending."


def _open(content: bytes, name: str) -> Image.Image:
    """Decode a photo; a JPEG at once at a smaller size, which keeps memory low."""
    if not content:
        raise _PhotoError(f"{name} is empty (0 bytes). Copy or upload the photo again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about large or slightly odd files
            image = Image.open(io.BytesIO(content))
            if image.width * image.height > _MOST_PIXELS:
                raise Image.DecompressionBombError
            return _small(image)
    except Image.DecompressionBombError:
        raise _PhotoError(
            f"{name} is too large: I read up to {_MOST_PIXELS // 1_000_000} million pixels. "
            "Take a screenshot of it and use that."
        ) from None
    except Image.UnidentifiedImageError:
        raise _PhotoError(f"{name} {_what_is_it(content)}") from None
    except Exception:  # broken files fail in every way there is
        raise _PhotoError(
            f"{name} is damaged or not complete. Copy or upload the photo again."
        ) from None


def _what_is_it(content: bytes) -> str:
    kind = content[4:12]
    if kind[:4] == b"ftyp" and kind[4:] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim"):
        return (
            "is a HEIC photo, a form that iPhones use and I cannot read. Take a screenshot of "
            "the photo and use that, or send it to yourself as JPEG."
        )
    if kind[:4] == b"ftyp":
        return "is a video. Take a screenshot of it and use that."
    return "is not a photo that I can read. Use a file that ends in .jpg or .png."


def _small(image: Image.Image) -> Image.Image:
    image.thumbnail((_LONGEST, _LONGEST))
    image.load()
    if image.mode not in _EIGHT_BITS:  # 16 bits or more, as scanners write them
        values = np.nan_to_num(np.asarray(image, np.float64))
        low, high = float(values.min()), float(values.max())
        if low >= 0 and high <= 255:
            low, high = 0.0, 255.0
        scaled = (values - low) * (255 / max(high - low, 1e-9))
        return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
    return image


def _from_array(pixels: np.ndarray) -> Image.Image:
    if pixels.ndim == 4 and len(pixels) == 1:
        pixels = pixels[0]
    gray = pixels.ndim == 2
    colors = pixels.ndim == 3 and pixels.shape[2] in (3, 4)
    if not (gray or colors) or pixels.size == 0 or pixels.dtype.kind not in "biuf":
        raise _PhotoError(f"An array of shape {pixels.shape} is not a picture.")
    values = np.nan_to_num(pixels.astype(np.float64))
    if values.max() <= 1 and pixels.dtype.kind in "bf":
        values = values * 255
    return _small(Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8)))


# --- The box for a photo -------------------------------------------------------------------


class PhotoBox:
    """A place for a photo from the student's computer; read it with :func:`get_photo`.

    Attributes
    ----------
    widget : ipywidgets.FileUpload or None
        The button on the page, where there is one.
    """

    def __init__(self, files: dict[str, bytes] | None = None, widget: Any = None):
        self._files = files or {}
        self.widget = widget

    @property
    def files(self) -> dict[str, bytes]:
        """The chosen files, the newest last."""
        if self.widget is None:
            return self._files
        return _files_of(self.widget.value) or {}


def photo_box() -> PhotoBox:
    """Show a button to choose a photo with, and return the box that will hold it.

    On Colab the cell waits for the choice. Elsewhere a cell cannot wait: choose first, then run
    the next cell. Where nobody can choose, as in grading, the box stays empty.

    Returns
    -------
    PhotoBox
    """
    if os.environ.get("NBGRADER_EXECUTION"):
        return PhotoBox()
    if "google.colab" in sys.modules:
        return PhotoBox(_ask_colab())
    try:
        import ipywidgets
        from IPython import get_ipython
        from IPython.display import display

        if not hasattr(get_ipython(), "kernel"):
            return PhotoBox()
        widget = ipywidgets.FileUpload(
            accept="image/*", multiple=False, description="Choose a photo"
        )
        display(widget)
    except Exception:  # widgets can be absent, or not fit the page's program
        return PhotoBox()
    return PhotoBox(widget=widget)


def _ask_colab() -> dict[str, bytes]:
    try:
        from google.colab import files

        return dict(files.upload() or {})
    except Exception:  # cancelled, or a browser that forbids it
        return {}


def _files_of(source: Any) -> dict[str, bytes] | None:
    """Files from all that a box, a widget or ``files.upload()`` may give; None if it is none.

    ipywidgets 7 gives a dict by name, version 8 a tuple of dicts.
    """
    if isinstance(source, PhotoBox):
        return source.files
    if hasattr(source, "value") and hasattr(source, "accept"):  # the widget itself
        source = source.value
    if isinstance(source, dict):
        pairs = list(source.items())
    elif isinstance(source, Sequence) and not isinstance(source, str):
        pairs = [(one.get("name", "photo"), one) for one in source if isinstance(one, dict)]
        if len(pairs) < len(source):
            return None
    else:
        return None
    files = {}
    for name, content in pairs:
        data = content.get("content") if isinstance(content, dict) else content
        if not isinstance(data, bytes | bytearray | memoryview):
            return None
        files[str(name)] = bytes(data)
    return files


def _say(words: str) -> None:
    print(textwrap.fill(words, 78))


# --- Sample photos -------------------------------------------------------------------------


def sample_photo(name: str = _STAND_IN) -> Image.Image:
    """Return a sample photo, drawn by the course. It is the same each time.

    Parameters
    ----------
    name : str, default="landscape"
        One of :data:`SAMPLES`: a "portrait" from a telephone that was held upright, so that
        its pixels lie on their side; a wide "landscape"; a "sticker" with a transparent
        background; a "teapot" and a "robot", which are in no class.

    Returns
    -------
    PIL.Image.Image
        About 480 by 640 pixels.

    Raises
    ------
    ValueError
        For a name that is not one of them.
    """
    if name not in SAMPLES:
        raise ValueError(f"There is no sample {name!r}. Choose one of: {', '.join(SAMPLES)}.")
    return _SAMPLES[name]()


_FINE = 2  # samples are drawn twice as large and averaged down, for smooth edges


class _Canvas:
    """Stands in for a PIL drawing of a practice picture, and draws it large.

    The practice painters draw on a square of 64 units. Here the square is the middle of a
    photo, which goes on beyond it. Ovals come as polygons with few corners; they are drawn
    round again.
    """

    def __init__(self, image: Image.Image, edge: float):
        self._draw = ImageDraw.Draw(image)
        self._zoom = edge / (practice.SIZE * practice._ZOOM)
        self._origin = (np.array(image.size) - edge) / 2

    def _place(self, points: Sequence[float]) -> list[float]:
        placed = np.asarray(points, float).reshape(-1, 2) * self._zoom + self._origin
        return placed.ravel().tolist()

    def polygon(self, points: Sequence[float], color: Any) -> None:
        points = np.asarray(points, float).reshape(-1, 2)
        self._draw.polygon(self._place(_rounded(points)), color)

    def line(self, points: Sequence[float], color: Any, width: float = 1) -> None:
        wide = max(1, round(width * self._zoom))
        placed = self._place(points)
        self._draw.line(placed, color, wide, joint="curve")
        for x, y in zip(placed[::2], placed[1::2], strict=True):  # round ends
            r = wide / 2
            self._draw.ellipse((x - r, y - r, x + r, y + r), color)

    def rectangle(self, box: Sequence[float], color: Any) -> None:
        self._draw.rectangle(self._place(box), color)

    def ellipse(self, box: Sequence[float], color: Any) -> None:
        self._draw.ellipse(self._place(box), color)


def _rounded(points: np.ndarray) -> np.ndarray:
    """The ellipse through the corners of a practice oval; other shapes stay."""
    count = len(practice._CIRCLE)
    if len(points) != count:
        return points
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    fine = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    center = points.mean(axis=0)
    across = 2 * (np.cos(angles) @ (points - center)) / count
    down = 2 * (np.sin(angles) @ (points - center)) / count
    return center + np.outer(np.cos(fine), across) + np.outer(np.sin(fine), down)


def _scene(size: tuple[int, int], colors: Sequence[practice.Colour], horizon: float) -> Image.Image:
    """Two gradients above each other, as the background of a photo, drawn large."""
    width, height = (edge * _FINE for edge in size)
    top, low, near, front = (np.array(color, float) for color in colors)
    y = np.linspace(0, 1, height)[:, None]
    above, below = np.clip(y / horizon, 0, 1), np.clip((y - horizon) / (1 - horizon), 0, 1)
    rows = np.where(
        y < horizon, top * (1 - above) + low * above, near * (1 - below) + front * below
    )
    return Image.fromarray(np.repeat(rows[:, None].astype(np.uint8), width, axis=1))


def _paint(image: Image.Image, label: str, place: str, horizon: float, seed: int) -> Image.Image:
    """Draw a subject of a practice class in the middle of a large picture."""
    painter: Callable = practice._PAINTERS[practice.CLASS_NAMES.index(label)]
    canvas = _Canvas(image, min(image.size))
    painter(canvas, random.Random(seed), {"place": place, "horizon": horizon})
    if image.mode == "RGBA":  # or the edges would mix with the hidden background
        return image.convert("RGBa").reduce(_FINE).convert("RGBA")
    return image.reduce(_FINE)


def _portrait() -> Image.Image:
    """A cat, held upright but kept on its side with a note, as telephones keep photos."""
    image = _scene((480, 640), practice._SCENES["room"][1], 0.62)
    draw = ImageDraw.Draw(image)
    draw.rectangle((90, 60, 420, 330), (120, 92, 66))  # a window, which the crop cuts off
    draw.rectangle((110, 80, 400, 310), (170, 206, 236))
    draw.rectangle((0, 1180, 960, 1280), (104, 60, 66))  # a carpet
    upright = _paint(image, "cat", "room", 0.62, _SEEDS["portrait"])
    exif = Image.Exif()
    exif[_ORIENTATION] = 6
    file = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", quality=92, exif=exif)
    return _open(file.getvalue(), "portrait")


def _landscape() -> Image.Image:
    """A ship, with things at both sides that only a stretched picture would show."""
    image = _scene((640, 480), practice._SCENES["sea"][0], 0.55)
    draw = ImageDraw.Draw(image)
    draw.polygon((0, 540, 0, 360, 60, 320, 130, 400, 150, 540), (92, 104, 96))
    draw.rectangle((1186, 330, 1224, 540), (232, 232, 226))  # a lighthouse
    draw.rectangle((1186, 390, 1224, 440), (190, 60, 50))
    draw.polygon((1180, 330, 1205, 290, 1230, 330), (120, 40, 36))
    return _paint(image, "ship", "sea", 0.55, _SEEDS["landscape"])


def _sticker() -> Image.Image:
    """A frog without a background."""
    image = Image.new("RGBA", (480 * _FINE, 480 * _FINE), (0, 0, 0, 0))
    return _paint(image, "frog", "pond", 0.5, _SEEDS["sticker"])


def _teapot() -> Image.Image:
    """A thing that is in none of the ten classes."""
    image = _scene((640, 480), practice._SCENES["room"][0], 0.66)
    draw, blue, dark = ImageDraw.Draw(image), (66, 112, 170), (44, 74, 113)
    draw.ellipse((800, 330, 1010, 650), dark)  # the handle
    draw.ellipse((840, 380, 966, 600), (218, 202, 176))
    draw.polygon((430, 600, 240, 400, 300, 370, 350, 420, 500, 480), dark)  # the spout
    draw.ellipse((390, 330, 900, 760), blue)
    draw.ellipse((500, 300, 790, 400), dark)  # the lid
    draw.ellipse((606, 240, 684, 318), (214, 176, 50))
    draw.ellipse((470, 420, 600, 540), (126, 172, 230))  # its shine
    draw.rectangle((480, 740, 810, 772), dark)
    return image.reduce(_FINE)


def _robot() -> Image.Image:
    """Another thing that is in none of the ten classes."""
    image = _scene((480, 640), practice._SCENES["room"][1], 0.7)
    draw, gray, dark = ImageDraw.Draw(image), (170, 176, 184), (113, 117, 122)
    draw.rectangle((472, 190, 488, 260), dark)  # the antenna
    draw.ellipse((456, 160, 504, 208), (200, 60, 50))
    draw.rectangle((330, 260, 630, 470), gray)  # the head
    draw.rectangle((400, 420, 560, 440), dark)
    draw.rectangle((440, 470, 520, 500), dark)
    draw.rectangle((280, 500, 680, 860), dark)  # the body
    draw.rectangle((310, 530, 650, 700), gray)
    for left, color in ((360, (200, 60, 50)), (450, (214, 176, 50)), (540, (66, 112, 170))):
        draw.ellipse((left, 740, left + 60, 800), color)
    for x in (410, 550):  # the eyes
        draw.ellipse((x - 38, 320, x + 38, 396), (246, 236, 180))
        draw.ellipse((x - 16, 342, x + 16, 374), (34, 32, 36))
    for arm, leg in ((200, 330), (690, 540)):
        draw.rectangle((arm, 510, arm + 70, 760), gray)
        draw.rectangle((leg, 860, leg + 90, 1040), gray)
        draw.rectangle((leg - 20, 1040, leg + 110, 1090), dark)
    return image.reduce(_FINE)


_SEEDS = {"portrait": 17, "landscape": 2, "sticker": 18}
_SAMPLES: dict[str, Callable[[], Image.Image]] = {
    "portrait": _portrait,
    "landscape": _landscape,
    "sticker": _sticker,
    "teapot": _teapot,
    "robot": _robot,
}
