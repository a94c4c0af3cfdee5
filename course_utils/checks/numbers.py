"""Reading one number, a yes or no, or a history, in whatever form a student gives it."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from course_utils.checks.values import as_array

CURVES = ("loss", "val_loss", "accuracy", "val_accuracy")


def curves_of(value: Any) -> dict[str, list[float]]:
    """Return the readable lists of a history by Keras's usual names; empty if there are none."""
    if not isinstance(value, dict):
        return {}
    curves = {}
    for key, entry in value.items():
        name = re.sub(r"(?:categorical_accuracy|accuracy|acc)$", "accuracy", str(key))
        array = as_array(entry)
        if name in CURVES and array is not None and array.ndim == 1 and array.size:
            numbers = np.where(np.isfinite(array), array, np.nan)
            curves[name] = [float(number) for number in numbers]
    shortest = min(map(len, curves.values()), default=0)
    return {name: values[:shortest] for name, values in curves.items()}


def as_number(value: Any) -> float | None:
    """Return a single finite number, also from text such as ``"0.53"``; None for anything else.

    >>> as_number("53 %"), as_number([0.5]), as_number(True)
    (53.0, 0.5, None)
    """
    if isinstance(value, str):
        match = re.fullmatch(r"([-+]?(?:\d+(?:\.\d+)?|\.\d+))(?:\s*%)?", value.strip())
        return float(match.group(1)) if match else None
    array = as_array(value)
    if array is None or array.size != 1 or array.dtype.kind == "b":
        return None
    number = float(array.ravel()[0])
    return number if math.isfinite(number) else None


def shares(value: Any) -> list[float]:
    """Return what a number may mean as a share: itself, or percent.

    >>> shares(53), shares(0.12), shares("5 %")
    ([53.0, 0.53], [0.12], [0.05])
    """
    number = as_number(value)
    if number is None:
        return []
    if isinstance(value, str) and "%" in value:
        return [number / 100]
    return [number, number / 100] if abs(number) > 0.2 else [number]


def says_yes(value: Any) -> bool | None:
    """Read a yes or a no: True, "yes", "It overfits", 1 and their opposites."""
    if isinstance(value, str):
        words = value.strip().lower()
        if re.search(r"\b(?:no|not|false|never)\b|n't", words):
            return False
        return True if re.search(r"\b(?:yes|true|overfit\w*)\b", words) else None
    array = as_array(value)
    if array is None or array.size != 1 or array.ravel()[0] not in (0, 1):
        return None
    return bool(array.ravel()[0])
