PYTHON ?= python3.11
VENV := .venv
TRITON_VENV := .venv-triton
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

.PHONY: help install demo test chaos check up down apply snapshot train evaluate report export bench clean
help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{sub(/:.*/, "", $$1); printf "  make %-10s %s\n", $$1, $$2}'

install: $(VENV)/.installed $(TRITON_VENV)/.installed data/ml-100k/interactions.parquet  ## both virtual environments and the demo data (a second run takes no time)

$(VENV)/.installed: pyproject.toml
	@echo "== installing freshrank into $(VENV) (torch, transformers, feast: a few minutes the first time)"
	@command -v $(PYTHON) >/dev/null || { echo "freshrank needs Python 3.11: '$(PYTHON)' was not found. Install it, or name yours: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --disable-pip-version-check --progress-bar off -q -e ".[dev]"
	@touch $@

$(TRITON_VENV)/.installed: deploy/laptop/triton-requirements.txt
	@echo "== installing Triton Inference Server into $(TRITON_VENV) (its own environment: it needs numpy < 2)"
	@test -x $(TRITON_VENV)/bin/python || $(PYTHON) -m venv $(TRITON_VENV)
	@$(TRITON_VENV)/bin/pip install --disable-pip-version-check --progress-bar off -q -r $<
	@touch $@

data/ml-100k/interactions.parquet: | $(VENV)/.installed
	@$(BIN)/python -m training.datasets ml-100k --to data/ml-100k

demo: install  ## the main job on real data, end to end (KEEP=1 leaves the system running)
	@$(BIN)/python -m deploy.laptop.demo $(if $(KEEP),--keep)

test: install  ## every test, those with real processes included
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder

chaos: install  ## kill, freeze and restart everything under 100,000 events, then compare every row (ARGS="--seed 7")
	@$(BIN)/python -W ignore -m tests.chaos $(ARGS)

check: install  ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

up: install  ## run the system here (Ctrl-C or make down stops it; ARGS="--without api")
	@$(BIN)/python -m deploy.laptop.up $(ARGS)

down:  ## stop what `make up` or `make demo KEEP=1` started
	@$(BIN)/python -m deploy.laptop.down

apply snapshot train evaluate report export: install
apply:  ## write the feature definitions to the registry
	@$(BIN)/python -m feature_repo.apply
snapshot:  ## offline log -> point-in-time training set
	@$(BIN)/python -m training.snapshot $(ARGS)
train:  ## snapshot -> ranker
	@$(BIN)/python -m training.train $(ARGS)
evaluate:  ## ranker and baselines on the test window
	@$(BIN)/python -m training.evaluate $(ARGS)
report:  ## one page on a run: quality, slices, curves, what the model uses
	@$(BIN)/python -m training.report $(ARGS)
export:  ## ranker -> ONNX bundle and Triton version
	@$(BIN)/python -m training.export $(ARGS)

bench: install  ## the hot paths against a floor measured in the same run
	@$(BIN)/python -m benchmarks.rank
	@$(BIN)/python -m benchmarks.stream
	@$(BIN)/python -m benchmarks.backfill

clean:  ## drop data and environments
	@rm -rf data $(VENV) $(TRITON_VENV)
