"""Forget which Python a notebook was last saved with."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode, from_dict
from nbgrader.preprocessors import NbGraderPreprocessor

_ANY = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def forget_machine(nb: NotebookNode) -> None:
    """Name Python 3 and no more: JupyterLab writes the editor's version on each save."""
    nb.metadata.update(from_dict(_ANY))


class ForgetMachine(NbGraderPreprocessor):
    """Keep the teacher's version of Python out of the student's notebook."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        forget_machine(nb)
        return nb, resources
