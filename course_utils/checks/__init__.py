"""The checks: pure functions from evidence to a result.

A student's check, the teacher's test cell and anything that grades later call the same
functions. Each takes the evidence of what the notebook showed and the reference of what the
model answers, and returns points with a sentence on what was seen and what to try next.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from course_utils.checks.result import Check, Result

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

__all__ = ["DEEPER", "NAMES", "PROBES", "RECORDS", "STAGES", "Check", "Result"]
