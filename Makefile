# Everything here can also be done without make: see README.md.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= practice

.PHONY: demo test lab teach build bench-stages bench-grading bench-report clean

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and 'Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

demo: .venv/.installed
	$(BIN)/python -m autograder demo --data "$(DATA)"

test: .venv/.installed
	$(BIN)/python -m pytest

lab: .venv/.installed
	$(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" stages/stage_01_meet_the_photos/stage_01_meet_the_photos.ipynb

teach: .venv/.installed
	JUPYTER_CONFIG_PATH="$(CURDIR)/autograder" $(BIN)/jupyter lab

build: .venv/.installed
	$(BIN)/python -m autograder build

bench-stages: .venv/.installed
	$(BIN)/python -m tests.benchmarks.stages "$(DATA)"

bench-grading: .venv/.installed
	$(BIN)/python -m tests.benchmarks.grading "$(DATA)"

bench-report: .venv/.installed
	$(BIN)/python -m tests.benchmarks.report

clean:
	rm -rf .venv .venv-colab demo
