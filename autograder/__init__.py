"""What a teacher needs: the build of the student notebooks, nbgrader's configuration, grading."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
