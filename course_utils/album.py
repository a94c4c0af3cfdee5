"""Know pictures again by their pixels, however they are shown."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import numpy as np

EDGE = 32
_MOST_PIXELS = 4_000_000  # larger pictures are not searched
_SUSPECTS = 200  # known pictures that are compared in full with an altered one
_PROBE = 8  # pixels of a picture's first row by which it is looked up in a larger one


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
