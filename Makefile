PYTHON ?= python3.11
VENV := .venv
TRITON_VENV := .venv-triton
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

.PHONY: help install
help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(VENV)/.installed $(TRITON_VENV)/.installed  ## both virtual environments (a second run takes no time)

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
