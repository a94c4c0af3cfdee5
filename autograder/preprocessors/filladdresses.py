"""Write the repository's address into a student notebook."""

import tomllib

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

import course_utils
from autograder import ROOT

BADGES = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{slug}/blob/{tag}/{path})\n"
    "[![Open in Binder](https://mybinder.org/badge_logo.svg)]"
    "(https://mybinder.org/v2/gh/{slug}/{tag}?urlpath=lab/tree/{path})"
)


def repository() -> str:
    """Return the repository's address, which stands in pyproject.toml and nowhere else."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]["urls"]["Repository"].rstrip("/")


def tag() -> str:
    """Return the name of the release that links point to."""
    return f"v{course_utils.__version__}"


class FillAddresses(NbGraderPreprocessor):
    """Replace ``{{ repository }}``, ``{{ tag }}`` and ``{{ badges }}`` in the text of cells.

    The badges open the student's copy of this very notebook. This happens before nbgrader
    takes its checksums, so that what it stores is what the student gets.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        name = resources["unique_key"]
        values = {"repository": repository(), "tag": tag()}
        slug = values["repository"].removeprefix("https://github.com/")
        path = f"stages/{name}/{name}.ipynb"
        values["badges"] = BADGES.format(slug=slug, tag=values["tag"], path=path)
        for cell in nb.cells:
            for key, value in values.items():
                cell.source = cell.source.replace("{{ " + key + " }}", value)
        return nb, resources
