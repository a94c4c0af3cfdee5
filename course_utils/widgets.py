"""Things to click: a mistake explorer, a panel of checks, a progress line.

All of it is optional. ``explore_mistakes`` and ``check_panel`` use ipywidgets (7.7 on Colab,
or 8), fall back on pictures and text without it, and display themselves during the call.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

_STAGES = range(1, 11)
_BLUE, _ORANGE, _GRAY = "#0072B2", "#D55E00", "#808080"  # apart for every kind of color vision
_MARK = "display:inline-block;min-width:2.6em;margin:2px;text-align:center;border-radius:1em"
_SHOW = {"wrong only": "wrong", "right only": "right", "all": "all"}
_ORDER = {"high confidence first": "surest", "low confidence first": "least sure"}
# JupyterLab takes the arrow keys for itself as long as a menu is closed.
_KEYS = (
    "With keys only: <b>Tab</b> moves on. <b>Space</b> opens a menu, the arrow keys choose, and "
    "<b>Enter</b> takes the choice."
)
_MISSING = "There are no buttons here, because the package ipywidgets is not installed."


def select(
    predictions: np.ndarray,
    labels: np.ndarray,
    true: int | None = None,
    predicted: int | None = None,
    show: str = "wrong",
    order: str = "surest",
) -> np.ndarray:
    """Return the numbers of the pictures that fit, in order of confidence.

    Parameters
    ----------
    predictions : ndarray of shape (n, classes)
    labels : ndarray of class numbers, or one-hot
    true, predicted : int, optional
        Only pictures of this true class, and only those that the model gave this class.
    show : {"wrong", "right", "all"}
    order : {"surest", "least sure"}
        What comes first. Equal confidence keeps the order of the pictures.

    Returns
    -------
    ndarray of int
    """
    scores, labels = np.asarray(predictions, float), _class_numbers(labels)
    guesses = scores.argmax(axis=1)
    right = guesses == labels
    fits = {"wrong": ~right, "right": right, "all": np.ones(len(scores), bool)}[show]
    for wanted, classes in ((true, labels), (predicted, guesses)):
        if wanted is not None:
            fits &= classes == wanted
    numbers = np.flatnonzero(fits)
    keys = scores[numbers].max(axis=1) * {"surest": -1, "least sure": 1}[order]
    return numbers[np.argsort(keys, kind="stable")]


def _class_numbers(labels: Any) -> np.ndarray:
    labels = np.asarray(labels)
    return labels.argmax(axis=1) if labels.ndim == 2 else labels.astype(int)


def explore_mistakes(predictions: Any, x: Any, y: Any, class_names: Sequence[str]) -> None:
    """Show the pictures one by one, with menus that choose which.

    Blanks and wrong shapes give a printed sentence, never an error.

    Parameters
    ----------
    predictions : array of shape (n, 10), scores between 0 and 1
    x : array of shape (n, 32, 32, 3), 0 to 255 or 0 to 1
    y : array of true class numbers, or one-hot
    class_names : sequence of str
    """
    if problem := _problem(predictions, x, y, class_names):
        print(problem)
        return
    scores, labels, names = np.asarray(predictions, float), _class_numbers(y), list(class_names)
    if find_spec("ipywidgets"):
        _display_widget(build_explorer(scores, x, labels, names), "mistake explorer")
        return
    from IPython.display import HTML, display

    print(f"{_MISSING} Here are the mistakes with the highest confidence instead.")
    cards = [_card(k, scores, x, labels, names) for k in select(scores, labels)[:6]]
    display(HTML("".join(cards) or "There is no mistake to show."))


def _problem(predictions: Any, x: Any, y: Any, class_names: Any) -> str:
    """What stands in the way of showing anything, as a sentence; empty if nothing does."""
    given = {"predictions": predictions, "pictures": x, "labels": y, "class names": class_names}
    for name, thing in given.items():
        if thing is None or thing is ...:
            return f"Nothing to explore yet: the {name} are still blank. Finish that step first."
    has = {name: np.shape(thing) for name, thing in given.items()}
    count, classes = has["pictures"][:1], has["class names"][:1]
    labels = count + classes if len(has["labels"]) == 2 else count
    needs = {"pictures": (*count, 32, 32, 3), "predictions": count + classes, "labels": labels}
    for name, shape in needs.items():
        if has[name] != shape:
            return f"The {name} need the shape {shape}. Yours have the shape {has[name]}."
    scores = np.asarray(predictions)
    if scores.dtype.kind not in "iuf" or not ((scores >= 0) & (scores <= 1.001)).all():
        return "The scores must lie between 0 and 1. Give the output of model.predict as it is."
    return ""


def _card(number: int, scores: Any, pictures: Any, labels: Any, names: list[str]) -> str:
    """A picture, its names and its three largest scores as HTML."""
    names = [html.escape(str(name)) for name in names]
    row, true, picture = scores[number], int(labels[number]), _data_uri(pictures[number])
    ranks = np.argsort(-row, kind="stable").tolist()
    guess, bars = ranks[0], ""
    for k in ranks[:3]:  # color only repeats what the words say
        tags = " and ".join(["predicted"] * (k == guess) + ["true"] * (k == true))
        color = _BLUE if k == guess else _ORANGE if k == true else _GRAY
        bars += (
            '<div style="margin:6px 0 2px;display:flex;justify-content:space-between"><span>'
            f"{f'<b>{names[k]}</b> ({tags})' if tags else names[k]}</span>{_percent(row[k])}</div>"
            '<div aria-hidden="true" style="border:1px solid;border-radius:3px;height:14px"><div '
            f'style="height:100%;width:{min(1, row[k]):.1%};background:{color}"></div></div>'
        )
    if true not in ranks[:3]:
        bars += f"<p>The true class, {names[true]}, has {_percent(row[true])}.</p>"
    alt = f"Picture {number}, enlarged: {names[true]}, predicted as {names[guess]}"
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:8px 28px;margin:8px 0;line-height:1.5;'
        f'font-size:15px;align-items:flex-start"><img alt="{alt}" src="{picture}" '
        'style="width:320px;image-rendering:pixelated"><div style="flex:1 1 260px;max-width:420px">'
        f'<b style="font-size:20px">{"✔ Right" if guess == true else "✘ Wrong"}</b><br>'
        f"Predicted: <b>{names[guess]}</b><br>True: <b>{names[true]}</b><br>"
        f"Confidence: <b>{_percent(row[guess])}</b><br><br>"
        f"The three largest scores:{bars}<p>This is picture number {number}.</p></div></div>"
    )


def _percent(share: float) -> str:
    """A share in words; a small doubt is never rounded away."""
    words = "under 1 %" if 0 < share < 0.01 else "over 99 %" if 0.99 < share < 1 else ""
    return words or f"{100 * share:.0f} %"


def _data_uri(picture: Any) -> str:
    """A picture as PNG, every dot enlarged to a square of 10 by 10."""
    pixels = np.asarray(picture)
    if pixels.dtype.kind == "f" and pixels.max() <= 1:
        pixels = pixels * 255
    pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels.repeat(10, axis=0).repeat(10, axis=1)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def build_explorer(scores: np.ndarray, pictures: Any, labels: np.ndarray, names: list[str]) -> Any:
    """Return the explorer: rows of menus and buttons, then the picture; needs ipywidgets."""
    import ipywidgets as w

    def menu(label: str, options: Iterable[Any]) -> Any:
        style, layout = {"description_width": "8em"}, w.Layout(width="23em")
        return w.Dropdown(options=list(options), description=label, style=style, layout=layout)

    classes = ["any", *map(str, names)]
    true, predicted = menu("True class", classes), menu("Predicted class", classes)
    show, order = menu("Show", _SHOW.items()), menu("Order", _ORDER.items())
    back, forward = w.Button(description="◀ Previous"), w.Button(description="Next ▶")
    place = w.IntSlider(1, 1, 1, description="Picture", readout=False)
    count, view = w.HTML(), w.HTML()
    chosen = np.array([], int)

    def draw(_: Any = None) -> None:
        at = min(place.value, len(chosen))
        count.value = f'<span role="status">{at} of {len(chosen)}</span>'
        hint = "No picture fits. Set a class back to <b>any</b>, or show <b>all</b>."
        view.value = _card(chosen[at - 1], scores, pictures, labels, names) if at else hint

    def choose(_: Any = None) -> None:
        nonlocal chosen
        only = [menu.index - 1 if menu.index else None for menu in (true, predicted)]
        chosen = select(scores, labels, *only, show.value, order.value)
        place.max = max(1, len(chosen))
        place.disabled = len(chosen) < 2
        place.value = 1
        draw()

    def step(by: int) -> None:
        # Around at both ends: a button that goes gray would drop the keyboard's focus.
        place.value = (place.value - 1 + by) % place.max + 1

    back.on_click(lambda _: step(-1))
    forward.on_click(lambda _: step(1))
    place.observe(draw, "value")
    for control in (true, predicted, show, order):
        control.observe(choose, "value")
    choose()
    rows = ([true, predicted], [show, order], [back, forward, place, count])
    wrapped = [w.HBox(row, layout=w.Layout(flex_flow="row wrap")) for row in rows]
    return w.VBox([*wrapped, view, w.HTML(_KEYS)])


def check_panel(stage: int, judge: Callable | None = None) -> None:
    """Show a button for each check of a stage, and one for all of them.

    Parameters
    ----------
    stage : int
    judge : callable, optional
        From the name of a check to its points and its words; ``workbook.judge`` by default.
    """
    from course_utils import workbook
    from course_utils.checks import STAGES

    points = {name: check.points for name, check in STAGES.get(stage, {}).items()}
    if not points:
        print(f"Stage {stage} has no checks.")
        return
    judge = judge or workbook.judge
    if find_spec("ipywidgets"):
        _display_widget(build_panel(points, judge), "panel of checks")
        return
    print(f"{_MISSING} Here are all the checks at once instead.\n")
    earned = {}
    for name in points:
        earned[name], words = judge(name)
        print(f"{name}\n{words}\n")
    print(_total(points, earned))


def build_panel(points: dict[str, int], judge: Callable) -> Any:
    """Return the panel: a row of button and words for each check, then the total."""
    import ipywidgets as w

    wide = w.Layout(width=f"{max(map(len, points)) + 14}ch")
    buttons = {name: w.Button(description=name, layout=wide) for name in points}
    said = {name: w.HTML(layout=w.Layout(flex="1 1 20em", margin="2px 12px")) for name in points}
    everything = w.Button(description="Check all", layout=wide)
    earned, total = {}, w.HTML(_total(points, {}))

    def run(names: Iterable[str]) -> None:
        for name in names:
            said[name].value = "Checking ..."
            earned[name], words = judge(name)
            mark = "✔" if earned[name] == points[name] else "➜"
            buttons[name].description = f"{mark} {name}: {earned[name]:g} of {points[name]}"
            text = html.escape(words).replace("\nTry next:", "<br>Try next:")
            said[name].value = f'<div role="status" style="line-height:1.5">{text}</div>'
            total.value = _total(points, earned)

    for name, button in buttons.items():
        button.on_click(lambda _, name=name: run([name]))
    everything.on_click(lambda _: run(points))
    rows = [*([buttons[name], said[name]] for name in points), [everything, total]]
    return w.VBox([w.HBox(row, layout=w.Layout(flex_flow="row wrap")) for row in rows])


def _total(points: dict[str, int], earned: dict[str, float]) -> str:
    return f"Total: {sum(earned.values()):g} of {sum(points.values())} points."


def _display_widget(box: Any, name: str) -> None:
    """Display with a short text, which saved notebooks keep, in place of ipywidgets' long one."""
    from IPython.display import display

    text = f"The {name} works while the notebook is running. Run its cell again."
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    display({"text/plain": text, "application/vnd.jupyter.widget-view+json": view}, raw=True)


class ProgressLine(NamedTuple):
    """Text for a terminal, HTML for a notebook."""

    text: str
    markup: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.markup


def stage_title(stage: int) -> str:
    """Return what a stage is called: two notebooks come after the ten."""
    count = len(_STAGES)
    return f"Extra {stage - count} of 2" if stage > count else f"Stage {stage} of {count}"


def progress_line(stage: int, done: Iterable[int] = ()) -> ProgressLine:
    """Return a line that marks the stage and, with a check mark, the stages that are done."""
    done = set(done)
    title, text, marks = stage_title(stage), "", ""
    for n in _STAGES:
        mark = f"✔ {n}" if n in done else str(n)
        text += f"  [{mark}]" if n == stage else f"  {mark}"
        look = f";border:2px {'solid' if n in done else 'dashed'} {_BLUE}"
        look += f";background:{_BLUE};color:white;font-weight:bold" if n == stage else ""
        marks += f'<span style="{_MARK}{look}">{mark}</span>'
    finished = ", ".join(str(n) for n in _STAGES if n in done) or "none yet"
    label = f'role="img" aria-label="{title}. Finished: {finished}."'
    return ProgressLine(title + text, f"<div {label}><b>{title}</b> {marks}</div>")
