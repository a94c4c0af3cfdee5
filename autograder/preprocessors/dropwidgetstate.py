"""Let the remains of a progress bar not stop the feedback."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor


class DropWidgetState(NbGraderPreprocessor):
    """Remove the notebook's stored widgets, which grading makes anew if it needs them.

    Colab stores them without their state, and nbconvert then fails to make the feedback page
    (jupyter/nbconvert#1731).
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        nb.metadata.pop("widgets", None)
        return nb, resources
