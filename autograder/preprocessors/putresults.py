"""Put what a notebook gave, when it ran elsewhere, into the notebook that nbgrader keeps."""

import json
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode


class PutResults(NbGraderPreprocessor):
    """Fill in the outputs of each cell from a file; it takes the place of ``Execute``.

    A check cell's outputs are its words and its points, made where no student's code runs.
    """

    folder = Unicode(help="Folder of results: <stage>/<student>.result.json").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        names = resources["nbgrader"]
        path = Path(self.folder, names["assignment"], f"{names['student']}.result.json")
        outputs = json.loads(path.read_text(encoding="utf-8"))["outputs"]
        for cell in nb.cells:
            if cell.cell_type == "code":
                found = [nbformat.from_dict(output) for output in outputs.get(cell.id, [])]
                cell.outputs, cell.execution_count = found, None
        return nb, resources
