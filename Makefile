# Every target does its own set-up: Python 3.11+ and make are all it takes.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SHELL  := /bin/bash

# A set-up is done again when the project's own dependencies change.
SETUP_DEMO := $(VENV)/.setup-demo
SETUP_ALL  := $(VENV)/.setup-all

.DEFAULT_GOAL := help
.PHONY: help demo test plain faults endurance contract bench bench-large lab app check docs pictures binder lowest wheel browser clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(SETUP_DEMO)  ## Run the main job on the embedded indexer: frame, summary by mint, HTML chart
	$(BIN)/python -m helius_frames

test: $(SETUP_ALL) browser  ## Run the whole suite, browser included
	$(BIN)/python -m pytest

plain: $(SETUP_ALL)  ## Run the quick part of the suite
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not browser and not notebook"

check: $(SETUP_ALL)  ## Lint, format, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lab: $(SETUP_ALL)  ## Open JupyterLab on the notebooks
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks

app: $(SETUP_ALL)  ## Open the pull panel as a web page
	$(BIN)/voila notebooks/app.ipynb

bench: $(SETUP_ALL)  ## Print the ratios against the obvious user code
	$(BIN)/python -m tests.bench

bench-large: $(SETUP_ALL)  ## Read ten million rows and a hundred thousand owners, once
	$(BIN)/python -m tests.bench --large

faults: $(SETUP_ALL)  ## Run the whole fault matrix
	$(BIN)/python -m tests.black_box.fault_matrix

endurance: $(SETUP_ALL)  ## Read 100,000 owners through faults, and interrupt a hundred pulls
	$(BIN)/python -m tests.black_box.endurance

contract: $(SETUP_ALL)  ## Hold the contract against the demo indexer, and against PHOTON_URL where it is set
	$(BIN)/python -m pytest tests/black_box/contract

docs: $(SETUP_ALL)  ## Build the documentation site
	$(BIN)/python -m sphinx -W --keep-going -b html docs site

binder: $(SETUP_ALL)  ## Prove the Binder set-up in a clean environment, without Docker
	$(BIN)/python -m tests.project.binder_proof

pictures: $(SETUP_ALL) browser  ## Write the pictures of README and docs
	$(BIN)/python -m tests.browser.pictures

browser:
	@$(BIN)/python -m tests.browser.install

# pip resolves the project's own metadata, which an old pip cannot read all of; nothing else is used.
$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "helius_frames needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(SETUP_DEMO): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(SETUP_ALL): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[demo,nb]' --group test --group lint --group docs
	@touch $@ $(SETUP_DEMO)

# The suite without what needs a browser or a kernel: for the environments below, made anew each time.
PLAIN := -m "not browser and not notebook" --ignore tests/browser

lowest: $(BIN)/python  ## Run the suite with the lowest versions that pyproject.toml allows
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[demo,nb]' --group test
	.venv-lowest/bin/python -m pytest $(PLAIN)

# The suite stands beside the wheel, without the sources, so that what is imported is what was built.
wheel: $(BIN)/python  ## Build and check wheel and sdist, and run the suite against the installed wheel
	rm -rf dist build/suite
	$(BIN)/python -m pip install --quiet build twine
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv --clear .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-wheel/bin/python -m pip install --quiet "$$(echo dist/*.whl)[demo,nb]" --group test
	mkdir -p build/suite
	tar c --exclude ./helius_frames --exclude ./build --exclude './.venv*' --exclude ./.git . | tar x -C build/suite
	cd build/suite && ../../.venv-wheel/bin/python -m pytest $(PLAIN)

clean:  ## Remove what the targets made
	rm -rf $(VENV) .venv-lowest .venv-wheel build dist site docs/_generated docs/notebooks/*.ipynb demo-output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
