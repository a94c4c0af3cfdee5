"""Figures to point at: the same data as in ``plots``, drawn by Plotly where it is installed.

Pointing at a cell, a bar or a point tells what it is: numbers, names, which picture. Nothing else
in the course needs them; each error says which function of ``plots`` shows the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.analysis import inputs, mistakes, plots

if TYPE_CHECKING:
    import plotly.graph_objects

_BLUES = [[0, "#ffffff"], [0.4, "#9cc7e4"], [0.8, plots.BLUE], [1, "#003a5e"]]
_LOOK = {
    "template": "plotly_white",
    "font": {"color": plots.INK, "size": 13},
    "margin": {"l": 70, "r": 20, "t": 60, "b": 60},
}


def _plotly(instead: str) -> Any:
    try:
        import plotly.graph_objects
    except ImportError as error:
        raise ImportError(
            f"Figures to point at need Plotly. Install it: pip install plotly, or use "
            f"plots.{instead}, which shows the same."
        ) from error
    return plotly.graph_objects


def confusion_matrix(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str] | None = None
) -> plotly.graph_objects.Figure:
    """Return the whole confusion matrix; each cell tells its count and its share of the row.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k), float
    labels : ndarray of shape (n,), int, or (n, k), one-hot
    class_names : sequence of str, optional

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    ImportError
        If Plotly is not installed.
    """
    go = _plotly("confusion_matrix")
    p, y = inputs.check(probabilities, labels)
    names = _escaped(inputs.names(class_names, p.shape[1]))
    counts = np.asarray(mistakes.confusion(p, y))
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    figure = go.Figure(
        go.Heatmap(
            z=100 * shares,
            x=names,
            y=names,
            customdata=counts,
            colorscale=_BLUES,
            zmin=0,
            zmax=100,
            colorbar={"title": {"text": "% of row"}},
            hovertemplate="true: %{y}<br>model: %{x}<br>%{customdata} pictures, %{z:.1f}% of its "
            "class<extra></extra>",
        )
    )
    figure.update_layout(**_LOOK, title="What the model says, in percent of each true class")
    figure.update_xaxes(title="the model says")
    figure.update_yaxes(title="true class", autorange="reversed")
    return figure


def confidence_histogram(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = 20
) -> plotly.graph_objects.Figure:
    """Return how sure the model is, apart for right and wrong answers.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k), float
    labels : ndarray of shape (n,), int, or (n, k), one-hot
    bins : int, default=20
        Of equal width from 0 to 1.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    ImportError
        If Plotly is not installed.
    """
    go = _plotly("confidence_histogram")
    p, y = inputs.check(probabilities, labels)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    edges = np.linspace(0, 1, bins + 1)
    figure = go.Figure()
    for what, group, color, shape in (
        ("right", right, plots.BLUE, ""),
        ("wrong", ~right, plots.ORANGE, "/"),
    ):
        counts, _ = np.histogram(confidence[group], edges)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            customdata=np.column_stack([edges[:-1], edges[1:]]),
            name=what,
            marker={"color": color, "pattern": {"shape": shape}},
            hovertemplate="%{y} " + what + "<br>%{customdata[0]:.0%} to %{customdata[1]:.0%} sure"
            "<extra></extra>",
        )
    figure.update_layout(**_LOOK, title="How sure the model is of its answers", barmode="group")
    figure.update_xaxes(title="how sure the model is of its answer", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title="pictures")
    return figure


def embedding(
    points: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
) -> plotly.graph_objects.Figure:
    """Return pictures as points; each tells its number, its class and what the model says.

    Right answers are circles and wrong ones crosses, in the color of the true class. A click on a
    name hides a class.

    Parameters
    ----------
    points : ndarray of shape (n, 2), float
        As ``project`` returns them.
    probabilities, labels, class_names
        As for :func:`confusion_matrix`, of the same n pictures.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    ImportError
        If Plotly is not installed.
    ValueError
        If there are not as many points as labels.
    """
    go = _plotly("embedding")
    p, y = inputs.check(probabilities, labels)
    points = plots.check_points(points, len(y))
    names = _escaped(inputs.names(class_names, p.shape[1]))
    predicted, confidence = p.argmax(axis=1), p.max(axis=1)
    figure = go.Figure()
    for number in np.unique(y):
        group = np.flatnonzero(y == number)
        right = predicted[group] == number
        figure.add_scattergl(
            x=points[group, 0],
            y=points[group, 1],
            mode="markers",
            name=names[number],
            marker={
                "size": np.where(right, 5, 8),
                "symbol": np.where(right, "circle", "x-thin-open"),
                "color": plots.TEN[number % len(plots.TEN)],
                "line": {"width": np.where(right, 0, 1.5)},
                "opacity": 0.75,
            },
            text=[
                f"picture {n}<br>true: {names[number]}<br>model: {names[predicted[n]]}, "
                f"{confidence[n]:.1%} sure"
                for n in group
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_layout(**_LOOK, title="Near each other: what the model finds alike")
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(showticklabels=False)
    return figure


def _escaped(names: Sequence[str]) -> list[str]:
    """Plotly reads HTML in its texts, and a formula between dollar signs."""
    signs = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
    return ["".join(signs.get(sign, sign) for sign in name) for name in names]
