"""nbgrader for this course; run its commands from this folder. A few small steps are added."""

import sys
from pathlib import Path

from nbgrader.converters import Autograde, GenerateAssignment

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))  # so that nbgrader finds autograder.preprocessors

from autograder import preprocessors as ours  # noqa: E402

c = get_config()  # noqa: F821

c.CourseDirectory.root = str(root)
c.CourseDirectory.course_id = "question_the_classifier"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "stages"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "workspace"]


def built_in(converter: type, name: str) -> list:
    """nbgrader's own preprocessors, as the installed version has them."""
    return converter.class_traits()[name].default()


# Student notebooks: teacher's cells and computer go, addresses come in, blanks stay.
c.GenerateAssignment.preprocessors = [
    ours.RemoveTeacherCells,
    ours.ForgetMachine,
    ours.FillAddresses,
    *built_in(GenerateAssignment, "preprocessors"),
]
c.ClearSolutions.code_stub = {"python": ""}
c.ClearSolutions.text_stub = "*(Anything else? Write it here.)*"

# Grading: a student's own model is replayed from its record, a doubled cell harms nobody, deleted
# cells come back, and only what a check returns counts, not stderr beside it.
c.Autograde.sanitize_preprocessors = [
    ours.KeepRecord,
    ours.RepairDoubledCells,
    ours.DropWidgetState,
    ours.RestoreAnswers,
    *built_in(Autograde, "sanitize_preprocessors"),
]
c.OverwriteCells.add_missing_cells = True
run, *after = built_in(Autograde, "autograde_preprocessors")
c.Autograde.autograde_preprocessors = [ours.BringRecord, run, ours.QuietChecks, *after]
c.Execute.timeout = 900  # a training without a record may take this long
c.Execute.startup_timeout = 120
c.GenerateFeedback.exporter_class = "autograder.feedback.FeedbackPage"  # readable for everybody
# What a student wrote or displayed runs nothing in the teacher's browser.
c.HTMLExporter.sanitize_html = True
c.TemplateExporter.filters = {
    "clean_html": "autograder.harmless.clean",
    "get_metadata": "autograder.harmless.size_of",
    "strip_files_prefix": "autograder.harmless.clean_text",
}
