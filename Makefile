# The commands of the house. `make help` lists them; ARGS="…" is passed on.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS := --quiet --disable-pip-version-check --require-virtualenv
ARGS ?=

.PHONY: help
help: ## List the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.ready ## Create .venv with every pinned dependency

$(VENV)/.ready: requirements/development.lock pyproject.toml tools/find-python
	@echo "setting up $(VENV) (once; about a minute)" >&2
	@rm -rf $(VENV)
	@"$$(tools/find-python)" -m venv $(VENV)
	@$(BIN)/pip install $(PIP_FLAGS) --no-deps --require-hashes -r requirements/development.lock
	@$(BIN)/pip install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: setup ## Run the whole system on this machine: page at http://127.0.0.1:8080
	@$(BIN)/thresher demo $(ARGS)

.PHONY: test
test: setup ## Run every check
	@tools/check $(ARGS)

.PHONY: faults
faults: setup ## Inject every fault and account for every event
	@$(BIN)/python -m bench.faults $(ARGS)

.PHONY: greengrass
greengrass: setup ## Run the built components under both emulated nuclei, through everything that goes wrong
	@$(BIN)/python -m bench.greengrass $(ARGS)

.PHONY: rollout
rollout: setup ## Roll bad versions and a good one out to fifty gateways (docs/rollouts.md)
	@$(BIN)/python -m bench.rollout $(ARGS)

.PHONY: soak
soak: setup ## Run half an hour with a flapping link: memory, files and threads must stay flat
	@$(BIN)/python -m bench.soak $(ARGS)

.PHONY: bench
bench: setup ## Measure what the documents claim
	@$(BIN)/python -m bench $(ARGS)

.PHONY: evaluate
evaluate: setup ## Measure the filter and its rivals, e.g. ARGS="--data DIR" (docs/evaluation.md)
	@OPENBLAS_NUM_THREADS=1 "$$(tools/own-venv training)/bin/python" -m training.evaluate $(ARGS)

.PHONY: bundle
bundle: setup ## Stage build/lambda for `sam deploy`
	@tools/bundle

.PHONY: format
format: setup ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

.PHONY: schemas
schemas: setup ## Write contract/schemas anew
	@$(BIN)/python -m contract.schema

.PHONY: models
models: setup ## Build models/ anew
	@$(BIN)/python -m training.build

.PHONY: lock
lock: setup ## Resolve requirements/*.lock anew
	@for name in gateway development sam lambda training tflite; do \
	  (cd requirements && ../$(BIN)/uv pip compile --quiet --universal $$([ $$name = lambda ] && echo --python-version 3.13 || echo --python-version 3.11) \
	    --generate-hashes --no-header --no-annotate --output-file $$name.lock $$name.in); \
	done

.PHONY: clean
clean: ## Remove everything that can be made again
	@rm -rf $(VENV) .venv-* build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
