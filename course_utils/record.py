"""A small text that carries a student's work inside the notebook.

Teachers often receive nothing but the ``.ipynb``. So a check cell leaves what grading needs
(the model's answers, the history of its training) in the notebook's output, and grading puts
it back. The same text holds the answers of the course's own checkpoints.

A model's answers for 10,000 pictures are 400 kB as numbers. Kept here are the predicted class
and its confidence with 16 bits, and the other scores with a few bits of their logarithm; that
is well under 100 kB, and keeps every predicted class exactly.
"""

from __future__ import annotations

import base64
import hashlib
import json
import lzma
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

VERSION = 1
MOST = 150_000  # characters that the records of one notebook may take
_STEPS = (8, 4, 2, 1, 0)  # of a score's halving; the finest that fits is used
_SURE = 0.9995  # from here on a confidence is what the other scores leave over
_FLOOR = 20  # halvings; smaller scores count as this small
# Characters that HTML could misread, in the alphabet of base 85, and others in their place.
_TO_TEXT = str.maketrans("<>&-", "[],:")
_FROM_TEXT = str.maketrans("[],:", "<>&-")
_WHOLE = re.compile(r"course-record:\S+")  # up to the next space, in one go
_IN_TEXT = re.compile(r"course-record:(\d+):([0-9a-f]{16}):(\S+):end(?=\s|$)")


class RecordError(ValueError):
    """A record that is damaged or contradicts itself, with the reason."""


def write(items: dict[str, Any]) -> str:
    """Return a text that :func:`read` turns back into the same items.

    Parameters
    ----------
    items : dict
        Plain JSON data; arrays of shape (n, k) with probabilities are made small.

    Returns
    -------
    str
        One word without spaces, safe inside HTML.
    """
    for steps in _STEPS:
        text = _write(items, steps)
        if len(text) <= MOST:
            break
    return text


def _write(items: dict[str, Any], steps: int) -> str:
    plain, packed = {}, []
    for name, value in items.items():
        if isinstance(value, np.ndarray):
            packed.append(shrink(value, steps))
            plain[name] = {"rows": len(value), "columns": value.shape[1], "steps": steps}
        else:
            plain[name] = {"value": value}
    head = json.dumps(plain).encode()
    data = lzma.compress(len(head).to_bytes(4, "big") + head + b"".join(packed), preset=6)
    text = base64.b85encode(data).decode().translate(_TO_TEXT)
    return f"course-record:{VERSION}:{_digest(text)}:{text}:end"


def read(text: str) -> dict[str, Any]:
    """Return the items of all records in a text; a later record replaces items of an earlier.

    Raises
    ------
    RecordError
        If a record is damaged, or was written by a newer version of the course.
    """
    items: dict[str, Any] = {}
    for version, digest, body in _IN_TEXT.findall(text):
        if int(version) > VERSION:
            raise RecordError("it was written by a newer version of the course")
        if _digest(body) != digest:
            raise RecordError("its content does not match its own fingerprint")
        try:
            items |= _unpack(base64.b85decode(body.translate(_FROM_TEXT)))
        except (ValueError, KeyError, TypeError, lzma.LZMAError) as error:
            raise RecordError(f"it cannot be read ({error})") from error
    return items


def find(notebook: Mapping[str, Any]) -> str:
    """Return all records in a notebook's outputs, one in a line; empty if there is none.

    Parameters
    ----------
    notebook : mapping
        As nbformat reads it. Of several records for the same thing the last one counts.
    """
    pages = [
        "".join(output.get("data", {}).get("text/html", ""))
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
    ]
    return "\n".join(text for text in _WHOLE.findall("\n".join(pages)) if text.endswith(":end"))


def _unpack(data: bytes) -> dict[str, Any]:
    # A record is at most MOST characters; a small text must not unfold into gigabytes.
    data = lzma.LZMADecompressor().decompress(data, max_length=50 * MOST)
    size = int.from_bytes(data[:4], "big")
    plain, place = json.loads(data[4 : 4 + size]), 4 + size
    items = {}
    for name, entry in plain.items():
        if "value" in entry:
            items[name] = entry["value"]
            continue
        rows, columns = entry["rows"], entry["columns"]
        end = place + rows * (3 + columns)
        items[name] = grow(data[place:end], rows, columns, entry["steps"])
        place = end
    return items


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shrink(probabilities: np.ndarray, steps: int = 8) -> bytes:
    """Return a model's answers as few bytes.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k), float
        k is at most 256.
    steps : int, default=8
        How finely a score is kept: codes for each halving. With 0, the scores that are not the
        largest are not kept, and share alike what it leaves over.

    Returns
    -------
    bytes
        n predicted classes, n confidences with 16 bits, then the codes of all other scores,
        class by class.

    Raises
    ------
    ValueError
        If the rows do not hold probabilities.
    """
    scores = np.asarray(probabilities, np.float64)
    if scores.ndim != 2 or not len(scores) or not np.isfinite(scores).all():
        raise ValueError("The scores must be a table of numbers, one row for each picture.")
    if (scores < -1e-6).any() or np.abs(scores.sum(axis=1) - 1).max() > 0.01:
        raise ValueError("Each row of scores must be positive and sum to one.")
    best = scores.argmax(axis=1)
    confidence = np.rint(scores.max(axis=1).clip(0, 1) * 65535).astype("<u2")
    with np.errstate(divide="ignore"):
        halvings = -np.log2(scores.clip(2.0**-_FLOOR, 1))
    codes = np.rint(halvings * steps).astype(np.uint8)
    codes[np.arange(len(codes)), best] = 0
    return best.astype(np.uint8).tobytes() + confidence.tobytes() + codes.T.tobytes()


def grow(data: bytes, rows: int, columns: int, steps: int = 8) -> np.ndarray:
    """Return the answers that :func:`shrink` made small.

    Returns
    -------
    ndarray of shape (rows, columns), float64
        Rows sum to one. The largest score of each row is the same class as before, and right
        to about three decimals; the others are right to about 5 % of themselves with 8 steps.

    Raises
    ------
    RecordError
        If the bytes cannot be such answers.
    """
    if len(data) != rows * (3 + columns) or rows < 1 or columns < 2:
        raise RecordError("it does not hold as many answers as it says")
    best = np.frombuffer(data[:rows], np.uint8)
    confidence = np.frombuffer(data[rows : 3 * rows], "<u2") / 65535
    codes = np.frombuffer(data[3 * rows :], np.uint8).reshape(columns, rows).T
    if best.max() >= columns or confidence.min() < 1 / columns - 0.001:
        raise RecordError("its confidences are impossible")
    place = np.arange(rows), best
    others = 2.0 ** (codes / -max(steps, 1))
    others[place] = 0
    unsure = confidence < _SURE
    left = 1 - confidence[unsure]
    for _ in range(10):  # none may overtake the largest; what is cut off goes to the rest
        part = others[unsure]
        part *= (left / part.sum(axis=1))[:, None]
        others[unsure] = np.minimum(part, confidence[unsure, None] * (1 - 1e-6))
    room = (1 - confidence[~unsure] + 1 / 65535) / others[~unsure].sum(axis=1)
    others[~unsure] *= np.minimum(1, room)[:, None]
    others[place] = 1 - others.sum(axis=1)
    return others
