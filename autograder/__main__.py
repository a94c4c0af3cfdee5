"""The teacher's command line: ``python -m autograder``."""

from __future__ import annotations

import argparse
import multiprocessing
import sys


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="make stages/ from solutions/")
    build.add_argument("--check", action="store_true", help="only say whether stages/ is fresh")
    demo = commands.add_parser("demo", help="grade a sample class, from nothing to feedback pages")
    demo.add_argument("--data", default="practice", help="a folder with CIFAR-10")
    _add_grade(commands)
    options = parser.parse_args(arguments)
    if options.command == "build":
        return _build(options.check)
    if options.command == "grade":
        if not options.scheduler:
            _begin_to_load()
        from autograder.grade import grade

        return grade(options)
    from autograder.demo import run

    return run(options.data)


def _begin_to_load() -> None:
    """Have the process that workers are forked from load their libraries while this one loads."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        from multiprocessing import forkserver  # there is none on Windows

        forkserver.set_forkserver_preload(["autograder.unit"])
        forkserver.ensure_running()


def _add_grade(commands: argparse._SubParsersAction) -> None:
    grade = commands.add_parser(
        "grade", help="grade a class, from what was handed in to the grades"
    )
    add = grade.add_argument
    add(
        "folder",
        nargs="?",
        help="what was handed in: notebooks, folders or zip files; without it, "
        "what is stored is judged again",
    )
    add("--stage", default="all", help="a number from 1 to 12, or all")
    add("--course", default="", help="the folder for the gradebook and the feedback")
    add("--data", default="", help="a folder with CIFAR-10, or practice")
    add("--workers", type=int, default=0, help="notebooks that run at the same time")
    add("--scheduler", default="", help="address of a Dask scheduler with workers")
    add("--gradebook", default="", help="address of another database than gradebook.db")
    add(
        "--sandbox",
        default="",
        help="bubblewrap, podman, docker or none; else the first that works",
    )
    add("--require-sandbox", action="store_true", help="refuse to run without a sandbox")
    add("--cell-seconds", type=float, default=900, help="that a cell may run")
    add("--seconds", type=float, default=1800, help="that a notebook may run")
    add("--memory", type=float, default=3, help="gigabytes that a notebook may use")
    add("--again", action="store_true", help="run notebooks again that have not changed")
    add("--no-feedback", action="store_true", help="write no feedback pages")
    add("--no-report", action="store_true", help="write no class report and no tables")


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
