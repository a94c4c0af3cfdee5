"""Colab, rebuilt from its package versions, with a stand-in for ``google.colab``.

Colab itself cannot be reached from a test. Everything but its servers is here:
``requirements.txt`` holds its versions, ``environment`` installs them, ``stand_in`` answers as
its upload and download do, and ``session`` runs notebooks the way a Colab tab does.
"""
