"""Lay a student's record where the notebook finds it when it runs."""

from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.preprocessors.keeprecord import METADATA
from course_utils.workbook import RECORD_FILE


class BringRecord(NbGraderPreprocessor):
    """Write the record from the notebook's metadata into ``workspace/`` beside it.

    ``course_utils.resume`` reads it there. Whatever lay in that place before is removed: only
    the notebook's own record counts.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        folder = Path(resources["metadata"]["path"]) / "workspace"
        path = folder / RECORD_FILE
        path.unlink(missing_ok=True)
        if record := nb.metadata.pop(METADATA, None):
            folder.mkdir(exist_ok=True)
            path.write_text(record, encoding="ascii", errors="replace")
        return nb, resources
