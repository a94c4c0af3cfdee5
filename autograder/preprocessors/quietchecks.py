"""Let only a check's points decide, not what a library wrote beside them."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor


class QuietChecks(NbGraderPreprocessor):
    """Remove stderr from the outputs of check cells.

    nbgrader gives no points to a check cell with a line on stderr. Such lines come late, from
    C libraries and other threads, and can land in any cell. The checks here never write to
    stderr: they return points, also for a wrong answer.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        if cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell):
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        return cell, resources
