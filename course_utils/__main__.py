"""The command line: ``python -m course_utils doctor``."""

from __future__ import annotations

import sys

from course_utils import doctor


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status."""
    asked = sys.argv[1:] if arguments is None else arguments
    if asked[:1] != ["doctor"]:
        print("Say: python -m course_utils doctor   (its options: --try, --online, --help)")
        return 0 if asked in (["-h"], ["--help"]) else 2
    return doctor.main(asked[1:])


if __name__ == "__main__":
    sys.exit(main())
