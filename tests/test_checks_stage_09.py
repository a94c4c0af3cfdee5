"""The checks of Stage 9 as pure functions, on answers as students write them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image, ImageOps

from course_utils.checks import deeper_09, stage_09
from course_utils.checks.stage_09 import CHECKS, PROBES
from course_utils.evidence import (
    Cell,
    Chart,
    Evidence,
    Network,
    Reference,
    Table,
    Unreadable,
    plain,
)
from course_utils.practice import CLASS_NAMES
from course_utils.recorder import _try_out
from tests.anything import ANYTHING

REFERENCE = Reference(
    np.zeros((0, 10)), np.zeros(0, int), CLASS_NAMES, work={"saved": {"photos", "threshold"}}
)


def judge(name, cells=(), reference=REFERENCE, **values):
    """The result of a check; functions are tried out as the recorder does."""
    known = {
        key: _try_out(value, PROBES[key]()) if callable(value) else plain(value)
        for key, value in values.items()
    }
    check = CHECKS[name]
    result = check.judge(Evidence(9, list(cells), known), reference)
    assert 0 <= result.points <= check.points
    assert (result.points == check.points) == (result.try_next == ""), result
    return result


# --- Steps 1 and 2


def middle(photo):
    edge = min(photo.size)
    left, top = (photo.width - edge) // 2, (photo.height - edge) // 2
    return photo.crop((left, top, left + edge, top + edge))


def shrink(photo):
    return np.array(middle(photo).resize((32, 32)))


def on_white(photo):
    upright = ImageOps.exif_transpose(photo).convert("RGBA")
    paper = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(paper, upright).convert("RGB")


def prepare(photo):
    return shrink(on_white(photo))


def slicing(photo):
    pixels = np.asarray(photo)
    height, width = pixels.shape[:2]
    edge = min(height, width)
    top, left = -(-(height - edge) // 2), -(-(width - edge) // 2)
    square = Image.fromarray(pixels[top : top + edge, left : left + edge])
    return np.array(square.resize((32, 32), Image.Resampling.NEAREST))


def shifted(photo):
    edge = min(photo.size)
    left, top = (photo.width - edge) // 2 - 1, (photo.height - edge) // 2 - 1
    return np.array(photo.crop((left, top, left + edge, top + edge)).resize((32, 32)))


RIGHT_SHRINKS = {
    "steps": shrink,
    "fit": lambda p: np.array(ImageOps.fit(p, (32, 32))),
    "fit, other filter": lambda p: np.array(ImageOps.fit(p, (32, 32), Image.Resampling.LANCZOS)),
    "slicing": slicing,
    "one pixel off": shifted,
    "float up to 255": lambda p: shrink(p).astype("float32"),
    "list": lambda p: shrink(p).tolist(),
    "thumbnail": lambda p: np.array(middle(p).reduce(2).resize((32, 32))),
}


@pytest.mark.parametrize("function", RIGHT_SHRINKS.values(), ids=RIGHT_SHRINKS)
def test_right_ways_to_shrink(function):
    assert judge("shrink_photo", shrink=function).points == 2


def only_wide(photo):
    left = (photo.width - photo.height) // 2
    return np.array(photo.crop((left, 0, left + photo.height, photo.height)).resize((32, 32)))


WRONG_SHRINKS = {
    "stretched": (lambda p: np.array(p.resize((32, 32))), 1, "squeezed"),
    "left or top": (
        lambda p: np.array(p.crop((0, 0, min(p.size), min(p.size))).resize((32, 32))),
        1,
        "left or top",
    ),
    "bars": (lambda p: np.array(ImageOps.pad(p, (32, 32))), 1, "bars"),
    "0 to 1": (lambda p: shrink(p) / 255, 1, "0 to 255"),
    "pile": (lambda p: shrink(p)[None], 1, "(1, 32, 32, 3)"),
    "gray": (lambda p: shrink(p.convert("L")), 0, "(32, 32)"),
    "four colors": (lambda p: shrink(p.convert("RGBA")), 1, "(32, 32, 4)"),
    "bgr": (lambda p: shrink(p)[..., ::-1], 1, "BGR"),
    "image": (lambda p: middle(p).resize((32, 32)), 0, "np.array"),
    "only wide": (only_wide, 1, "not for a tall"),
    "not small": (lambda p: np.array(middle(p)), 0, "(120, 120, 3)"),
    "other size": (lambda p: np.array(middle(p).resize((64, 64))), 0, "(64, 64, 3)"),
    "on its side": (lambda p: shrink(p).transpose(1, 0, 2), 1, "Rows and columns"),
    "noise": (lambda p: (np.arange(3072) * p.width % 251).reshape(32, 32, 3), 0, "middle square"),
    "blank": (lambda p: ..., 0, "Still to do"),
    "no return": (lambda p: None, 0, "Still to do"),
    "error": (lambda p: p.cropp(), 0, "AttributeError"),
}


@pytest.mark.parametrize(("function", "points", "words"), WRONG_SHRINKS.values(), ids=WRONG_SHRINKS)
def test_wrong_ways_to_shrink(function, points, words):
    result = judge("shrink_photo", shrink=function)
    assert result.points == points
    assert words in f"{result.saw} {result.try_next}"


def _pasted(photo, color):
    photo = ImageOps.exif_transpose(photo)
    clear = photo.convert("RGBA")
    paper = Image.new("RGB", photo.size, color)
    paper.paste(clear, mask=clear.getchannel("A"))
    return shrink(paper)


def _turned_last(photo):
    turns = {3: 2, 6: 3, 8: 1}
    number = photo.getexif().get(274, 1)
    clear = photo.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), clear).convert("RGB")
    return np.rot90(shrink(flat), turns.get(number, 0)).copy()


RIGHT_PREPARES = {
    "white": prepare,
    "paste": lambda p: _pasted(p, "white"),
    "black paper": lambda p: _pasted(p, "black"),
    "gray paper": lambda p: _pasted(p, (128, 128, 128)),
    "turned at the end": _turned_last,
}


@pytest.mark.parametrize("function", RIGHT_PREPARES.values(), ids=RIGHT_PREPARES)
def test_right_ways_to_prepare(function):
    result = judge("prepare_any", prepare=function)
    assert result.points == 3, result


def corner(photo):
    return photo.crop((0, 0, min(photo.size), min(photo.size))).resize((32, 32))


WRONG_PREPARES = {
    "forgot to turn": (
        lambda p: shrink(
            Image.alpha_composite(Image.new("RGBA", p.size, "white"), p.convert("RGBA")).convert(
                "RGB"
            )
        ),
        2,
        "still lies",
    ),
    "turned the wrong way": (
        lambda p: shrink(on_white(p).rotate(90 if p.getexif().get(274) else 0)),
        2,
        "EXIF note 3: it came out wrong",
    ),
    "error for stickers": (
        lambda p: prepare(p) if p.mode in ("RGB", "L") else p.no_such_thing,
        1,
        "AttributeError",
    ),
    "always one photo": (lambda p: np.full((32, 32, 3), 77), 0, "same picture"),
    "convert only": (
        lambda p: shrink(ImageOps.exif_transpose(p).convert("RGB")),
        2,
        "hidden",
    ),
    "turn only": (lambda p: shrink(ImageOps.exif_transpose(p)), 1, "gray photo"),
    "nothing new": (shrink, 0, "still lies"),
    "0 to 1": (lambda p: prepare(p) / 255, 2, "0 to 255"),
    "stretched": (lambda p: np.array(on_white(p).resize((32, 32))), 2, "squeezed"),
    "left or top": (
        lambda p: np.array(corner(on_white(p))),
        2,
        "left or top edge. I expected the middle. Begin",
    ),
    "pile": (lambda p: prepare(p)[None], 2, "[None]"),
    "bgr": (lambda p: prepare(p)[..., ::-1], 2, "BGR"),
    "image": (on_white, 0, "np.array"),
    "always gray": (lambda p: shrink(on_white(p).convert("L").convert("RGB")), 0, "middle"),
    "blank": (lambda p: ..., 0, "Still to do"),
    "error": (lambda p: p.size[9], 0, "IndexError"),
}


@pytest.mark.parametrize(
    ("function", "points", "words"), WRONG_PREPARES.values(), ids=WRONG_PREPARES
)
def test_wrong_ways_to_prepare(function, points, words):
    result = judge("prepare_any", prepare=function)
    assert result.points == points, result
    assert words in f"{result.saw} {result.try_next}"


# --- Steps 3 and 4

SCORES = np.full(10, 0.1, np.float32)


def top_three(ten_scores):
    best = np.argsort(ten_scores)[::-1][:3]
    return [(CLASS_NAMES[place], float(ten_scores[place])) for place in best]


def by_sorting(ten_scores):
    pairs = sorted(zip(CLASS_NAMES, ten_scores, strict=True), key=lambda pair: -pair[1])
    return pairs[:3]


RIGHT_TOPS = {
    "argsort": top_three,
    "sorted": by_sorting,
    "lists": lambda s: [[name.upper(), round(float(p), 3)] for name, p in top_three(s)],
    "of a pile": lambda s: top_three(s[0]),
    "tuple": lambda s: tuple(top_three(s)),
}


@pytest.mark.parametrize("function", RIGHT_TOPS.values(), ids=RIGHT_TOPS)
def test_right_top_three(function):
    assert judge("top_three", top_three=function, scores=SCORES).points == 2


WRONG_TOPS = {
    "smallest": (lambda s: [(CLASS_NAMES[n], s[n]) for n in np.argsort(s)[:3]], 0, "smallest"),
    "smallest of the best": (lambda s: top_three(s)[::-1], 1, "best one first"),
    "first three": (lambda s: list(zip(CLASS_NAMES, s, strict=True))[:3], 0, "not those"),
    "all ten": (lambda s: [(CLASS_NAMES[n], s[n]) for n in np.argsort(s)[::-1]], 1, "three pairs"),
    "numbers": (lambda s: [(int(n), float(s[n])) for n in np.argsort(s)[::-1][:3]], 1, "names"),
    "percent": (lambda s: [(n, 100 * p) for n, p in top_three(s)], 1, "0 to 1"),
    "text": (lambda s: [(n, f"{p:.0%}") for n, p in top_three(s)], 1, "0 to 1"),
    "dict": (lambda s: dict(top_three(s)), 1, "list of three pairs"),
    "names": (lambda s: [n for n, _ in top_three(s)], 0, "pairs"),
    "blank": (lambda s: ..., 0, "Still to do"),
    "error": (lambda s: s.cat, 0, "AttributeError"),
}


@pytest.mark.parametrize(("function", "points", "words"), WRONG_TOPS.values(), ids=WRONG_TOPS)
def test_wrong_top_three(function, points, words):
    result = judge("top_three", top_three=function, scores=SCORES)
    assert result.points == points, result
    assert words in f"{result.saw} {result.try_next}"


@pytest.mark.parametrize("scores", [None, np.ones(10), np.full((2, 10), 0.1), "cat", np.nan])
def test_scores_belong_to_it(scores):
    result = judge("top_three", top_three=top_three, scores=scores)
    assert (result.points, "scores" in result.saw) == (1, True)


def decide(pairs, level=0.6, other="I don't know"):
    name, probability = pairs[0]
    return name if probability >= level else other


RIGHT_RULES = {
    "plain": decide,
    "above": lambda pairs: pairs[0][0] if pairs[0][1] > 0.6 else "?",
    "sentence": lambda pairs: f"It is a {decide(pairs)}!" if pairs[0][1] > 0.6 else "not sure",
    "with a guess": lambda pairs: decide(pairs, other=f"I don't know, perhaps {pairs[0][0]}"),
}


@pytest.mark.parametrize("function", RIGHT_RULES.values(), ids=RIGHT_RULES)
def test_right_rules(function):
    assert judge("say_dont_know", decide=function, threshold=0.6).points == 1


@pytest.mark.parametrize("level", [0.2, 0.5, 0.99, np.float32(0.7)])
def test_any_sensible_threshold(level):
    function = lambda pairs: decide(pairs, level)  # noqa: E731
    assert judge("say_dont_know", decide=function, threshold=level).points == 1


WRONG_RULES = {
    "turned around": (lambda p: decide([(p[0][0], 1.2 - p[0][1])]), 0.6, "around"),
    "always a name": (lambda p: p[0][0], 0.6, "always says a name"),
    "never a name": (lambda p: "I don't know", 0.6, "always says that"),
    "another threshold": (lambda p: decide(p, 0.9), 0.6, "With a best probability of 0.65"),
    "nothing below": (lambda p: decide(p, other=None), 0.6, "gives nothing"),
    "the pair": (lambda p: p[0] if p[0][1] > 0.6 else "no idea", 0.6, "I expected: the name"),
    "error below": (lambda p: p[0][0] if p[0][1] > 0.6 else p[9], 0.6, "IndexError"),
    "percent": (decide, 60, "0.6"),
    "too low": (decide, 0.05, "blind guess"),
    "too high": (decide, 1.0, "between 0.2 and 0.99"),
    "no threshold": (decide, None, "Still to do: threshold"),
    "text": (decide, "0.6", "not a number"),
    "blank": (lambda p: ..., 0.6, "Still to do"),
}


@pytest.mark.parametrize(("function", "level", "words"), WRONG_RULES.values(), ids=WRONG_RULES)
def test_wrong_rules(function, level, words):
    result = judge("say_dont_know", decide=function, threshold=level)
    assert result.points == 0, result
    assert words in f"{result.saw} {result.try_next}"


# --- Step 5

TOPS = {
    "portrait": [("cat", 0.97), ("dog", 0.02), ("frog", 0.01)],
    "landscape": [("ship", 0.9), ("airplane", 0.06), ("truck", 0.02)],
    "teapot": [("truck", 0.45), ("bird", 0.16), ("dog", 0.16)],
}
PHOTOS = [{"name": n, "top3": top, "answer": decide(top)} for n, top in TOPS.items()]


def chart(pairs, unit=1.0, names=True):
    labels = [name for name, _ in pairs] if names else []
    return Chart([p * unit for _, p in pairs], [], labels, "")


CHARTS = [chart(pairs) for pairs in TOPS.values()]


def three(photos=PHOTOS, charts=CHARTS, odd="teapot", reference=REFERENCE, threshold=0.6):
    cells = [Cell(str(place), charts=[one]) for place, one in enumerate(charts)]
    return judge(
        "three_photos", cells, reference, photos=photos, in_no_class=odd, threshold=threshold
    )


def test_three_photos_right():
    assert three().points == 2
    assert three(charts=[chart(pairs, 100) for pairs in TOPS.values()]).points == 2
    assert three(odd=" Teapot ").points == 2
    assert three(photos=[*PHOTOS, PHOTOS[0] | {"name": "mine.jpg"}]).points == 2
    assert three(photos=[{k.title(): v for k, v in photo.items()} for photo in PHOTOS]).points == 2
    ten = [("deer", 0.0), ("horse", 0.0), *TOPS["teapot"]]
    assert three(charts=[*CHARTS[:2], chart(ten)]).points == 2
    assert three(reference=Reference(np.zeros((0, 10)), np.zeros(0, int), CLASS_NAMES)).points == 2


def test_one_chart_stands_for_one_photo():
    """One chart of three invented bars does not show three photos."""
    same = [photo | {"top3": PHOTOS[0]["top3"], "answer": PHOTOS[0]["answer"]} for photo in PHOTOS]
    result = three(photos=same, charts=CHARTS[:1])
    assert (result.points, "bars of 1 photo" in result.saw) == (1, True)
    every = chart([(name, n / 100) for n in range(101) for name in CLASS_NAMES])
    assert three(charts=[every]).points == 1
    assert three(photos=same, charts=[chart(TOPS["portrait"])] * 3).points == 2


def test_three_photos_in_one_chart_of_nine_bars():
    nine = [pair for pairs in TOPS.values() for pair in pairs]
    assert three(charts=[chart(nine)]).points == 2


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_each_photo_finds_its_chart(order):
    """The chart of one photo may have what belongs to another one, too."""
    wide = chart([*TOPS["portrait"], *TOPS["teapot"], ("deer", 0.0)])
    charts = [wide, CHARTS[0], CHARTS[1]]
    assert three(charts=[charts[k] for k in order]).points == 2


def changed(place, **items):
    return [photo | items if k == place else photo for k, photo in enumerate(PHOTOS)]


WRONG_PHOTOS = {
    "two": ({"photos": PHOTOS[:2]}, 1, "2 photos"),
    "one thrice": ({"photos": PHOTOS[:1] * 3}, 1, "1 photo."),
    "no bars": ({"charts": []}, 1, "bars of 0 photos"),
    "bars of one": ({"charts": CHARTS[:1]}, 1, "bars of 1 photo"),
    "bars without names": ({"charts": [chart(p, names=False) for p in TOPS.values()]}, 1, "names"),
    "no odd one": ({"odd": None}, 1, "Still to do: in_no_class"),
    "odd one unknown": ({"odd": "robot"}, 1, "no name in your list"),
    "odd one is a cat": ({"odd": "portrait"}, 1, "a cat"),
    "not kept": (
        {
            "reference": Reference(
                np.zeros((0, 10)), np.zeros(0, int), CLASS_NAMES, work={"saved": set()}
            )
        },
        1,
        "cu.save",
    ),
    "answer against the rule": ({"photos": changed(2, answer="truck")}, 1, "threshold"),
    "answer too careful": ({"photos": changed(0, answer="I don't know")}, 1, "threshold"),
    "names alone": ({"photos": ["portrait", "landscape", "teapot"]}, 0, "dictionaries"),
    "top3 of names": ({"photos": changed(1, top3=["ship", "cat", "dog"])}, 1, "three pairs"),
    "ascending": ({"photos": changed(0, top3=TOPS["portrait"][::-1])}, 1, "begin with the best"),
    "empty": ({"photos": [], "charts": []}, 0, "0 photos"),
    "blank": ({"photos": None, "odd": None, "charts": []}, 0, "Still to do: photos and in_no"),
}


@pytest.mark.parametrize(("change", "points", "words"), WRONG_PHOTOS.values(), ids=WRONG_PHOTOS)
def test_three_photos_wrong(change, points, words):
    result = three(**change)
    assert result.points == points, result
    assert words in f"{result.saw} {result.try_next}"


# --- Nothing stops a check

WEIRD = [
    *ANYTHING,
    -3,
    1e400,
    "cat",
    [[]],
    [None, None, None],
    [["cat", float("nan")], ["dog", None], [float("inf"), 0.1]],
    [{"name": None, "top3": None, "answer": None}] * 3,
    [{"name": n, "top3": [["cat", float("nan")]] * 3, "answer": 3} for n in "abc"],
    {"wide": None, "tall": np.zeros(3)},
    {"wide": np.full((32, 32, 3), np.nan), "tall": np.zeros((32, 32, 3), bool)},
    {"wide": Unreadable("Image"), "tall": Unreadable("ValueError: no")},
    {"scores 0": [["cat", 2]], "pile of scores 1": 3},
    {"0.12": [], "0.995": Unreadable("KeyError: 1")},
    np.zeros(0),
    np.zeros((32, 32, 3)),
    np.array(0.5),
    np.zeros((3, 2)),
    Unreadable("function"),
    Table({}, []),
    Network((None, 32, 32, 3), (None, 10), 0, []),
]


@pytest.mark.parametrize("name", stage_09.NAMES)
def test_no_value_stops_a_check(name):
    solved = {
        "shrink": _try_out(shrink, PROBES["shrink"]()),
        "prepare": _try_out(prepare, PROBES["prepare"]()),
        "top_three": _try_out(top_three, PROBES["top_three"]()),
        "decide": _try_out(decide, PROBES["decide"]()),
        "scores": SCORES,
        "threshold": 0.6,
        "photos": plain(PHOTOS),
        "in_no_class": "teapot",
    }
    assert set(solved) == set(stage_09.NAMES) - set(deeper_09.NAMES)
    cells = [Cell("a", charts=[*CHARTS, Chart([float("nan")]), Chart([], [[1.0]])])]
    for value in WEIRD:
        for rest in (solved, {}):
            for check in CHECKS.values():
                result = check.judge(Evidence(9, cells, rest | {name: value}), REFERENCE)
                assert 0 <= result.points <= check.points
                assert result.saw
                assert (result.points == check.points) == (result.try_next == "")


def test_ten_points():
    assert sum(check.points for check in CHECKS.values()) == 10
