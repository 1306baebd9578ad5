# Two commands matter: `make run` opens the atlas in a browser, `make test` proves it.

PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
# The first interpreter that fits; a shim that does not run is passed over.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo $$p; break; }; done)
DATA ?= ../shared/data
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test test-long lint bench lock docs browser clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/run.stamp ## Load the bundled corpus when needed and open the app (PORT=8501)
	@$(BIN)/tokenatlas load --update
	@exec $(BIN)/tokenatlas serve --port $(PORT)

test: $(VENV)/dev.stamp lint browser ## Everything that must hold
	$(BIN)/python -m pytest -m "not long and not browser" -n 2 --dist loadfile $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m "not long and browser" $(PYTEST_ARGS)

test-long: $(VENV)/dev.stamp lint browser ## The same with the large seed counts and sizes
	$(BIN)/python -m pytest -m "not browser" -n 2 --dist loadfile $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m browser $(PYTEST_ARGS)

lint: $(VENV)/dev.stamp ## Ruff, mypy and the arrows between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp $(PEERS)/stamp ## Ratios against a peer or a limit, one JSON object a line (DATA=folder with research data)
	$(BIN)/python benchmarks/store.py
	$(BIN)/python benchmarks/neo4j_store.py $(DATA)
	$(BIN)/python benchmarks/screen.py $(DATA) --peers $(PEERS)/bin/python
	$(BIN)/python benchmarks/specs.py $(DATA)
	$(BIN)/python benchmarks/identity.py $(DATA) --peers $(PEERS)/bin/python

lock: $(VENV)/dev.stamp ## Make every requirement file anew from pyproject.toml and benchmarks/peers.in
	$(BIN)/python -m tests.house.locks

docs: $(VENV)/dev.stamp ## Write docs/cli.md anew from the commands
	$(BIN)/python -m tests.house.cli_reference > docs/cli.md

browser: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.browser.obtain

clean: ## Remove the environment and every cache
	rm -rf $(VENV) $(PEERS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache *.egg-info

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found. Install one, or name it: make run PYTHON=/path/to/python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python has no venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }

$(VENV)/run.stamp: requirements.txt pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Peers clash with what the app needs, so they live apart.
$(PEERS)/stamp: benchmarks/peers.txt
	@$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check -r benchmarks/peers.txt
	@touch $@
