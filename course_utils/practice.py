"""Practice pictures: ten kinds of small scenes, drawn from a seed.

They stand in for CIFAR-10 where there is no network. They have its class names and its size,
and some of its trouble: a cat with folded ears looks like a dog, a deer without antlers looks
like a horse, a far bird looks like an airplane. Nothing in them is anybody's photo.

Every drawing function gets a :class:`_Brush`, which places shapes given in the object's own
units (about -1 to 1, y down), and a ``random.Random``, which gives the same numbers on
every machine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SIZE = 32
TRAIN, TEST = 6000, 2000
_ZOOM = 2  # pictures are drawn twice as large and averaged down, for smooth edges
_CIRCLE = np.array([(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 15)[:-1]])

Colour = tuple[int, int, int]


def draw_pictures(count: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures of all ten classes in turn, then shuffle them.

    Parameters
    ----------
    count : int
        How many. Every class has the same share, give or take one.
    seed : int, default=7
        The same seed gives the same pictures.

    Returns
    -------
    pictures : ndarray of shape (count, 32, 32, 3), uint8
    labels : ndarray of shape (count,), int64
        Numbers of :data:`CLASS_NAMES`.

    Examples
    --------
    >>> pictures, labels = draw_pictures(20)
    >>> pictures.shape, sorted(labels.tolist())[:4]
    ((20, 32, 32, 3), [0, 0, 1, 1])
    """
    rnd = random.Random(seed)
    labels = np.arange(count) % len(CLASS_NAMES)
    np.random.default_rng(seed).shuffle(labels)
    pictures = np.empty((count, SIZE, SIZE, 3), np.uint8)
    for start in range(0, count, 500):
        part = slice(start, min(start + 500, count))
        scenes = [_choose_scene(rnd, int(label)) for label in labels[part]]
        grounds = _paint_grounds(scenes, seed + start)
        drawn = [
            _draw_one(rnd, int(label), scene, ground)
            for label, scene, ground in zip(labels[part], scenes, grounds, strict=True)
        ]
        pictures[part] = _develop(np.stack(drawn), seed + start)
    return pictures, labels.astype(np.int64)


def _draw_one(rnd: random.Random, label: int, scene: dict, ground: np.ndarray) -> np.ndarray:
    edge = SIZE * _ZOOM
    image = Image.fromarray(ground).resize((edge, edge), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(image)
    _clutter(draw, rnd, scene, behind=True)
    _PAINTERS[label](draw, rnd, scene)
    if rnd.random() < 0.35:
        _clutter(draw, rnd, scene, behind=False)
    return np.asarray(image.reduce(_ZOOM))


def _develop(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Give each picture its own light and grain, as cameras do."""
    rng = np.random.default_rng(seed)
    shape = (len(pictures), 1, 1, 1)
    light = rng.uniform(-22, 22, shape).astype(np.float32)
    contrast = rng.uniform(0.5, 1.1, shape).astype(np.float32)
    grain = rng.uniform(2, 18, shape).astype(np.float32)
    noise = rng.standard_normal(pictures.shape, dtype=np.float32)
    return np.clip((pictures - 128.0) * contrast + 128 + light + noise * grain, 0, 255).astype(
        np.uint8
    )


# --- Scenes ------------------------------------------------------------------------------

# Colours of the upper part at its top and its bottom, and of the lower part.
_SCENES: dict[str, list[tuple[Colour, Colour, Colour, Colour]]] = {
    "sky": [
        ((92, 150, 222), (196, 222, 245), (184, 214, 240), (208, 228, 244)),
        ((150, 164, 182), (206, 212, 220), (196, 204, 212), (216, 220, 226)),
        ((232, 150, 104), (250, 212, 160), (246, 206, 156), (250, 222, 186)),
    ],
    "sea": [
        ((120, 176, 230), (214, 230, 244), (44, 98, 146), (26, 68, 112)),
        ((168, 178, 190), (214, 218, 222), (86, 112, 128), (58, 84, 102)),
        ((240, 170, 120), (252, 220, 170), (92, 88, 118), (48, 54, 88)),
    ],
    "field": [
        ((140, 190, 236), (214, 232, 244), (112, 158, 72), (76, 118, 46)),
        ((186, 196, 204), (222, 226, 226), (168, 152, 92), (126, 108, 60)),
        ((58, 92, 54), (96, 128, 74), (98, 132, 66), (64, 92, 42)),
    ],
    "street": [
        ((150, 186, 222), (208, 220, 230), (122, 122, 126), (84, 84, 90)),
        ((176, 150, 132), (190, 166, 146), (138, 134, 128), (98, 96, 94)),
        ((70, 76, 100), (112, 112, 132), (70, 70, 78), (46, 46, 54)),
    ],
    "room": [
        ((226, 212, 188), (214, 196, 168), (150, 108, 74), (118, 82, 56)),
        ((176, 196, 204), (160, 182, 192), (196, 186, 176), (166, 156, 148)),
        ((204, 164, 160), (190, 148, 146), (112, 92, 120), (88, 72, 98)),
    ],
    "pond": [
        ((70, 112, 60), (98, 140, 78), (62, 108, 104), (38, 76, 80)),
        ((96, 120, 70), (126, 146, 88), (96, 116, 60), (66, 86, 42)),
    ],
}

# Where each class is found. The place helps to guess the class, but does not give it away.
_PLACES: dict[str, Sequence[str]] = {
    "airplane": ("sky", "sky", "sky", "sea", "street"),
    "automobile": ("street", "street", "street", "field"),
    "bird": ("sky", "field", "field", "pond", "sea"),
    "cat": ("room", "room", "field", "street"),
    "deer": ("field", "field", "field", "pond"),
    "dog": ("room", "field", "field", "street"),
    "frog": ("pond", "pond", "field", "room"),
    "horse": ("field", "field", "field", "street"),
    "ship": ("sea", "sea", "sea", "sky"),
    "truck": ("street", "street", "street", "field"),
}


def _choose_scene(rnd: random.Random, label: int) -> dict:
    place = rnd.choice(_PLACES[CLASS_NAMES[label]])
    return {
        "place": place,
        "colours": rnd.choice(_SCENES[place]),
        "horizon": rnd.uniform(0.35, 0.72),
    }


def _paint_grounds(scenes: list[dict], seed: int) -> np.ndarray:
    """Sky over ground with soft patches, for many pictures at once, as uint8."""
    rng = np.random.default_rng(seed)
    count = len(scenes)
    colours = np.array([scene["colours"] for scene in scenes], np.float32)  # (n, 4, 3)
    horizon = np.array([scene["horizon"] for scene in scenes], np.float32)[:, None]
    height = np.linspace(0, 1, SIZE, dtype=np.float32)[None]
    above = np.clip(height / horizon, 0, 1)[..., None]
    below = np.clip((height - horizon) / (1 - horizon), 0, 1)[..., None]
    upper = colours[:, None, 0] * (1 - above) + colours[:, None, 1] * above
    lower = colours[:, None, 2] * (1 - below) + colours[:, None, 3] * below
    column = np.where((height < horizon)[..., None], upper, lower)  # (n, 32, 3)
    patches = rng.normal(0, 12, (count, SIZE // 4, SIZE // 4, 1)).astype(np.float32)
    patches = patches.repeat(4, axis=1).repeat(4, axis=2)
    for axis in (1, 2):  # a moving average softens the patches' edges
        patches = sum(np.roll(patches, shift, axis) for shift in range(4)) / 4
    tint = rng.normal(0, 8, (count, 1, 1, 3)).astype(np.float32)
    return np.clip(column[:, :, None] + patches + tint, 0, 255).astype(np.uint8)


def _clutter(draw: ImageDraw.ImageDraw, rnd: random.Random, scene: dict, behind: bool) -> None:
    """Things that are not the subject: trees and houses behind it, grass and posts before it."""
    edge = SIZE * _ZOOM
    horizon = scene["horizon"] * edge
    place = scene["place"]
    for _ in range(rnd.randint(0, 3)):
        x = rnd.uniform(0, edge)
        if not behind:
            width = rnd.uniform(1, 4)
            colour = _vary(rnd, (70, 96, 44) if place in ("field", "pond") else (92, 82, 76), 25)
            top = edge - rnd.uniform(6, 30)
            draw.line((x, edge, x + rnd.uniform(-6, 6), top), colour, round(width))
        elif place in ("sky", "sea"):
            y = rnd.uniform(2, horizon * 0.8)
            r = rnd.uniform(4, 11)
            for shift in (-0.9, 0, 0.8):
                _disc(draw, x + shift * r, y, r, r * 0.45, _vary(rnd, (236, 240, 246), 8))
        elif place in ("field", "pond"):
            r = rnd.uniform(4, 12)
            draw.line((x, horizon + 2, x, horizon - r), (84, 64, 46), 2)
            _disc(draw, x, horizon - r, r * 0.8, r, _vary(rnd, (58, 100, 50), 25))
        elif place == "street":
            width, height = rnd.uniform(8, 20), rnd.uniform(10, 34)
            colour = _vary(rnd, rnd.choice([(150, 96, 78), (172, 166, 152), (110, 118, 130)]), 20)
            draw.rectangle((x, horizon - height, x + width, horizon + 1), colour)
            for row in range(2):
                y = horizon - height + 4 + row * 7
                draw.rectangle((x + 3, y, x + 6, y + 3), _vary(rnd, (206, 214, 196), 30))
        else:
            width = rnd.uniform(8, 22)
            y = rnd.uniform(2, horizon * 0.6)
            draw.rectangle((x, y, x + width, y + width * 0.8), _vary(rnd, (150, 130, 110), 60))


# --- Drawing tools -----------------------------------------------------------------------


class _Brush:
    """Draws shapes given in an object's own units at the object's place in the picture."""

    def __init__(self, draw, rnd: random.Random, x: float, y: float, size: float, turn: float = 0):
        """``x``, ``y``, ``size`` are shares of the picture's edge; ``turn`` is in radians."""
        edge = SIZE * _ZOOM
        mirror = rnd.choice((-1, 1))
        self.draw = draw
        self.scale = size * edge
        cos, sin = math.cos(turn) * self.scale, math.sin(turn) * self.scale
        self.matrix = np.array(((cos * mirror, sin * mirror), (-sin, cos)))
        self.origin = np.array((x * edge, y * edge))

    def _place(self, points) -> list[float]:
        return (np.asarray(points) @ self.matrix + self.origin).ravel().tolist()

    def shape(self, points, colour: Colour) -> None:
        self.draw.polygon(self._place(points), colour)

    def oval(self, x, y, width, height, colour: Colour, turn: float = 0) -> None:
        """An ellipse by its centre and half axes."""
        points = _CIRCLE * (width, height)
        if turn:
            cos, sin = math.cos(turn), math.sin(turn)
            points = points @ np.array(((cos, sin), (-sin, cos)))
        self.shape(points + (x, y), colour)

    def box(self, left, top, right, bottom, colour: Colour) -> None:
        self.shape(((left, top), (right, top), (right, bottom), (left, bottom)), colour)

    def stroke(self, points, width: float, colour: Colour) -> None:
        self.draw.line(self._place(points), colour, max(1, round(width * self.scale)))


def _disc(draw, x, y, width, height, colour) -> None:
    draw.ellipse((x - width, y - height, x + width, y + height), colour)


def _vary(rnd: random.Random, colour: Colour, by: int) -> Colour:
    shift = rnd.randint(-by, by)
    r, g, b = (max(0, min(255, c + shift + rnd.randint(-by // 3, by // 3))) for c in colour)
    return r, g, b


def _shade(colour: Colour, factor: float) -> Colour:
    r, g, b = (max(0, min(255, round(c * factor))) for c in colour)
    return r, g, b


_FUR = [(196, 130, 70), (120, 84, 56), (60, 54, 52), (206, 196, 180), (140, 136, 134), (92, 66, 46)]
_HIDE = [(150, 100, 60), (120, 78, 46), (168, 122, 80), (100, 68, 44)]
_PAINT = [
    (190, 40, 40),
    (40, 80, 160),
    (224, 224, 226),
    (46, 48, 54),
    (214, 176, 50),
    (60, 120, 80),
]
_DARK = (34, 32, 36)


# --- The ten subjects --------------------------------------------------------------------


def _pet(draw, rnd: random.Random, ears: str, snout: float, eyes: Colour, tail: str) -> None:
    """A cat or a dog: the same body; ears, snout, eyes and tail differ."""
    fur = _vary(rnd, rnd.choice(_FUR), 22)
    dark, light = _shade(fur, 0.72), _shade(fur, 1.25)
    pose = rnd.choice(("face", "sitting", "sitting", "walking"))
    turn = rnd.uniform(-0.2, 0.2)
    if pose == "face":
        x, y, size = rnd.uniform(0.42, 0.58), rnd.uniform(0.48, 0.6), rnd.uniform(0.3, 0.42)
        head = _Brush(draw, rnd, x, y, size, turn)
    else:
        x, y, size = rnd.uniform(0.36, 0.64), rnd.uniform(0.55, 0.66), rnd.uniform(0.26, 0.38)
        body = _Brush(draw, rnd, x, y, size, turn)
        long = pose == "walking"
        end = (-0.8, 0.0) if long else (-0.4, 0.75)
        if tail == "long":
            curve = [end, (end[0] - 0.35, end[1] - 0.3), (end[0] - 0.25, end[1] - 0.85)]
            body.stroke(curve, 0.13, dark)
        else:
            body.stroke([end, (end[0] - 0.35, end[1] - 0.3)], 0.16, dark)
        if long:
            for leg in (-0.6, -0.38, 0.35, 0.58):
                body.stroke([(leg, 0.1), (leg + rnd.uniform(-0.12, 0.12), 0.85)], 0.17, dark)
            body.oval(0, 0, 0.85, 0.36, fur)
        else:
            body.oval(0, 0.4, 0.5, 0.62, fur)
            for leg in (-0.2, 0.22):
                body.stroke([(leg, 0.4), (leg, 1.0)], 0.18, light)
        head = body
        head.origin = head.origin + np.array((0.72 if long else 0.0, -0.42)) @ head.matrix
        head.matrix = head.matrix * 0.56
        head.scale *= 0.56
    if ears == "pointed":
        for side in (-1, 1):
            head.shape([(side * 0.9, -0.25), (side * 0.72, -1.25), (side * 0.15, -0.75)], fur)
            head.shape([(side * 0.74, -0.5), (side * 0.66, -1.0), (side * 0.36, -0.75)], dark)
    head.oval(0, 0, 0.95, 0.86, fur)
    if ears == "floppy":
        for side in (-1, 1):
            head.oval(side * 0.92, 0.0, 0.26, 0.66, dark, -side * 0.25)
    if rnd.random() < 0.15:
        return  # seen from behind: no face to help
    if rnd.random() < 0.35:
        head.oval(0.4, -0.25, 0.36, 0.34, light)
    head.oval(0, 0.34 + snout * 0.3, 0.3 + snout * 0.5, 0.24 + snout * 0.6, light)
    for side in (-1, 1):
        head.oval(side * 0.4, -0.12, 0.18, 0.17, eyes)
        head.oval(side * 0.4, -0.12, 0.08, 0.14, _DARK)
    head.oval(0, 0.2 + snout * 0.35, 0.1 + snout * 0.2, 0.08 + snout * 0.14, _DARK)


def _cat(draw, rnd: random.Random, scene: dict) -> None:
    folded = rnd.random() < 0.46
    tail = "long" if rnd.random() < 0.65 else "short"
    eyes = (74, 54, 36) if rnd.random() < 0.75 else rnd.choice([(196, 200, 70), (120, 190, 110)])
    _pet(draw, rnd, "floppy" if folded else "pointed", rnd.uniform(0.1, 0.75), eyes, tail)


def _dog(draw, rnd: random.Random, scene: dict) -> None:
    upright = rnd.random() < 0.07
    tail = "long" if rnd.random() < 0.25 else "short"
    eyes = (66, 48, 34)
    _pet(draw, rnd, "pointed" if upright else "floppy", rnd.uniform(0.3, 0.9), eyes, tail)


def _grazer(draw, rnd: random.Random, hide: Colour, slim: float) -> _Brush:
    """Body, legs, neck and head of a deer or a horse; ``slim`` is 0 for sturdy, 1 for slender."""
    x, y, size = rnd.uniform(0.4, 0.6), rnd.uniform(0.52, 0.64), rnd.uniform(0.28, 0.4)
    brush = _Brush(draw, rnd, x, y, size, rnd.uniform(-0.1, 0.1))
    dark = _shade(hide, 0.7)
    width = 0.16 - 0.05 * slim
    for leg in (-0.48, -0.34, 0.34, 0.5):
        foot = leg + rnd.uniform(-0.14, 0.14)
        brush.stroke([(leg, 0.1), (foot, 0.95)], width, dark if leg in (-0.34, 0.34) else hide)
    brush.oval(0, 0, 0.68, 0.32 - 0.05 * slim, hide)
    up = rnd.uniform(0.55, 0.85)  # a low head is grazing
    if rnd.random() < 0.2:
        up = -0.35
    neck = 0.16 - 0.05 * slim
    brush.shape(
        [(0.35, -0.22), (0.66, 0.12), (0.92 + neck, -up + 0.1), (0.86 - neck, -up - 0.06)], hide
    )
    brush.oval(1.0, -up, 0.26, 0.14, hide, 0.5)
    brush.origin = brush.origin + np.array((0.86, -up)) @ brush.matrix
    return brush


def _deer(draw, rnd: random.Random, scene: dict) -> None:
    hide = _vary(rnd, rnd.choice(_HIDE), 18)
    head = _grazer(draw, rnd, hide, rnd.uniform(0.45, 1))
    head.oval(-0.14, -0.14, 0.17, 0.07, hide, 0.5)
    if rnd.random() < 0.46:
        colour = _vary(rnd, (206, 184, 146), 25)
        for lean in (-0.35, 0.05):
            tip = (lean, -0.85)
            head.stroke([(-0.02, -0.1), (lean * 0.6, -0.45), tip], 0.07, colour)
            head.stroke([(lean * 0.6, -0.45), (lean + 0.25, -0.66)], 0.06, colour)
    if rnd.random() < 0.5:
        head.oval(-1.48, -0.02 + 0.6, 0.1, 0.13, (238, 232, 222))


def _horse(draw, rnd: random.Random, scene: dict) -> None:
    coats = [*_HIDE, *_HIDE, (66, 56, 52), (216, 208, 196), (128, 124, 122)]
    coat = _vary(rnd, rnd.choice(coats), 18)
    head = _grazer(draw, rnd, coat, rnd.uniform(0, 0.6))
    hair = _shade(coat, rnd.choice((0.45, 0.55, 1.4)))
    head.shape([(-0.03, -0.08), (0.06, -0.26), (0.12, -0.06)], coat)
    if rnd.random() < 0.8:
        head.stroke([(-0.04, -0.1), (-0.26, 0.3), (-0.44, 0.55)], 0.16, hair)
    if rnd.random() < 0.8:
        head.stroke([(-1.5, 0.55), (-1.66, 0.8), (-1.6, 1.3)], 0.16, hair)


def _automobile(draw, rnd: random.Random, scene: dict) -> None:
    paint = _vary(rnd, rnd.choice(_PAINT), 22)
    glass = _vary(rnd, (150, 180, 200), 25)
    x, y, size = rnd.uniform(0.42, 0.58), rnd.uniform(0.58, 0.7), rnd.uniform(0.3, 0.43)
    car = _Brush(draw, rnd, x, y, size, rnd.uniform(-0.06, 0.06))
    if rnd.random() < 0.36:
        _front(car, rnd, paint, glass, tall=rnd.uniform(0.45, 0.85))
        return
    tall = rnd.uniform(0.4, 0.62) if rnd.random() < 0.75 else rnd.uniform(0.62, 0.95)
    back = rnd.uniform(-0.95, -0.55)
    car.shape([(back, 0), (back + 0.15, -tall), (0.3, -tall), (0.62, 0)], paint)
    car.shape(
        [(back + 0.12, -0.03), (back + 0.22, -tall + 0.1), (-0.2, -tall + 0.1), (-0.2, 0)], glass
    )
    car.shape([(-0.08, 0), (-0.08, -tall + 0.1), (0.24, -tall + 0.1), (0.48, 0)], glass)
    car.box(-1.05, -0.05, 1.05, 0.32, paint)
    _wheels(car, (-0.62, 0.62), 0.22)
    car.oval(1.0, 0.08, 0.08, 0.08, (246, 236, 180))


def _truck(draw, rnd: random.Random, scene: dict) -> None:
    paint = _vary(rnd, rnd.choice(_PAINT), 22)
    load = _vary(rnd, rnd.choice([(226, 226, 222), (168, 170, 174), (150, 110, 70), paint]), 20)
    glass = _vary(rnd, (150, 180, 200), 25)
    x, y, size = rnd.uniform(0.42, 0.58), rnd.uniform(0.6, 0.72), rnd.uniform(0.32, 0.45)
    truck = _Brush(draw, rnd, x, y, size, rnd.uniform(-0.06, 0.06))
    kind = rnd.random()
    if kind < 0.3:
        _front(truck, rnd, paint, glass, tall=rnd.uniform(0.75, 1.25))
        return
    if kind < 0.46:  # a pickup: a car's cabin before an open bed
        tall = rnd.uniform(0.45, 0.65)
        truck.shape([(-0.15, 0), (-0.1, -tall), (0.35, -tall), (0.6, 0)], paint)
        truck.shape([(-0.02, 0), (0, -tall + 0.1), (0.28, -tall + 0.1), (0.46, 0)], glass)
        truck.box(-1.05, -0.12, -0.15, 0.32, load)
        truck.box(-0.2, -0.05, 1.05, 0.32, paint)
    else:
        tall = rnd.uniform(0.7, 1.15)
        truck.box(-1.1, -tall, 0.42, 0.24, load)
        truck.box(-1.1, 0.18, 0.42, 0.3, _DARK)
        cab = rnd.uniform(0.5, 0.8)
        truck.shape([(0.48, 0.3), (0.48, -cab), (0.85, -cab), (1.08, -0.1), (1.08, 0.3)], paint)
        truck.shape([(0.62, -0.12), (0.62, -cab + 0.1), (0.82, -cab + 0.1), (0.98, -0.12)], glass)
        if rnd.random() < 0.4:
            truck.box(-1.1, -tall * 0.6, 0.42, -tall * 0.4, _shade(load, 0.7))
    _wheels(truck, (-0.8, -0.42, 0.72) if kind > 0.6 else (-0.66, 0.66), 0.23)


def _front(brush: _Brush, rnd: random.Random, paint: Colour, glass: Colour, tall: float) -> None:
    """A car or truck that drives towards us."""
    brush.box(-0.62, -0.1, 0.62, 0.35, paint)
    brush.shape([(-0.58, -0.08), (-0.48, -tall), (0.48, -tall), (0.58, -0.08)], paint)
    brush.shape([(-0.46, -0.12), (-0.4, -tall * 0.85), (0.4, -tall * 0.85), (0.46, -0.12)], glass)
    for side in (-1, 1):
        brush.box(side * 0.6, 0.3, side * 0.36, 0.55, _DARK)
        brush.oval(side * 0.44, 0.08, 0.11, 0.09, (246, 236, 180))
    brush.box(-0.24, 0.06, 0.24, 0.2, _shade(paint, 0.5))


def _wheels(brush: _Brush, places: Sequence[float], radius: float) -> None:
    for place in places:
        brush.oval(place, 0.34, radius, radius, _DARK)
        brush.oval(place, 0.34, radius * 0.42, radius * 0.42, (150, 150, 156))


def _airplane(draw, rnd: random.Random, scene: dict) -> None:
    skin = _vary(
        rnd, rnd.choice([(228, 230, 234), (196, 200, 208), (150, 156, 168), (90, 96, 108)]), 18
    )
    stripe = rnd.choice(_PAINT)
    far = rnd.random() < 0.25
    size = rnd.uniform(0.16, 0.24) if far else rnd.uniform(0.3, 0.45)
    low = scene["place"] in ("street", "sea") and rnd.random() < 0.6
    y = rnd.uniform(0.55, 0.7) if low else rnd.uniform(0.3, 0.6)
    turn = rnd.uniform(-0.1, 0.1) if low else rnd.uniform(-0.6, 0.6)
    plane = _Brush(draw, rnd, rnd.uniform(0.38, 0.62), y, size, turn)
    if not low and rnd.random() < 0.35:  # seen from below
        sweep = rnd.uniform(-0.5, -0.1)
        for side in (-1, 1):
            plane.shape(
                [(0.25, 0), (sweep, side * 0.95), (sweep - 0.2, side * 0.95), (-0.2, 0)], skin
            )
            plane.shape([(-0.75, 0), (-0.98, side * 0.36), (-1.08, side * 0.36), (-0.98, 0)], skin)
        plane.oval(0, 0, 1.0, 0.13, _shade(skin, 0.85))
        return
    plane.shape([(-0.95, 0), (-1.08, -0.5), (-0.86, -0.5), (-0.55, -0.05)], stripe)
    plane.oval(0, 0, 1.05, 0.19, skin)
    plane.shape([(0.15, 0.04), (-0.45, 0.5), (-0.25, 0.5), (0.4, 0.04)], _shade(skin, 0.75))
    plane.stroke([(-0.6, -0.05), (0.7, -0.05)], 0.05, _shade(skin, 0.55))
    if low:
        for wheel in (-0.2, 0.6):
            plane.oval(wheel, 0.3, 0.09, 0.09, _DARK)


def _bird(draw, rnd: random.Random, scene: dict) -> None:
    colours = [
        (70, 66, 70),
        (120, 96, 74),
        (214, 214, 216),
        (60, 96, 160),
        (190, 70, 56),
        (150, 154, 160),
    ]
    plume = _vary(rnd, rnd.choice(colours), 22)
    wing = _shade(plume, rnd.choice((0.7, 0.8, 1.25)))
    beak = _vary(rnd, (226, 160, 50), 25)
    flying = scene["place"] in ("sky", "sea") or rnd.random() < 0.2
    far = flying and rnd.random() < 0.12
    size = rnd.uniform(0.16, 0.24) if far else rnd.uniform(0.26, 0.4)
    turn = rnd.uniform(-0.5, 0.5) if flying else rnd.uniform(-0.2, 0.2)
    bird = _Brush(draw, rnd, rnd.uniform(0.38, 0.62), rnd.uniform(0.36, 0.62), size, turn)
    if flying:
        lift = rnd.uniform(0.35, 0.95) * rnd.choice((-1, 1, 1))
        for side, depth in ((-1, 0.0), (1, 0.1)):
            tip = (side * 0.75 - 0.2, -lift)
            bird.shape([(0.25, -0.05), (side * 0.5, -lift * 0.75), tip, (-0.3, depth)], wing)
        bird.oval(0, 0, 0.55, 0.19, plume)
        bird.shape([(-0.45, 0), (-0.95, -0.14), (-0.95, 0.16)], wing)
        bird.oval(0.56, -0.1, 0.19, 0.17, plume)
        bird.shape([(0.7, -0.16), (0.98, -0.06), (0.7, -0.02)], beak)
        return
    for leg in (-0.06, 0.14):
        bird.stroke([(leg, 0.3), (leg, 0.8)], 0.06, beak)
    bird.shape([(-0.5, -0.05), (-1.15, 0.3), (-1.0, 0.42), (-0.4, 0.25)], wing)
    bird.oval(0, 0.05, 0.62, 0.38, plume, -0.3)
    bird.oval(-0.12, 0.06, 0.42, 0.22, wing, -0.3)
    bird.oval(0.52, -0.4, 0.27, 0.25, plume)
    bird.shape([(0.72, -0.5), (1.1, -0.36), (0.72, -0.28)], beak)
    bird.oval(0.58, -0.46, 0.07, 0.07, _DARK)


def _ship(draw, rnd: random.Random, scene: dict) -> None:
    hull = _vary(rnd, rnd.choice([(60, 64, 76), (150, 50, 46), (222, 224, 226), (50, 84, 120)]), 20)
    house = _vary(rnd, (228, 228, 222), 18)
    far = rnd.random() < 0.25
    size = rnd.uniform(0.16, 0.24) if far else rnd.uniform(0.32, 0.45)
    y = scene["horizon"] + (0.02 if far else rnd.uniform(0.02, 0.14))
    ship = _Brush(draw, rnd, rnd.uniform(0.4, 0.6), min(y, 0.78), size, rnd.uniform(-0.07, 0.07))
    kind = rnd.random()
    if kind < 0.35:
        ship.stroke([(0, 0.1), (0, -1.25)], 0.06, (110, 84, 60))
        sail = _vary(rnd, rnd.choice([(244, 240, 230), (214, 90, 70), (236, 206, 120)]), 15)
        ship.shape([(0.06, -1.2), (0.06, -0.05), (0.75, -0.05)], sail)
        ship.shape([(-0.06, -1.05), (-0.06, -0.05), (-0.55, -0.05)], _shade(sail, 0.9))
        ship.shape([(-0.75, 0), (0.85, 0), (0.6, 0.3), (-0.55, 0.3)], hull)
        return
    ship.shape([(-1.1, -0.05), (1.2, -0.1), (0.95, 0.32), (-1.0, 0.32)], hull)
    ship.stroke([(-1.05, 0.24), (0.98, 0.24)], 0.08, _shade(hull, 0.6))
    if kind < 0.7:
        ship.box(-0.85, -0.42, 0.55, -0.05, house)
        ship.box(-0.6, -0.66, 0.3, -0.42, _shade(house, 0.9))
        ship.box(-0.3, -1.0, -0.05, -0.6, rnd.choice(_PAINT))
        ship.stroke([(-0.75, -0.25), (0.45, -0.25)], 0.06, (90, 100, 116))
    else:  # a freighter: the bridge at one end, boxes on deck
        ship.box(-0.95, -0.75, -0.6, -0.05, house)
        for left in (-0.5, -0.12, 0.26, 0.6):
            ship.box(
                left, -rnd.uniform(0.2, 0.5), left + 0.34, -0.06, _vary(rnd, rnd.choice(_PAINT), 20)
            )


def _frog(draw, rnd: random.Random, scene: dict) -> None:
    skins = [
        (88, 150, 58),
        (120, 168, 66),
        (70, 112, 60),
        (128, 106, 66),
        (108, 96, 70),
        (200, 90, 50),
    ]
    skin = _vary(rnd, rnd.choice(skins), 22)
    dark = _shade(skin, 0.72)
    x, y, size = rnd.uniform(0.4, 0.6), rnd.uniform(0.54, 0.68), rnd.uniform(0.24, 0.38)
    frog = _Brush(draw, rnd, x, y, size, rnd.uniform(-0.25, 0.25))
    if rnd.random() < 0.4:
        frog.oval(0, 0.55, 1.3, 0.3, _vary(rnd, (80, 136, 70), 20))
    for side in (-1, 1):
        frog.oval(side * 0.78, 0.28, 0.4, 0.22, dark, side * 0.5)
        frog.stroke([(side * 0.45, 0.3), (side * 0.62, 0.7), (side * 0.92, 0.74)], 0.13, dark)
    frog.oval(0, 0.12, 0.74, 0.5, skin)
    frog.oval(0, 0.34, 0.5, 0.26, _shade(skin, 1.3))
    for side in (-1, 1):
        frog.oval(side * 0.4, -0.38, 0.22, 0.22, skin)
        if rnd.random() < 0.9:
            frog.oval(side * 0.42, -0.4, 0.13, 0.13, (226, 208, 90))
            frog.oval(side * 0.42, -0.4, 0.06, 0.11, _DARK)
    frog.stroke([(-0.42, 0.0), (0, 0.1), (0.42, 0.0)], 0.05, _shade(skin, 0.5))
    for _ in range(rnd.randint(0, 4)):
        frog.oval(rnd.uniform(-0.5, 0.5), rnd.uniform(-0.1, 0.3), 0.09, 0.08, dark)


_PAINTERS: tuple[Callable, ...] = (
    _airplane,
    _automobile,
    _bird,
    _cat,
    _deer,
    _dog,
    _frog,
    _horse,
    _ship,
    _truck,
)
