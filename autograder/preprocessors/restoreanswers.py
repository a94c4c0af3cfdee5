"""Let a deleted answer cell not cost the whole grade."""

import copy

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from autograder import ROOT


class RestoreAnswers(NbGraderPreprocessor):
    """Put deleted answer cells back, blank, where the released notebook has them.

    nbgrader brings deleted check cells back after the cell before them. When that one, the
    answer, is gone as well, it fails and the student gets no grade. A notebook that has lost
    most of its answer cells is left as it is: that needs a teacher's eye.
    """

    released = Unicode(str(ROOT / "stages"), help="Folder of the released stages").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        name = resources["unique_key"]
        try:
            released = nbformat.read(f"{self.released}/{name}/{name}.ipynb", as_version=4)
        except FileNotFoundError:
            return nb, resources
        answers = [cell for cell in released.cells if _is_answer(cell)]
        present = {_grade_id(cell) for cell in nb.cells}
        missing = [cell for cell in answers if _grade_id(cell) not in present]
        if len(missing) > len(answers) / 2:
            return nb, resources
        for cell in missing:
            self.log.warning("The deleted answer cell '%s' is put back.", _grade_id(cell))
            nb.cells.insert(self._place(nb, released, cell), copy.deepcopy(cell))
        return nb, resources

    @staticmethod
    def _place(nb: NotebookNode, released: NotebookNode, cell: NotebookNode) -> int:
        """After the last cell before it that the student still has."""
        before = {_grade_id(other) for other in released.cells[: released.cells.index(cell)]}
        places = [i for i, other in enumerate(nb.cells) if _grade_id(other) in before - {None}]
        return max(places, default=-1) + 1


def _grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _is_answer(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
