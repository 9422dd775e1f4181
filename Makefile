# Two commands set everything up on a fresh machine: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

PLUGIN := obsidian-plugin
MODULES := $(PLUGIN)/node_modules/.package-lock.json

.PHONY: demo test lint plugin plugin-e2e docs clean

demo: $(VENV)/.starter
	$(BIN)/vaultbot ask "what is quantization?" --vault examples/garden

test: $(VENV)/.test
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Needs Node 20 or newer: checks and tests the plugin, and builds it into vaultbot/plugin.
plugin: $(MODULES)
	cd $(PLUGIN) && npm run lint && npm test && npm run build

# Needs a Chromium as well: the built plugin in a browser, with a real daemon.
plugin-e2e: $(MODULES) $(VENV)/.test
	cd $(PLUGIN) && npm run e2e

# The site of docs/, in build/docs/index.html.
docs: $(VENV)/.docs
	$(BIN)/mkdocs build

$(MODULES): $(PLUGIN)/package.json $(PLUGIN)/package-lock.json
	cd $(PLUGIN) && npm ci --no-audit --no-fund
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.starter: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -c constraints.txt -e '.[starter]'
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -c constraints.txt -e '.[starter,test]'
	touch $@ $(VENV)/.starter

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -c constraints.txt -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) $(PLUGIN)/node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
