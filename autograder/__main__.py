"""The teacher's command line: ``python -m autograder``."""

from __future__ import annotations

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="make stages/ from solutions/")
    build.add_argument("--check", action="store_true", help="only say whether stages/ is fresh")
    demo = commands.add_parser("demo", help="grade a sample class, from nothing to feedback pages")
    demo.add_argument("--data", default="practice", help="a folder with CIFAR-10")
    options = parser.parse_args(arguments)
    if options.command == "build":
        return _build(options.check)
    from autograder.demo import run

    return run(options.data)


def _build(check: bool) -> int:
    from autograder.build import BuildError, build, differences

    try:
        if check:
            lines = differences()
            print("\n".join(lines) or "stages/ is fresh.")
            if lines:
                print("\nstages/ is not what solutions/ makes. Run: python -m autograder build")
            return bool(lines)
        changed = build()
    except BuildError as error:
        print(f"Not built, and stages/ is as it was:\n{error}", file=sys.stderr)
        return 1
    print(f"Built: {', '.join(changed)}." if changed else "Nothing to do: stages/ is fresh.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
