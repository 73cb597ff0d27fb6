# Every verb sets itself up: nothing but Python 3.11 and make is needed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime.stamp
DEV := $(VENV)/.dev.stamp
# uv where it could be had, else the pip of the environment.
INSTALL = if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python "$$@"; \
          else $(BIN)/python -m pip install --quiet "$$@"; fi

.PHONY: help demo test check style format bench campaign-book campaign-journal kill simulate defects peers peers-record sessions docs lock clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(RUNTIME) ## two real backtests on the sample data, with their tear sheets
	@$(BIN)/tradsys data import "data/sample/nse_1min_mit/*.parquet" --format nse_1min_mit
	@$(BIN)/tradsys data resample FEDERALBNK --to 1h
	@$(BIN)/tradsys data resample FORTIS --to 15m
	@$(BIN)/tradsys backtest configs/demo_opening_range.toml
	@$(BIN)/tradsys backtest configs/demo_ema_trend.toml

test: style ## style, types, import rules and the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q

check: style ## style, types, import rules and the house rules
	@$(BIN)/python -m pytest -q tests/house

style: $(DEV) ## style, types and import rules alone
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(DEV) ## put the code into the house style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(DEV) ## measure beside the peers and write docs/benchmarks.md
	@$(BIN)/python -m benchmarks.run

campaign-book: $(DEV) ## ten million random commands through both order books
	@$(BIN)/python -m tools.book_campaign

campaign-journal: $(DEV) ## every bit of a journal of 1 MiB flipped, and what its reader says
	@$(BIN)/python -m tools.journal_campaign

SEEDS ?= 2000
FROM ?= 0
simulate: $(DEV) ## trading under every fault, from one seed after the other: SEEDS=200000, FROM=0
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) --from $(FROM)

defects: $(DEV) ## plant each of the known defects and see that the simulator finds it
	@$(BIN)/python -m tests.simulation.defects --record

kill: $(DEV) ## N trading processes killed and started again, beside what the venue wrote down
	@$(BIN)/python -m tools.kill_campaign --kills $(or $(N),1000)

peers: $(DEV) ## build the peers' environments that bench uses
	@$(BIN)/python -m benchmarks.peers

peers-record: $(DEV) ## record the peers' trades on ORCL daily as answers for the tests
	@$(BIN)/python -m benchmarks.record_peers

sessions: $(DEV) ## generate the table of exchange sessions
	@$(BIN)/python tools/generate_sessions.py

docs: $(DEV) ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

lock: $(DEV) ## resolve the pinned requirements anew
	@compile() { $(BIN)/uv pip compile --quiet --no-header --no-annotate --generate-hashes --no-emit-index-url \
	    --python-version 3.11 --upgrade "$$@"; }; \
	compile requirements-build.in -o requirements-build.txt; \
	compile requirements-uv.in -o requirements-uv.txt; \
	compile pyproject.toml -o requirements.txt; \
	compile pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt

clean: ## remove the environment and everything generated
	@rm -rf $(VENV) site dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.tools.stamp: requirements-build.txt requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	    echo "error: $(PYTHON) is not Python 3.11 ($$($(PYTHON) --version 2>&1 || true)); install it or run make PYTHON=/path/to/python3.11" >&2; \
	    exit 2; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt || \
	    echo "uv is not to be had here; going on with pip" >&2
	@touch $@

$(RUNTIME): $(VENV)/.tools.stamp requirements.txt pyproject.toml
	@set -- --require-hashes -r requirements.txt; $(INSTALL)
	@set -- --no-deps --no-build-isolation --editable .; $(INSTALL)
	@$(BIN)/python -m compileall -q tradsys
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.txt
	@set -- --require-hashes -r requirements-dev.txt; $(INSTALL)
	@touch $@
