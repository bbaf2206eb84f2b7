# The book's commands. `make help` lists them; every target sets up what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
WORKERS ?= 2
READY := $(VENV)/.ready
READY_LAB := $(VENV)/.ready-lab
SMOKE := build/smoke
# A relative folder is meant from here: kernels work in another one.
define ABSOLUTE
if [ -n "$${KDGAN_RUNS:-}" ]; then \
	  export KDGAN_RUNS="$$($(PY) -c 'from kdgan_lib import paths; print(paths.runs_dir())')"; fi; \
	if [ -n "$${KDGAN_DATA:-}" ]; then \
	  export KDGAN_DATA="$$($(PY) -c 'from kdgan_lib import paths; print(paths.data_dir())')"; fi
endef

.PHONY: help book test lab site lint unit chapters notebooks data clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: data ## install, fetch MNIST, run every chapter on real data, build the site
	OMP_NUM_THREADS=1 $(PY) -m kdgan_lib.cli book execute --profile book --folder build/book --workers $(WORKERS)
	$(PY) -m kdgan_lib.cli book site --notebooks build/book
	@echo "Read build/site/index.html"

test: lint unit chapters notebooks ## everything that CI checks

lint: $(READY) ## format, style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: data ## unit, property and fault tests
	OMP_NUM_THREADS=1 $(PY) -m pytest -n $(WORKERS)

chapters: data ## run every chapter at `smoke`, build the site from that, check the kept ones
	OMP_NUM_THREADS=1 $(PY) -m kdgan_lib.cli book execute --profile smoke --folder $(SMOKE) --workers $(WORKERS)
	$(PY) -m kdgan_lib.cli book site --notebooks $(SMOKE) --output build/site-smoke
	$(PY) -m kdgan_lib.cli book check

notebooks: data ## nbmake: every kept notebook runs at `smoke`
	$(ABSOLUTE); OMP_NUM_THREADS=1 $(PY) -m pytest --nbmake --nbmake-kernel=python3 --nbmake-timeout=900 \
	  -n $(WORKERS) book/*.ipynb

site: $(READY) ## build the site from the kept notebooks
	$(PY) -m kdgan_lib.cli book site

lab: $(READY_LAB) ## open the chapters in JupyterLab
	$(ABSOLUTE); $(BIN)/jupyter lab book

data: $(READY) ## fetch and verify MNIST (nothing happens if it is there)
	$(PY) -m data_prep mnist

# The stamps make a second call skip the installation; a change of pyproject.toml repeats it.
$(READY): pyproject.toml
	@test -d $(VENV) || { \
	  $(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11)' 2>/dev/null || { \
	    echo "$(PYTHON) is no Python 3.11 or newer: name one, as in \`make PYTHON=python3.12\`."; \
	    exit 1; }; \
	  $(PYTHON) -m venv $(VENV); }
	@$(PY) -c 'import sys, pip; assert sys.version_info >= (3, 11)' 2>/dev/null || { \
	  echo "$(VENV) has no Python 3.11 or newer with pip: delete it, and this makes another."; exit 1; }
	$(PY) -m pip install --quiet -e '.[dev,docs]'
	@touch $@

$(READY_LAB): $(READY)
	$(PY) -m pip install --quiet -e '.[lab]'
	@touch $@

clean: ## remove what was built; the environment and the data stay
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
