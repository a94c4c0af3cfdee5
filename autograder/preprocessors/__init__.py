"""Small steps that nbgrader runs for this course; ``nbgrader_config.py`` says where."""

from autograder.preprocessors.bringrecord import BringRecord
from autograder.preprocessors.dropwidgetstate import DropWidgetState
from autograder.preprocessors.filladdresses import FillAddresses
from autograder.preprocessors.forgetmachine import ForgetMachine
from autograder.preprocessors.keeprecord import KeepRecord
from autograder.preprocessors.putresults import PutResults
from autograder.preprocessors.quietchecks import QuietChecks
from autograder.preprocessors.removeteachercells import RemoveTeacherCells
from autograder.preprocessors.repairdoubledcells import RepairDoubledCells
from autograder.preprocessors.restoreanswers import RestoreAnswers

__all__ = [
    "BringRecord",
    "DropWidgetState",
    "FillAddresses",
    "ForgetMachine",
    "KeepRecord",
    "PutResults",
    "QuietChecks",
    "RemoveTeacherCells",
    "RepairDoubledCells",
    "RestoreAnswers",
]
