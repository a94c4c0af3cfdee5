"""The small pictures with which the functions of Stage 9 are tried.

Each has four colors, one in each quarter of its middle square, and another color beyond: so it
can be seen whether a photo was cropped, stretched, turned or mirrored, whatever filter made it
small.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

_QUARTERS = ((214, 60, 50), (60, 160, 80), (50, 90, 200), (236, 200, 70))
_BEYOND = (130, 70, 150)
HIDDEN = (255, 0, 255)  # the color of what is transparent
GRAYS = (60, 120, 180, 240)
HIDDEN_GRAY = 90
NEAR = 15  # of 255, on average: less is the same picture
# Away from edges, where every way of making a picture small gives other mixed colors.
INSIDE = np.ix_(*[[*range(2, 14), *range(18, 30)]] * 2)
TURNS = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
TURNS[8] = Image.Transpose.ROTATE_270


# --- The pictures that the functions are tried with -----------------------------------------


def draw_photo(width: int, height: int, colors: tuple = _QUARTERS, beyond: Any = _BEYOND):
    image = Image.new("RGB" if isinstance(beyond, tuple) else "L", (width, height), beyond)
    half = min(width, height) // 2
    x, y = width // 2, height // 2
    for place, color in enumerate(colors):
        left, top = x - half * (place % 2 == 0), y - half * (place < 2)
        image.paste(color, (left, top, left + half, top + half))
    return image


def _file(image: Image.Image, kind: str = "PNG", **settings: Any) -> Image.Image:
    """The image as it comes out of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return Image.open(io.BytesIO(buffer.getvalue()))


def _turned(orientation: int) -> Image.Image:
    """A photo as a telephone keeps it that was held in another way."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = draw_photo(120, 200).transpose(TURNS[orientation])
    return _file(stored, "JPEG", quality=95, exif=exif)


def _with_hole(image: Image.Image, hidden: Any) -> Image.Image:
    """The image with its last quarter transparent, and a color hidden there."""
    quarter = (100, 60, 160, 120)
    image.paste(hidden, quarter)
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, quarter)
    image.putalpha(alpha)
    return _file(image)


def _palette(hole: bool) -> Image.Image:
    colors = (*_QUARTERS[:3], HIDDEN if hole else _QUARTERS[3], _BEYOND)
    numbers = draw_photo(200, 120, (0, 1, 2, 3), 4)
    image = Image.frombytes("P", numbers.size, numbers.tobytes())
    image.putpalette([value for color in colors for value in color])
    return _file(image, **({"transparency": 3} if hole else {}))


def plain_cases() -> dict[str, Image.Image]:
    return {"wide": draw_photo(200, 120), "tall": draw_photo(120, 200)}


def all_cases() -> dict[str, Image.Image]:
    gray = draw_photo(200, 120, GRAYS, 20)
    return {
        **plain_cases(),
        **{f"turned {number}": _turned(number) for number in TURNS},
        "gray": gray,
        "palette": _palette(hole=False),
        "RGBA": _with_hole(draw_photo(200, 120), HIDDEN),
        "LA": _with_hole(gray.copy(), HIDDEN_GRAY),
        "P": _palette(hole=True),
    }
