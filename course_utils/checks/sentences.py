"""Small pieces of the sentences that checks say."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


def join(words: Iterable[str]) -> str:
    """Words as a list in a sentence.

    >>> join(["cat", "dog", "deer"])
    'cat, dog and deer'
    """
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def join_some(words: list[str], most: int = 4) -> str:
    """The first few of some words, with a note if there are more."""
    return join([*words[:most], "more"] if len(words) > most else words)


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun, or with what stands in its place for more than one.

    >>> counted(2, "picture"), counted(1, "value is", "values are")
    ('2 pictures', '1 value is')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def quoted(value: Any) -> str:
    """A student's value in quotes, cut short."""
    return repr(value if isinstance(value, str) else str(value))[:60]


_OTHER_WORDS = {"car": "automobile", "plane": "airplane", "boat": "ship", "lorry": "truck"}


def did_you_mean(value: object, names: Iterable[str]) -> str:
    """Return a question with the class name that a text comes near to, or nothing.

    >>> did_you_mean("Car", ["automobile", "truck"])
    " Did you mean 'automobile'?"
    """
    word = value.strip().lower() if isinstance(value, str) else ""
    near = _OTHER_WORDS.get(word) or next(iter(difflib.get_close_matches(word, list(names), 1)), "")
    return f" Did you mean '{near}'?" if near else ""
