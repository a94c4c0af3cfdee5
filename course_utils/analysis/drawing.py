"""What all figures of the analysis have in common: their look, their words, how they are shown."""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import FuncFormatter, MaxNLocator

from course_utils.analysis import inputs
from course_utils.card import percent as card_percent

BLUE, ORANGE, GRAY, INK, SOFT = "#0067a5", "#d55e00", "#8a94a0", "#14213d", "#46536b"
PALE_BLUE, PALE_ORANGE, PALE_GRAY = "#9cc7e4", "#f7c08f", "#e4e7eb"
MOST = 15  # classes or pairs in one figure
WIDTH = 5.0  # inches: readable on a phone, on a screen and on paper
_STYLE = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "hatch.linewidth": 0.8,
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.07,
    "text.parse_math": False,  # a class name may hold dollar signs
}
BLUES = LinearSegmentedColormap.from_list("right", ["#ffffff", PALE_BLUE, BLUE, "#003a5e"])
ORANGES = LinearSegmentedColormap.from_list("wrong", ["#ffffff", PALE_ORANGE, ORANGE, "#8a3700"])
# For ten classes: colors that color-blind people can tell apart (Okabe and Ito 2008), and marks.
TEN = ["#0072b2", "#e69f00", "#56b4e9", "#d55e00", "#000000",
        "#009e73", "#cc79a7", "#8a94a0", "#b8a000", "#5b3a8c"]  # fmt: skip
MARKS = "os^vDP*Xph"

_offscreen: ContextVar[bool] = ContextVar("offscreen", default=False)


class Plot(Figure):
    """A matplotlib figure with a description in words in ``alt``."""

    alt: str = ""

    def __repr__(self) -> str:
        return f"<figure: {self.alt}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict, dict]:
        """Add the words to the picture that the notebook makes of any figure.

        It is about to be shown, so the notebook must not show it again when the cell ends.
        """
        if "inline" in mpl.get_backend().lower():
            import matplotlib.pyplot as plt

            plt.close(self)
        return {}, {"image/png": {"alt": self.alt}}


def alt(figure: Figure) -> str:
    """Return what is to be seen on a figure, in words; empty if nobody wrote it."""
    return getattr(figure, "alt", "")


@contextmanager
def offscreen() -> Iterator[None]:
    """Draw figures that no notebook shows, for a file."""
    token = _offscreen.set(True)
    try:
        yield
    finally:
        _offscreen.reset(token)


def png(figure: Figure, dpi: int = 144) -> bytes:
    """Return a figure as the content of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, metadata={"Description": alt(figure)})
    return file.getvalue()


def styled(draw: Callable[..., Plot]) -> Callable[..., Plot]:
    """Draw with the same fonts and colors wherever it happens.

    ``rc_context`` would also undo what a notebook sets when the first figure is made.
    """

    @functools.wraps(draw)
    def within(*args: Any, **kwargs: Any) -> Plot:
        before = {key: mpl.rcParams[key] for key in _STYLE}
        mpl.rcParams.update(_STYLE)
        try:
            return draw(*args, **kwargs)
        finally:
            mpl.rcParams.update(before)

    return within


def new(height: float, words: str, width: float = WIDTH, layout: str | None = "constrained"):
    if _offscreen.get():
        figure = Plot(figsize=(width, height), layout=layout)
        FigureCanvasAgg(figure)
    else:
        import matplotlib.pyplot as plt

        figure = plt.figure(FigureClass=Plot, figsize=(width, height), layout=layout)
    figure.alt = words
    return figure


# --- Words and names ---------------------------------------------------------------------


def short_names(class_names: Sequence[str] | None, classes: int) -> list[str]:
    """Return the names as a figure can write them: not too long, and only what its font has."""
    return [
        fit(name if _can_draw(name) else f"class {number}", 1.3)
        for number, name in enumerate(inputs.names(class_names, classes))
    ]


def fit(text: str, inches: float, size: float = 9) -> str:
    """Cut a text to a width on paper."""

    def width(words: str) -> float:
        _font().set_size(size, 72)
        _font().set_text(words)
        return _font().get_width_height()[0] / 64 / 72

    if width(text) <= inches:
        return text
    while text and width(f"{text}…") > inches:
        text = text[:-1]
    return f"{text.rstrip()}…"


@functools.cache
def _font() -> FT2Font:
    return FT2Font(findfont(FontProperties(_STYLE["font.family"])))


def _can_draw(name: str) -> bool:
    """Whether the figures' font has all signs of a name; it has no pictures such as a cat."""
    return bool(name.strip()) and all(ord(sign) in _font().get_charmap() for sign in name)


def percent(share: float) -> str:
    return card_percent(share) if np.isfinite(share) else "unknown"


def listed(words: Sequence[str]) -> str:
    """
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def some(total: int, shown: int, kind: str) -> str:
    """What to say if not all is shown."""
    return "" if shown >= total else f" Only {shown} of {total} {kind} are shown."


def as_percent(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}%"))


def thousands(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_major_locator(MaxNLocator(4, integer=True))


def title(figure: Plot, words: str) -> None:
    """A headline over the whole width: long names leave little above the axes."""
    figure.suptitle(words, x=0.02, ha="left", fontsize=10.5)


def instead(words: str) -> Plot:
    """A figure for what is not there."""
    figure = new(0.9, words)
    figure.text(0.5, 0.5, "\n".join(textwrap.wrap(words, 60)), ha="center", va="center")
    return figure


def rising(values: np.ndarray) -> np.ndarray:
    """The places of all values that are numbers, the lowest first, equal ones by place."""
    known = np.flatnonzero(np.isfinite(values))
    return known[np.argsort(values[known], kind="stable")]


def name_rows(axes: Any, names: Sequence[str]) -> None:
    """Write names beside horizontal bars, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
