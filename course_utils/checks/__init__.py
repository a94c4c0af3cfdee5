"""The checks: pure functions from evidence to a result.

A student's check, the teacher's test cell and anything that grades later call the same
functions. Each takes the evidence of what the notebook showed and the reference of what the
model answers, and returns points with a sentence on what was seen and what to try next.
"""

from __future__ import annotations

import importlib
import os
import textwrap
import traceback
from pathlib import Path

from course_utils.checks.result import Check, Result
from course_utils.evidence import Evidence, Reference

_MODULES = {
    int(path.stem[-2:]): importlib.import_module(f"{__name__}.{path.stem}")
    for path in sorted(Path(__file__).parent.glob("stage_[0-9][0-9].py"))
}
STAGES = {stage: getattr(module, "CHECKS", {}) for stage, module in _MODULES.items()}
# Of the parts that go deeper: they give a sentence but no points.
DEEPER = {stage: getattr(module, "DEEPER", {}) for stage, module in _MODULES.items()}
NAMES = {stage: getattr(module, "NAMES", ()) for stage, module in _MODULES.items()}
# Which functions of a student's are tried out, and on what.
PROBES = {stage: getattr(module, "PROBES", {}) for stage, module in _MODULES.items()}
# What grading needs of a student's own work: {check: {item of the workspace: variable}}. None
# in place of a variable means what the stage began with.
RECORDS = {stage: getattr(module, "RECORDS", {}) for stage, module in _MODULES.items()}


def judge(stage: int, name: str, evidence: Evidence, reference: Reference) -> tuple[float, str]:
    """Judge one step.

    Parameters
    ----------
    stage : int
    name : str
        Of the check, such as ``"find_wrong"``.
    evidence : Evidence
    reference : Reference

    Returns
    -------
    points : float
        From 0 to the most that the check can give.
    words : str
        What it saw and what to try next, in lines that fit a page. Never raises for anything
        that a student did.

    Raises
    ------
    KeyError
        If the stage has no such check.
    """
    counts = name in STAGES.get(stage, {})
    asked = STAGES[stage][name] if counts else DEEPER[stage][name]
    try:
        result = asked.judge(evidence, reference)
    except Exception as error:
        if os.environ.get("COURSE_DEBUG"):
            traceback.print_exc()
        result = Result(
            0,
            f"Your answer has a form that I cannot read ({type(error).__name__}).",
            "run its cell again, and compare it with the hints.",
        )
    full = result.points == asked.points
    mark = "✔" if full else "➜"
    lines = [f"{mark} {earned(result.points, asked.points, counts)} {result.saw}"]
    if result.try_next:
        lines.append(f"Try next: {result.try_next}")
    # A feedback page cuts long lines off.
    return float(result.points), "\n".join(textwrap.fill(line, 78) for line in lines)


def earned(points: float, most: int, counts: bool = True) -> str:
    """How a result begins: with its points, or without where nothing is graded."""
    if not counts:
        return "You went deeper." if points == most else "Not yet."
    return f"{points:g} of {'1 point' if most == 1 else f'{most} points'}."


__all__ = ["DEEPER", "NAMES", "PROBES", "RECORDS", "STAGES", "Check", "Result", "earned", "judge"]
