# Each target sets up what it needs, on a machine with only Python 3.11 to 3.14, git and make.
# PYTHON=/path/to/python names the Python; EXAMPLE=pipeline or xgboost chooses another demo.

EXAMPLE ?= elasticnet
DEMO ?= build/demo/$(EXAMPLE)
TESTS ?=
REPEATS ?= 12
MINUTES ?= 30
KILLS ?= 1000
FAULTS ?= 150
PROMOTIONS ?= 1000
PROMOTERS ?= 50

# what the shell happens to have set must not reach the tools
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONWARNINGS
export PYTHONNOUSERSITE := 1
export MLFLOW_DISABLE_TELEMETRY := true

BIN := .venv/bin
COG := $(BIN)/cog -I docs
GENERATED := README.md docs/reference/*.md docs/reference/checks/*.md docs/performance.md docs/error-rates.md docs/metric-error-rates.md docs/latency-rates.md

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench calibrate torture docs picture clean set-up

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

set-up: ## make .venv with the pinned dependencies; the other targets do it too
	@.ci/set-up

demo: set-up ## train, register, judge, promote and describe a small real model, in build/demo
	@rm -rf build/demo/$(EXAMPLE)
	@mkdir -p $(DEMO)
	@cd $(DEMO) && "$(CURDIR)/$(BIN)/gate" demo --example $(EXAMPLE)
	@echo 'The commands gate and mlflow are in .venv/bin.'

test: set-up ## run the tests, on two cores; TESTS=tests/demo runs some of them
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

lint: set-up ## style, types, floors, and whether the generated pages are up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(COG) --check --check-fail-msg "run make docs" $(GENERATED)

format: set-up ## put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: set-up ## measure what docs/performance.md and docs/latency-rates.md quote; MINUTES=2 is shorter
	@$(BIN)/python -m bench
	@OMP_NUM_THREADS=1 $(BIN)/python -m bench.latency identical --minutes $(MINUTES) --out build/runs.jsonl
	@OMP_NUM_THREADS=1 $(BIN)/python -m bench.latency peers --minutes $(MINUTES) --out build/runs.jsonl
	@$(BIN)/python -m bench.latency.rates build/runs.jsonl
	@rm build/runs.jsonl

calibrate: set-up ## measure the error rates that docs/error-rates.md quotes, two hours; REPEATS=1 is shorter
	@OMP_NUM_THREADS=1 $(BIN)/python -m bench.calibrate --repeats $(REPEATS)
	@OMP_NUM_THREADS=1 $(BIN)/python -m bench.metric_error_rates

torture: set-up ## promote, killed at random, against faults, many at once; KILLS=20 FAULTS=20 PROMOTIONS=50 is shorter
	@$(BIN)/python -m bench.torture --kills $(KILLS) --faults $(FAULTS) --promotions $(PROMOTIONS) --promoters $(PROMOTERS)

docs: set-up ## write the generated parts of the pages anew
	$(COG) -r $(GENERATED)

picture: set-up ## draw the README's picture from a real run
	@$(BIN)/python docs/picture.py

clean: ## remove everything that make made
	rm -rf .venv build dist .gate .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks *.egg-info
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
