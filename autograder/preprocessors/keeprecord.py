"""Carry a student's record from the outputs into the notebook that is graded."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from course_utils import record

METADATA = "course_record"


class KeepRecord(NbGraderPreprocessor):
    """Copy the records in the outputs to the notebook's metadata, before outputs are cleared.

    A record holds what the student's own model answered; ``course_utils.record`` tells more.
    Of several records for the same thing the last one in the notebook counts.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        nb.metadata.pop(METADATA, None)
        if found := record.find(nb):
            nb.metadata[METADATA] = found
        return nb, resources
