# Two commands are all a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test sdk-clients test-engine check format fuzz bench screenshots clean

demo: $(STAMP)
	@$(BIN)/iamtui --demo

test: $(STAMP)
	$(BIN)/pytest -n 2 --dist loadfile

# The AWS CLI and the JavaScript SDK, against which the tests hold the credentials endpoint; needs npm.
sdk-clients: .sdk-clients/.installed

.sdk-clients/.installed:
	npm install --prefix .sdk-clients --no-package-lock --no-audit --no-fund --ignore-scripts --silent @aws-sdk/credential-providers@3.1175.0
	$(PYTHON) -m venv .sdk-clients/aws-cli
	.sdk-clients/aws-cli/bin/python -m pip install --quiet awscli==1.46.3
	@touch $@

# What must give the same answers on every Python: make test-engine PYTHON=python3.13 VENV=.venv-3.13
test-engine: $(STAMP)
	$(BIN)/pytest -n 2 --dist loadfile tests/policy tests/catalog tests/evaluation tests/conformance tests/reference tests/account tests/analysis

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The two evaluators against each other over at least 100,000 generated requests.
fuzz: $(STAMP)
	$(BIN)/python -m tests.reference.fuzz --requests 100000

bench: $(STAMP)
	$(BIN)/python -m benchmarks

screenshots: $(STAMP)
	$(BIN)/python screenshots/make.py

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable .
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .venv-other .sdk-clients .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
