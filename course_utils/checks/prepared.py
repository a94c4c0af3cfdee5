"""What a student's functions made of the trial photos of Stage 9: Steps 1 and 2."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageOps

from course_utils.checks.result import Result
from course_utils.checks.sentences import counted
from course_utils.checks.trials import (
    GRAYS,
    HIDDEN,
    HIDDEN_GRAY,
    INSIDE,
    NEAR,
    TURNS,
    draw_photo,
    plain_cases,
)
from course_utils.checks.values import as_array
from course_utils.evidence import Evidence, Reference, Unreadable

_ROUNDABOUT = "Nearly there. Use the hints of this step."
_FORMS = {  # what else a picture can come as: what is wrong, what to do
    "fraction": (
        "the numbers go from 0 to 1. I expected 0 to 255.",
        "Leave the pixels as they are: the model divides by 255 itself.",
    ),
    "pile": (
        "the shape is (1, 32, 32, 3). I expected one picture, (32, 32, 3).",
        "Take [None] away here. It comes in Step 3.",
    ),
    "alpha": (
        "the shape is (32, 32, 4). I expected 3 colors: red, green and blue.",
        'Use .convert("RGB") before you make it small.',
    ),
    "gray": (
        "the shape is (32, 32): the 3 colors are missing. I expected (32, 32, 3).",
        'Use .convert("RGB") before you make it small.',
    ),
    "image": (
        "it is still an image of the library PIL. I expected an array of numbers.",
        "Put np.array(...) around it.",
    ),
}
_VIEWS = {  # how a photo can become small, the right way first: what is wrong, what to do
    "right": ("", ""),
    "stretched": (
        "The whole photo was squeezed into the square. Round things get thin.",
        "Crop the middle square first. Then resize it.",
    ),
    "beginning": (
        "The square comes from the left or top edge. I expected the middle.",
        "Begin at left = (width - edge) // 2, and at top in the same way.",
    ),
    "end": (
        "The square comes from the right or bottom edge. I expected the middle.",
        "Begin at left = (width - edge) // 2, and at top in the same way.",
    ),
    "padded": (
        "The whole photo is there, with bars at two sides. I expected the middle square.",
        "Cut off what is beyond the square: photo.crop(...).",
    ),
    "swapped": (
        "Red and blue have changed places (BGR in place of RGB).",
        "Use PIL from beginning to end. It keeps the order red, green, blue.",
    ),
    "transposed": (
        "Rows and columns have changed places: the picture lies on its side.",
        "Turn nothing in this step, and keep the order of np.array(...).",
    ),
    "mirrored": ("The picture is mirrored.", "Take the flip away."),
}


def _views(image: Image.Image) -> dict[str, np.ndarray]:
    """An upright RGB image made small in all these ways."""
    (width, height), edge = image.size, min(image.size)
    small = {
        "right": ImageOps.fit(image, (32, 32)),
        "stretched": image.resize((32, 32)),
        "beginning": image.crop((0, 0, edge, edge)).resize((32, 32)),
        "end": image.crop((width - edge, height - edge, width, height)).resize((32, 32)),
        "padded": ImageOps.pad(image, (32, 32)),
    }
    views = {name: np.asarray(picture, float) for name, picture in small.items()}
    right = views["right"]
    views |= {"swapped": right[..., ::-1], "transposed": right.transpose(1, 0, 2)}
    return views | {"mirrored": right[:, ::-1]}


def _gap(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one[INSIDE] - other[INSIDE]).mean())


def _picture(value: Any) -> tuple[np.ndarray | None, str]:
    """What a function returned, as (32, 32, 3) from 0 to 255, and how its form differs."""
    if isinstance(value, Unreadable) and ":" not in value.kind:
        return None, "image" if "Image" in value.kind else "other"
    array = as_array(value)
    if array is None or array.dtype.kind == "b" or not np.isfinite(array).all():
        return None, "other"
    array, form = array.astype(float), ""
    if array.shape == (32, 32):
        return None, "gray"
    if array.shape == (1, 32, 32, 3):
        array, form = array[0], "pile"
    if array.shape == (32, 32, 4):
        array, form = array[..., :3], "alpha"
    if array.shape != (32, 32, 3):
        return None, "other"
    if 0 < array.max() <= 1:
        return array * 255, "fraction"
    return array, form


def _view(tried: dict[str, Any]) -> tuple[str, str, list[str]]:
    """How plain photos became small: the view, the form, and which of them fit no view."""
    gaps, form, lost = dict.fromkeys(_VIEWS, 0.0), "", []
    for case, image in plain_cases().items():
        picture, found = _picture(tried.get(case))
        form = form or found
        views = _views(image)
        near = [n for n in views if picture is not None and _gap(picture, views[n]) < NEAR]
        for name in set(_VIEWS) - set(near):
            gaps[name] += 1
        if "right" not in near:
            lost.append(case)
    view = min(_VIEWS, key=lambda name: gaps[name])  # the first, if several fit
    return (view if gaps[view] == 0 else ""), form, lost


_USE = "I expected it to use photo, the name in its brackets."


def _same(tried: dict[str, Any], one: str, other: str) -> bool:
    pictures = [_picture(tried.get(case))[0] for case in (one, other)]
    return pictures[0] is not None and np.array_equal(*pictures)


def not_tried(tried: Any, name: str) -> Result | None:
    """What to say if there is nothing to judge yet."""
    todo = f"Keep the line def {name}(...): and replace the ... below it. Then run the cell again."
    if tried is None or (isinstance(tried, dict) and all(v is None for v in tried.values())):
        return Result(0, f"Still to do: {name}. It gives nothing back yet.", todo)
    if not isinstance(tried, dict):
        return Result(0, f"{name} is not a function any more. I expected one.", todo)
    errors = [v.kind for v in tried.values() if isinstance(v, Unreadable) and ":" in v.kind]
    if len(errors) == len(tried):
        return Result(
            0,
            f"{name} stops with an error: {errors[0][:120]}",
            "Is a ... or a ____ left in it, or is a name misspelled? Run all cells above, too.",
        )
    return None


def shrink_photo(evidence: Evidence, reference: Reference) -> Result:
    """A function that makes any RGB photo 32 by 32, from its middle square."""
    tried = evidence.values.get("shrink")
    if stop := not_tried(tried, "shrink"):
        return stop
    view, form, lost = _view(tried)
    if view == "right" and not form:
        return Result(2, "shrink cuts out the middle square and makes it 32 by 32.")
    if form in _FORMS:
        wrong, todo = _FORMS[form]
        return Result(int(view == "right"), f"I tried shrink on two photos: {wrong}", todo)
    if view and not form:
        return Result(1, f"I tried shrink on two photos. {_VIEWS[view][0]}", _VIEWS[view][1])
    if _same(tried, "wide", "tall"):
        return Result(0, f"shrink gives the same picture for every photo. {_USE}", _ROUNDABOUT)
    if len(lost) == 1:
        right = "tall" if lost == ["wide"] else "wide"
        return Result(
            1,
            f"shrink is right for a {right} photo, but not for a {lost[0]} one.",
            "edge = min(photo.size) is the shorter edge. Use it for both photos.",
        )
    value = as_array(tried.get("wide"))
    shape = "no picture" if value is None else f"an array of shape {value.shape}"
    if value is not None and value.shape == (32, 32, 3):
        return Result(
            0, "The picture is small, but it does not show the middle square.", _ROUNDABOUT
        )
    return Result(
        0,
        f"shrink gives {shape}. I expected an array of shape (32, 32, 3).",
        "Crop, then .resize((32, 32)), then np.array(...). Hand it back with return.",
    )


def prepare_any(evidence: Evidence, reference: Reference) -> Result:
    """A function that also turns photos upright and gives all of them three colors."""
    tried = evidence.values.get("prepare")
    if stop := not_tried(tried, "prepare"):
        return stop
    view, form, _ = _view(tried)
    if _same(tried, "wide", "RGBA"):
        return Result(0, f"prepare gives the same picture for every photo. {_USE}", _ROUNDABOUT)
    if form not in ("", *_FORMS) or form == "image" or not view:
        wrong, todo = _FORMS.get(form, ("it does not show the middle square.", _ROUNDABOUT))
        return Result(
            0, f"I tried prepare on a plain photo: {wrong}", f"{todo} shrink can do that part."
        )
    faults = [
        fault
        for fault in (_turning(tried, view), _graying(tried, view), _clearing(tried, view))
        if fault
    ]
    points = 3 - len(faults)
    if form or view != "right":
        faults.insert(0, _FORMS.get(form) or _VIEWS[view])
        points = min(points, 2)
    if not faults:
        return Result(
            3, "prepare turns photos upright, and gives gray and see-through ones 3 colors."
        )
    saw, todo = faults[0]
    saw = saw[0].upper() + saw[1:]
    more = f" ({counted(len(faults) - 1, 'more thing')} after that.)" if len(faults) > 1 else ""
    return Result(points, f"{saw}{more}", todo)


def _came_out(tried: dict[str, Any], case: str | int) -> str:
    value = tried.get(f"turned {case}" if isinstance(case, int) else case)
    if isinstance(value, Unreadable) and ":" in value.kind:
        return f"it stops with an error: {value.kind[:90]}"
    return "it came out wrong."


def _turning(tried: dict[str, Any], view: str) -> tuple[str, str] | None:
    upright = _views(draw_photo(120, 200))[view]
    for number in TURNS:
        picture, _ = _picture(tried.get(f"turned {number}"))
        if picture is None or _gap(picture, upright) >= NEAR:
            stored = _views(draw_photo(120, 200).transpose(TURNS[number]))[view]
            if picture is not None and _gap(picture, stored) < NEAR:
                how = "upside down" if number == 3 else "on its side"
                return (
                    f"A photo from a telephone still lies {how}.",
                    "Turn it first: ImageOps.exif_transpose(...) reads how the camera was held.",
                )
            return (
                f"I tried a photo with the EXIF note {number}: {_came_out(tried, number)}",
                "Use ImageOps.exif_transpose(...) once, before everything else.",
            )
    return None


def _graying(tried: dict[str, Any], view: str) -> tuple[str, str] | None:
    gray = _views(draw_photo(200, 120, GRAYS, 20).convert("RGB"))[view]
    for case, expected in (("gray", gray), ("palette", _views(draw_photo(200, 120))[view])):
        picture, form = _picture(tried.get(case))
        if picture is None or _gap(picture, expected) >= NEAR:
            kind = "gray photo (mode L)" if case == "gray" else "photo of mode P"
            wrong = _FORMS[form][0] if form in _FORMS else _came_out(tried, case)
            return f"I tried a {kind}: {wrong}", 'End with .convert("RGB"), then shrink.'
    return None


def _clearing(tried: dict[str, Any], view: str) -> tuple[str, str] | None:
    """Any plain background will do; what was hidden must not show."""
    todo = (
        "Lay it on white paper: a new white RGBA image of the same size, then "
        'Image.alpha_composite(paper, photo). Then .convert("RGB").'
    )
    color = _views(draw_photo(200, 120))[view]
    gray = _views(draw_photo(200, 120, GRAYS, 20).convert("RGB"))[view]
    black, white = (0, 0, 0), (255, 255, 255)
    hole = _views(draw_photo(200, 120, (black, black, black, white), black))[view]
    for case, expected, hidden in (
        ("RGBA", color, HIDDEN),
        ("P", color, HIDDEN),
        ("LA", gray, (HIDDEN_GRAY,) * 3),
    ):
        picture, _ = _picture(tried.get(case))
        if picture is None:
            wrong = _came_out(tried, case)
            return f"I tried a photo with a see-through part (mode {case}): {wrong}", todo
        clear = picture[hole.min(axis=2) > 250].mean(axis=0)
        if np.abs(clear - hidden).max() < 20:
            return f"A see-through part (mode {case}) shows the color that was hidden there.", todo
        rest = np.where(hole > 5, expected, picture)
        if np.ptp(clear) > 30 or _gap(rest, expected) >= NEAR:
            return f"I tried a photo with a see-through part (mode {case}): wrong colors.", todo
    return None
