# Two commands do everything: `make brief` and `make test`. Needed: python3 (3.11 to 3.13) with pip, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COUNTRY ?= PK
FROM ?= 2023-12-16
TO ?= 2024-03-01
BLOCK ?=
DATA ?=
OUT ?= $(if $(BLOCK),$(BLOCK)-brief.html,$(if $(filter PK,$(COUNTRY)),pakistan-brief.html,$(COUNTRY)-brief.html))
STORE ?= $(if $(DATA),brief.duckdb,uptake.duckdb)

.PHONY: brief test clean

brief: $(VENV)/.run
	$(if $(DATA),rm -f $(STORE) && $(BIN)/vpn-uptake load --db $(STORE) $(DATA))
	$(BIN)/vpn-uptake brief --db $(STORE) $(if $(BLOCK),$(BLOCK),--cc $(COUNTRY) --from $(FROM) --to $(TO)) -o $(OUT)

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadfile

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] else "vpn-uptake needs Python 3.11 or newer: set PYTHON=python3.12, say")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --constraint constraints.txt
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --constraint constraints.txt
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
