"""Evidence as text: how a kernel hands plain data to a grader that does not trust it.

The reader must survive whatever the writer sends: it runs no code of the sender's, makes
nothing but the types below, and stops at limits. So the text is JSON, never a pickle. What
JSON does not have is an object with one key, such as ``{"array": [...]}``.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from course_utils.evidence import Cell, Chart, Layer, Network, Shown, Table, Unreadable

MOST_TEXT = 20_000_000  # characters of one text
MOST_PARTS = 1_000_000  # of its lists and dicts; each takes many times its text in memory
MOST_BYTES = 50_000_000  # of all its arrays, unpacked
MOST_ARRAY = 8_000_000  # bytes of one array; all pictures of a stage are known by name
# Bytes of one of which only the beginning is sent: of pictures, since a check that takes them for
# numbers would make copies of it.
MOST_SHAPE = 1_000_000_000
# What a kernel sends at most, in characters of packed arrays: of large ones only a beginning
# then, which is enough to tell what they hold. A stage's checks are handed out one by one.
_ROOM, _FOR_WHOLE = 5_000_000, 4_000_000
_FIRST_ROWS, _BEGINNING = 100, 2_500_000  # rows, bytes
_DEPTH = 60
_KINDS = "biuf"
# What the fields of each kind must be; [kind] is a list of these. A float may also be an int.
_FIELDS: dict[type, dict[str, Any]] = {
    Table: {"columns": dict, "index": list},
    Layer: {"kind": str, "output_shape": tuple, "parameters": int, "settings": dict},
    Network: {"input_shape": tuple, "output_shape": tuple, "parameters": int, "layers": [Layer]},
    Unreadable: {"kind": str},
    Shown: {"index": int, "caption": str, "around": str},
    Chart: {"bars": [float], "lines": [[float]], "labels": [str], "words": str},
    Cell: {
        "key": str,
        "shown": [Shown],
        "unknown": int,
        "white": int,
        "covered": int,
        "text": str,
        "charts": [Chart],
    },
}
_RECORDS = {kind.__name__: kind for kind in _FIELDS}


class WireError(ValueError):
    """A text that is no evidence, or too large, with the reason."""


def write(value: Any, known: Mapping[str, np.ndarray] | None = None) -> str:
    """Return plain data as text.

    Parameters
    ----------
    value : object
        What ``evidence.plain`` returns, and lists and dicts of it.
    known : dict of str to ndarray, optional
        Arrays that the reader has as well. An equal one is sent by its name only.

    Returns
    -------
    str
        JSON. What is no plain data becomes an ``Unreadable`` of its type's name. Of an array that
        the reader does not have, and that is too large to be sent beside the smaller ones, the
        shape and the first rows are sent; it gets zeros for the others.
    """
    writer = _Writer(known or {})
    written = writer.write(value, _DEPTH)
    writer.fill_in()
    return json.dumps(written, separators=(",", ":"))


class _Writer:
    def __init__(self, known: Mapping[str, np.ndarray]):
        self._known = known
        self._arrays: list[tuple[dict, np.ndarray]] = []  # and the places where they belong
        self._room = _ROOM

    def write(self, value: Any, depth: int) -> Any:
        if depth == 0:
            return {"Unreadable": {"kind": "a list in a list in a list, and so on"}}
        if value is None or type(value) in (bool, float, str):
            return value
        if type(value) is int:
            small = value.bit_length() <= 4096  # longer ones are refused as text
            return value if small else {"Unreadable": {"kind": "very large number"}}
        if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
            place: dict = {}
            self._arrays.append((place, value))
            return place
        if isinstance(value, list):
            return [self.write(item, depth - 1) for item in value]
        if isinstance(value, tuple | set | frozenset):
            items = sorted(value, key=repr) if not isinstance(value, tuple) else value
            name = "tuple" if isinstance(value, tuple) else "set"
            return {name: [self.write(item, depth - 1) for item in items]}
        if isinstance(value, dict):
            pairs = [[self.write(k, 1), self.write(v, depth - 1)] for k, v in value.items()]
            return {"dict": pairs}
        name = type(value).__name__
        if _RECORDS.get(name) is type(value):
            fields = {key: self.write(item, depth - 1) for key, item in vars(value).items()}
            return {name: fields}
        return {"Unreadable": {"kind": name}}

    def fill_in(self) -> None:
        """Put the arrays in their places, small ones first: no large one takes their room."""
        for place, array in sorted(self._arrays, key=lambda one: one[1].nbytes):
            place.update(self._array(array))

    def _array(self, value: np.ndarray) -> dict:
        for name, other in self._known.items():
            if value is other or (
                (value.dtype, value.shape) == (other.dtype, other.shape)
                and np.array_equal(value, other)
            ):
                return {"known": name}
        if value.nbytes <= MOST_ARRAY and (whole := self._fitting(value, _ROOM - _FOR_WHOLE)):
            return {"array": whole}
        small = value.nbytes <= MOST_ARRAY
        if value.size and (small or (value.ndim >= 3 and value.nbytes <= MOST_SHAPE)):
            rows = min(_FIRST_ROWS, _BEGINNING // (value.nbytes // len(value)))
            if rows and (first := self._fitting(value[:rows], 0)):
                return {"begins": [list(value.shape), first]}
        return {"Unreadable": {"kind": "very large array"}}

    def _fitting(self, value: np.ndarray, kept_free: int) -> list | None:
        """An array as text, if that leaves so much room."""
        little = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False)
        packed = base64.b64encode(zlib.compress(little.tobytes(), 1)).decode()
        if self._room - len(packed) < kept_free:
            return None
        self._room -= len(packed)
        return [little.dtype.str, list(value.shape), packed]


def read(text: str, known: Mapping[str, np.ndarray] | None = None) -> Any:
    """Return what :func:`write` was given.

    Parameters
    ----------
    text : str
        From anybody.
    known : dict of str to ndarray, optional
        The reader's own arrays for the names in the text.

    Raises
    ------
    WireError
        If the text is no such data or larger than the limits of this module.
    """
    if len(text) > MOST_TEXT:
        raise WireError(f"the evidence is too large ({len(text) // 1_000_000} million characters)")
    if sum(map(text.count, ",[{")) > MOST_PARTS:
        raise WireError("the evidence has too many parts")
    try:
        return _Reader(known or {}).read(json.loads(text), _DEPTH + 2)
    except (ValueError, TypeError, KeyError, RecursionError, zlib.error, binascii.Error) as error:
        if isinstance(error, WireError):
            raise
        raise WireError(f"the evidence cannot be read ({type(error).__name__})") from error


class _Reader:
    def __init__(self, known: Mapping[str, np.ndarray]):
        self._known = known
        self._room = MOST_BYTES

    def read(self, value: Any, depth: int) -> Any:
        if depth == 0:
            raise WireError("the evidence is nested too deeply")
        if isinstance(value, list):
            return [self.read(item, depth - 1) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1:
            raise WireError("the evidence holds an object of no known kind")
        [(kind, content)] = value.items()
        if kind == "known":
            return self._known[content]
        if kind == "array":
            return self._array(*content)
        if kind == "begins":
            return self._beginning(*content)
        if kind in ("tuple", "set"):
            return {"tuple": tuple, "set": set}[kind](self.read(list(content), depth - 1))
        if kind == "dict":
            return {self.read(k, depth - 1): self.read(v, depth - 1) for k, v in content}
        record = _RECORDS[kind]
        fields = {str(key): self.read(item, depth - 1) for key, item in dict(content).items()}
        if any(not _is(fields[name], form) for name, form in _FIELDS[record].items()):
            raise WireError(f"a {kind} in the evidence is none")
        return record(**fields)

    def _beginning(self, shape: list[int], first: list) -> np.ndarray:
        first = self._array(*first)
        shaped = all(type(n) is int and n >= 0 for n in shape) and len(shape) == first.ndim > 0
        if not shaped or tuple(shape[1:]) != first.shape[1:] or shape[0] < len(first):
            raise WireError("the evidence holds an array that does not begin as it says")
        size = math.prod(shape) * first.itemsize
        if size > (MOST_SHAPE if len(shape) >= 3 else MOST_ARRAY):
            raise WireError("an array in the evidence is too large")
        whole = np.zeros(shape, first.dtype)  # which takes no memory before something is in it
        whole[: len(first)] = first
        return whole

    def _array(self, form: str, shape: list[int], packed: str) -> np.ndarray:
        dtype = np.dtype(str(form))
        if dtype.kind not in _KINDS or any(type(n) is not int or n < 0 for n in shape):
            raise WireError("the evidence holds an array of no known kind")
        size = math.prod(shape) * dtype.itemsize
        if size > MOST_ARRAY:
            raise WireError("an array in the evidence is too large")
        self._room -= size
        if self._room < 0:
            raise WireError("the arrays in the evidence are too large")
        data = zlib.decompressobj().decompress(base64.b64decode(packed), size + 1)
        if len(data) != size:
            raise WireError("an array in the evidence has another size than it says")
        if dtype.kind == "b":  # any other byte than 0 and 1 would count as more than one True
            return (np.frombuffer(data, np.uint8) != 0).reshape(shape)
        return np.frombuffer(data, dtype).reshape(shape)


def _is(value: Any, form: Any) -> bool:
    """Whether a value has the form that ``_FIELDS`` asks for."""
    if isinstance(form, list):
        return isinstance(value, list) and all(_is(item, form[0]) for item in value)
    return type(value) in ((int, float) if form is float else (form,))
