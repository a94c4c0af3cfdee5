"""Let a doubled cell harm nobody."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor


class RepairDoubledCells(NbGraderPreprocessor):
    """Make an ordinary cell of every copy of a graded cell but the last.

    nbgrader's own ``DeduplicateIds`` leaves an empty dict behind, which a later step takes for
    an ancient format; then it stops the whole class (jupyter/nbgrader#1083). The last copy
    stays the graded one, as nbgrader has it. A cell whose metadata is already empty is
    repaired too.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        seen = set()
        for cell in reversed(nb.cells):
            if not cell.metadata.get("nbgrader", True):
                del cell.metadata["nbgrader"]
            if not (utils.is_grade(cell) or utils.is_solution(cell) or utils.is_locked(cell)):
                continue
            grade_id = cell.metadata.nbgrader.get("grade_id")
            if grade_id in seen:
                self.log.warning("A copy of the cell '%s' is not graded.", grade_id)
                del cell.metadata["nbgrader"]
            seen.add(grade_id)
        return nb, resources
