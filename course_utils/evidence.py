"""What a student's notebook showed, as plain data.

The recorder (``course_utils.recorder``) fills an :class:`Evidence` while a notebook runs;
the checks (``course_utils.checks``) judge it. Nothing here draws, displays or judges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, KeysView, ValuesView
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course_utils.album import is_washed_out
from course_utils.markup import SMALLEST

if TYPE_CHECKING:
    from course_utils.album import Album
    from course_utils.displays import Display

_MOST_TEXT = 200_000  # characters kept of what one cell prints


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
        if not found and image.ndim == 3 and min(image.shape[:2]) >= SMALLEST:
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
