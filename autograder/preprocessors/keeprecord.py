"""Carry a student's record from the outputs into the notebook that is graded."""

import re

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

METADATA = "course_record"
_RECORD = re.compile(r"course-record:\S+:end")


class KeepRecord(NbGraderPreprocessor):
    """Copy the records in the outputs to the notebook's metadata, before outputs are cleared.

    A record holds what the student's own model answered; ``course_utils.record`` tells more.
    Of several records for the same thing the last one in the notebook counts.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        nb.metadata.pop(METADATA, None)
        pages = [
            "".join(output.get("data", {}).get("text/html", ""))
            for cell in nb.cells
            for output in cell.get("outputs", [])
        ]
        if records := _RECORD.findall("\n".join(pages)):
            nb.metadata[METADATA] = "\n".join(records)
        return nb, resources
