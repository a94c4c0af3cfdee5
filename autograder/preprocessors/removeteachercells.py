"""Keep the teacher's cells out of the student's notebook."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

TAG = "teacher"


class RemoveTeacherCells(NbGraderPreprocessor):
    """Remove every cell with the tag ``teacher``: coach notes and the teacher's demo."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        nb.cells = [cell for cell in nb.cells if TAG not in cell.metadata.get("tags", [])]
        return nb, resources
