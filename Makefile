# Everything happens in .venv, which is built from the locks alone: for the demo from
# requirements-demo.lock, and for everything else from requirements.lock, which has the same pins
# and the tools of developers.
PYTHON ?= python3.11
BIN := .venv/bin
DEMO_STAMP := .venv/.demo
STAMP := .venv/.installed
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile

# By itself xdist begins with the files that have most tests, and those that take longest have few.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install demo test gate rehearse quick lint types mypy pyright golden lock browser clean \
	bench-check bench-coordination

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP) ## Build .venv from requirements.lock.

$(DEMO_STAMP): requirements-demo.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements-demo.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMP): $(DEMO_STAMP) requirements.lock
	$(PIP) --require-hashes -r requirements.lock
	@touch $@

demo: $(DEMO_STAMP) ## Check the prod stack's policies, then rehearse the loss of a region on the twin.
	$(BIN)/holdfast check -s prod
	$(BIN)/holdfast drill run region-loss

test: install ## Style, types, import contracts, every test but the gate and the rehearsals.
	$(MAKE) --no-print-directory -j 2 lint types
	$(BIN)/pytest -m "not alone and not rehearsal and not gate" $(PARALLEL) --quiet
	$(BIN)/pytest -m "alone and not rehearsal and not gate"

gate: install ## Mutants of protocols and stacks, and tens of thousands of simulated worlds.
	$(BIN)/pytest -m "gate and not alone" $(PARALLEL) --quiet
	$(BIN)/pytest -m "gate and alone"

rehearse: install ## The drill on three platforms with one mistake each, on other shapes, on other agents.
	$(BIN)/pytest -m rehearsal

quick: install ## The tests that start no process: under two minutes.
	$(BIN)/pytest -m "not slow" $(PARALLEL)

lint: install ## ruff and the import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: mypy pyright ## mypy and pyright, both strict.

mypy: install
	$(BIN)/mypy .

pyright: install
	$(BIN)/pyright --pythonpath $(BIN)/python

golden: install ## Rewrite the golden resource graphs; review the diff like code.
	$(BIN)/pytest -q tests/golden --update-golden

bench-check: install ## `holdfast check` beside `pulumi preview --policy-pack`, in one run.
	$(BIN)/python benchmarks/bench_check.py

bench-coordination: install ## Our locks beside others', installed apart, on one server, in one run.
	$(BIN)/python -m benchmarks.bench_coordination

browser: ## Debian's Chromium, for the tests that open the report.
	apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium

COMPILE := $(BIN)/uv pip compile --quiet pyproject.toml --generate-hashes \
	--no-header --no-annotate --universal --python-version 3.11 --upgrade

lock: install ## Resolve pyproject.toml again into requirements.lock and requirements-demo.lock.
	$(COMPILE) --all-extras -o requirements.lock
	$(COMPILE) --extra platform --extra build -c requirements.lock -o requirements-demo.lock
	$(BIN)/uv pip compile --quiet benchmarks/peers.in --generate-hashes --no-header --no-annotate \
		--universal --python-version 3.11 -c requirements.lock -o benchmarks/peers.lock

clean: ## Remove what `make install` and the twin left. Stop a running twin first.
	rm -rf .venv .holdfast build dist
