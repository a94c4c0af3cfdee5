"""Stands in for the package ``google.colab``: what this course meets of it, and no more.

It was written from the behavior of github.com/googlecolab/colabtools: ``files`` in place of
the dialogs of the browser, ``_reprs`` for what Colab shows in place of a plain value.
"""

from google.colab import _reprs, files

__all__ = ["files", "load_ipython_extension"]


def load_ipython_extension(shell):
    """Called while the kernel starts, so that all of it is there before the first cell."""
    _reprs.register(shell)
