"""Training pictures that are a little different every time: flips, crops and CutMix.

Pure functions over arrays; pixels stay uint8. ``batches`` feeds them to ``model.fit``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_utils.models import import_keras

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _pile(pictures: np.ndarray) -> np.ndarray:
    """Refuse one picture alone: its colors would be taken for pictures."""
    pictures = np.asarray(pictures)
    if pictures.ndim != 4:
        raise ValueError(
            f"This needs a pile of pictures, with a shape such as (1, 32, 32, 3). Yours has the "
            f"shape {pictures.shape}. photo[None] makes a pile of one photo."
        )
    return pictures


def flip(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mirror each picture left to right with probability one half.

    Parameters
    ----------
    pictures : ndarray of shape (n, h, w, 3), uint8
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n, h, w, 3), uint8
        A new array; the label of a mirrored picture stays the same.
    """
    pictures = _pile(pictures)
    chosen = rng.random(len(pictures)) < 0.5
    return np.where(chosen[:, None, None, None], pictures[:, :, ::-1], pictures)


def crop(pictures: np.ndarray, rng: np.random.Generator, margin: int = 4) -> np.ndarray:
    """Move each picture by up to ``margin`` pixels each way; the gap becomes its mirror image.

    The same as a random crop of the original size from the picture with a margin around it
    (as used for CIFAR-10 since He et al. 2016, arXiv:1512.03385, section 4.2, there with a
    black margin).

    Parameters
    ----------
    pictures : ndarray of shape (n, h, w, 3), uint8
    rng : numpy.random.Generator
    margin : int, default=4
        In pixels.

    Returns
    -------
    ndarray of shape (n, h, w, 3), uint8
    """
    pictures = _pile(pictures)
    count, height, width = pictures.shape[:3]
    edges = ((0, 0), (margin, margin), (margin, margin), (0, 0))
    wide = np.pad(pictures, edges, mode="reflect")
    top, left = rng.integers(0, 2 * margin + 1, (2, count, 1))
    rows = (top + np.arange(height))[:, :, None]
    columns = (left + np.arange(width))[:, None, :]
    return wide[np.arange(count)[:, None, None], rows, columns]


def cutmix(
    pictures: np.ndarray, labels: np.ndarray, rng: np.random.Generator, probability: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Paste a box of another picture of the batch into each picture, and mix the labels alike.

    CutMix (Yun et al. 2019, arXiv:1905.04899): the share of the original is drawn from
    Beta(1, 1), which is any share from 0 to 1 with equal chance; one box for the whole batch;
    then the share is corrected to the pixels that are really left, since a box at the border is
    cut off.

    Parameters
    ----------
    pictures : ndarray of shape (n, h, w, 3), uint8
    labels : ndarray of shape (n, k), float
        One-hot, or any rows that sum to one.
    rng : numpy.random.Generator
    probability : float, default=0.5
        The chance that a batch is mixed at all.

    Returns
    -------
    pictures : ndarray of shape (n, h, w, 3), uint8
    labels : ndarray of shape (n, k), float32
        ``share * own label + (1 - share) * the other's``; rows sum to one.
    """
    pictures, labels = _pile(pictures), np.asarray(labels, np.float32)
    if rng.random() >= probability:
        return pictures, labels
    height, width = pictures.shape[1:3]
    side = np.sqrt(1 - rng.beta(1, 1))
    box_height, box_width = int(height * side), int(width * side)
    middle_row, middle_column = rng.integers(height), rng.integers(width)
    top, bottom = np.clip([middle_row - box_height // 2, middle_row + box_height // 2], 0, height)
    left, right = np.clip(
        [middle_column - box_width // 2, middle_column + box_width // 2], 0, width
    )
    partner = rng.permutation(len(pictures))
    mixed = pictures.copy()
    mixed[:, top:bottom, left:right] = pictures[partner, top:bottom, left:right]
    share = np.float32(1 - (bottom - top) * (right - left) / (height * width))
    return mixed, share * labels + (1 - share) * labels[partner]


def batches(
    pictures: np.ndarray,
    labels: np.ndarray,
    changes: Sequence[Change] = (),
    mix: Callable | None = None,
    batch_size: int = 128,
    seed: int = 42,
) -> Any:
    """Return training batches that are shuffled, and changed, anew in every epoch.

    They are cut out of the pictures one by one; ``fit(x, y)`` would first copy all of them.

    Parameters
    ----------
    pictures : ndarray of shape (n, h, w, 3), uint8
    labels : ndarray of shape (n,) or (n, k)
    changes : sequence of functions, default=()
        Each takes ``(pictures, rng)``, such as :func:`flip` and :func:`crop`.
    mix : function, optional
        :func:`cutmix`; needs one-hot labels.
    batch_size : int, default=128
    seed : int, default=42

    Returns
    -------
    keras.utils.PyDataset
        For ``model.fit(batches(...))``.
    """

    class Batches(import_keras().utils.PyDataset):
        def __init__(self):
            super().__init__()
            self._rng = np.random.default_rng(seed)
            self._order = self._rng.permutation(len(pictures))

        def __len__(self):
            return math.ceil(len(pictures) / batch_size)

        def __getitem__(self, place):
            chosen = self._order[place * batch_size : (place + 1) * batch_size]
            x, y = pictures[chosen], labels[chosen]
            for change in changes:
                x = change(x, self._rng)
            return mix(x, y, self._rng) if mix else (x, y)

        def on_epoch_end(self):
            self._order = self._rng.permutation(len(pictures))

    return Batches()
