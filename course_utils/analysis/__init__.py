"""Error analysis: what a classifier gets wrong, how sure it is, and whose fault it is.

Small functions on what a model answered (``probabilities``) and the true ``labels``::

    from course_utils import analysis

    analysis.summary(probabilities, labels)

Each name is imported when it is first used, so that ``analysis.compare`` needs neither pandas
nor scikit-learn, and nothing here needs TensorFlow until a model is looked into.
"""

from importlib import import_module
from typing import Any

# No module may have the name of a function: its import would hide the function.
_HOMES = {
    "mistakes": (
        "Hardest",
        "confusion",
        "confusions",
        "guardrail",
        "hard_but_correct",
        "hardest",
        "most_confident",
        "per_class",
        "table",
        "wilson",
        "wrong_at",
    ),
    "calibration": ("bins", "ece", "mce"),
    "metrics": ("NOTES", "Note", "by_class", "summary"),
    "changes": ("compare",),
    "saliency": ("Maps", "enlarge", "grad_cam", "grad_cam_plus_plus"),
    "transformer": ("attention", "build_transformer", "rollout"),
    "embeddings": ("features", "project"),
    "people": ("Raters", "Votes", "count_votes", "load_people", "load_raters", "votes"),
    "verdict": ("RULE", "VERDICTS", "Rule", "Tally", "judge", "tally"),
    "html": ("report",),
}
_MODULES = ("inputs", *_HOMES, "plots", "interactive")
_HOME = {name: module for module, listed in _HOMES.items() for name in listed}

__all__ = list(_HOME) + ["interactive", "plots"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value  # the next look-up finds it at once
        return value
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"course_utils.analysis has no {name!r}.")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
