"""The checks: pure functions from evidence to a result.

A student's check, the teacher's test cell and anything that grades later call the same
functions. Each takes the evidence of what the notebook showed and the reference of what the
model answers, and returns points with a sentence on what was seen and what to try next.
"""

from __future__ import annotations

from course_utils.checks import stage_07
from course_utils.checks.result import Check, Result

STAGES = {7: stage_07.CHECKS}
NAMES = {7: stage_07.NAMES}

__all__ = ["NAMES", "STAGES", "Check", "Result"]
