# Everything a newcomer needs is two commands: `make run` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev

.PHONY: run test lint bench elm clean help

help:           ## what can be made
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Placet needs Python 3.11 or newer: make run PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Placet into $(VENV) (once; about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded]'
	@touch $@

$(DEV): $(READY)
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded,dev]'
	@touch $@

run: $(READY)   ## start the server in sandbox mode on http://127.0.0.1:8080/fhir
	@exec $(BIN)/placet serve --sandbox

test: $(DEV)  ## the whole test suite
	@$(BIN)/python -m pytest -n 3 $(ARGS)

lint: $(DEV)  ## style, types, import contracts, topics
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/placet lint

bench: $(DEV) ## speed, as ratios against a floor measured in the same run
	@$(BIN)/python -m bench $(ARGS)

elm:            ## compile the CQL of forms to ELM beside it (CONTENT=DIR for a payer's own)
	@command -v npm >/dev/null || { echo "make elm needs Node 20 or newer with npm; the server itself does not: its ELM is in the repository"; exit 1; }
	@test tools/elm/node_modules/.package-lock.json -nt tools/elm/package-lock.json || npm ci --prefix tools/elm --ignore-scripts --no-audit --no-fund --silent
	@node tools/elm/compile.mjs $(or $(CONTENT),questionnaires tests/prepopulation/shared)

clean:          ## remove the environment (never the data in .placet/)
	rm -rf $(VENV) tools/elm/node_modules build dist *.egg-info
