# Needs make and Python 3.11 or newer, nothing else. `make help` lists what there is.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PIP    := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench histories theory altered mutations fuzz docs clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1 /p' $(MAKEFILE_LIST) | while read -r name text; do \
	  printf '  make %-10s %s\n' "$$name" "$$text"; done

install: $(READY) ## make .venv and install Trunkline with all that its tests need

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) is missing or older than Python 3.11; name another one: make PYTHON=/path/to/python3.11" >&2; \
	  exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@$(PIP) install --editable '.[dev]'
	@touch $@

demo: $(READY) ## a small contact centre: 50 Workers, 2,000 Tasks, every one of them checked
	@$(BIN)/trunkline demo

test: $(READY) ## all tests, on two cores
	@$(BIN)/pytest -n 2

lint: $(READY) ## style, format and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: $(READY) ## measure against the budgets, in ten minutes; renews docs/benchmarks.md (less: make bench QUICK=--quick)
	@$(BIN)/python -m benchmarks.run $(QUICK)

histories: $(READY) ## 20,000 random histories, engine against model
	@TRUNKLINE_HISTORIES=20000 $(BIN)/pytest -n 2 tests/property/test_histories.py

theory: $(READY) ## waiting times against queueing theory, in virtual time; renews docs/theory.md
	@$(BIN)/python -m tests.theory --write docs/theory.md

altered: $(READY) ## the load suite against deployments that are wrong on purpose, each for 30 s: `make test` plays all at once
	@$(BIN)/pytest tests/bench/each_altered.py

mutations: $(READY) ## break the Lua scripts on purpose, one line at a time: the tests have to notice
	@$(BIN)/python -m tests.mutations --jobs 2

fuzz: $(READY) ## 20,000 requests and more, made from the API's own description
	@TRUNKLINE_FUZZ=460 $(BIN)/pytest -n 2 tests/clients/test_schemathesis.py

docs: $(READY) ## renew docs/compatibility.md
	@$(BIN)/python -m api.surface.compatibility --write

clean: ## remove .venv and everything generated
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
