# Everything is made inside the checkout (.venv, .paas-stream) and the cache folder below.
# `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
ARGS ?=

export PAAS_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/paas-stream
export UV_SYSTEM_CERTS ?= true
export UV_PYTHON_DOWNLOADS ?= never

BIN := .venv/bin
UV_VERSION := $(patsubst uv==%,%,$(shell cat requirements/uv.txt))
UV := $(PAAS_CACHE_DIR)/uv-$(UV_VERSION)/bin/uv

# A stamp's name holds what it depends on, so that a change of any of it makes a step run again.
key = $(shell { echo "$(CURDIR) $(PAAS_CACHE_DIR)"; cat $(1); } | sha256sum | cut -c1-12)
MADE_STAMP := .venv/.made-$(call key,/dev/null)
VENV_STAMP := .venv/.installed-$(call key,requirements/dev.txt setup.cfg)
KAFKA_STAMP := .venv/.kafka-$(call key,kafka/pom.xml)
IM_STAMP := .venv/.im-$(call key,requirements/im.txt)
AUTH_STAMP := .venv/.auth-$(call key,tests/oidc/package-lock.json tests/oidc/install.sh requirements/keystone.txt tests/keystone/install.sh)
OPENSTACK_STAMP := .venv/.openstack-$(call key,requirements/openstack.txt tests/openstack/install.sh tests/openstack/build.py tests/openstack/services.py tests/keystone/install.sh)
RALLY_STAMP := .venv/.rally-$(call key,requirements/rally.txt tests/keystone/install.sh)
MLFLOW_STAMP := .venv/.mlflow-$(call key,requirements/mlflow.txt tests/keystone/install.sh)
BROWSER_STAMP := .venv/.browser-$(call key,tests/browser/package-lock.json tests/browser/install.sh)

.PHONY: help setup kafka-install im-install browser-install auth-install openstack rally mlflow run stop test chaos coverage lint check format docs lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV_STAMP)  ## make .venv with everything that development needs
	@echo "==> .venv is ready"

kafka-install: $(KAFKA_STAMP)  ## fetch the embedded Kafka into the cache

im-install: $(IM_STAMP)  ## install the embedded Infrastructure Manager into the cache

browser-install: $(BROWSER_STAMP)  ## fetch the browser of the tests into the cache (needs npm)

auth-install: $(AUTH_STAMP)  ## install the Keystone and the OpenID provider of the tests into the cache

openstack: $(OPENSTACK_STAMP)  ## install the OpenStack services of the tests into the cache, with their databases

rally: $(RALLY_STAMP)  ## install Rally into the cache

mlflow: $(MLFLOW_STAMP)  ## install the MLflow server of the tests into the cache

run: setup kafka-install im-install  ## start everything and deploy the example
	@bash examples/run-demo.sh

stop: setup  ## stop everything that runs in the background
	@$(BIN)/paas-stream stop

test: setup kafka-install im-install browser-install auth-install openstack rally mlflow  ## run the tests; ARGS="-k name" selects
	@echo "==> Running the tests"
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: setup kafka-install im-install  ## three workers under faults; ARGS="--deployments 1000 --faults 100 --seed 1"
	@PYTHONPATH=tests $(BIN)/python -m chaos.run $(ARGS)

coverage: setup  ## run the tests that need no service, and show what they cover
	@$(BIN)/pytest -q --cov=paas_stream --cov=agents --cov=tables --cov=web \
		--cov-report=term:skip-covered tests/unit tests/agents tests/contract $(ARGS)

lint: setup  ## check format, style, types and layers
	@echo "==> Checking style (ruff)"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "==> Checking types (mypy)"
	@$(BIN)/mypy
	@echo "==> Checking layers (import-linter)"
	@$(BIN)/lint-imports

check: lint test  ## lint, then test

format: setup  ## put the code into the project's format
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

docs: setup  ## make docs/messages and docs/selection.md from the code
	@$(BIN)/paas-stream topics schemas --write docs/messages
	@$(BIN)/paas-stream providers rules --write docs/selection.md

lock: $(UV)  ## pin the newest versions that setup.cfg and requirements/*.in allow
	@echo "==> Pinning versions in requirements/"
	@compile() { $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --custom-compile-command "make lock" "$$@"; }; \
	compile setup.cfg --extra dev -o requirements/dev.txt; \
	compile setup.cfg -c requirements/dev.txt -o requirements/run.txt; \
	compile requirements/im.in -o requirements/im.txt; \
	compile requirements/keystone.in -o requirements/keystone.txt; \
	compile requirements/openstack.in -o requirements/openstack.txt; \
	compile requirements/rally.in -o requirements/rally.txt; \
	compile requirements/mlflow.in -o requirements/mlflow.txt

clean:  ## stop everything, remove .venv and what tools left; .paas-stream stays
	@if [ -x $(BIN)/paas-stream ]; then $(BIN)/paas-stream stop || true; fi
	@echo "==> Removing .venv, builds and the tools' caches"
	@rm -rf .venv build *.egg-info .coverage
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.paas-stream/*' -prune -exec rm -rf {} +

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed: install it, or name it (make PYTHON=python3.12)."; \
		exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's module venv is needed: install the package python3-venv."; exit 1; } >&2
	@echo "==> Installing uv $(UV_VERSION) in $(PAAS_CACHE_DIR)"
	@$(PYTHON) -m venv --clear "$(PAAS_CACHE_DIR)/uv-$(UV_VERSION)"
	@"$(@D)/python" -m pip install --quiet --disable-pip-version-check -r requirements/uv.txt

$(MADE_STAMP): | $(UV)
	@$(UV) venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	@touch $@

$(VENV_STAMP): | $(MADE_STAMP)
	@echo "==> Installing the pinned packages in .venv"
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(KAFKA_STAMP): | $(VENV_STAMP)
	@echo "==> Fetching the embedded Kafka"
	@$(BIN)/paas-stream kafka install
	@touch $@

$(IM_STAMP): | $(VENV_STAMP)
	@echo "==> Installing the embedded Infrastructure Manager"
	@$(BIN)/paas-stream im install
	@touch $@

$(RALLY_STAMP): | $(VENV_STAMP)
	@echo "==> Installing Rally"
	@bash tests/keystone/install.sh rally "$(PAAS_CACHE_DIR)/rally-$$(sha256sum requirements/rally.txt | cut -c1-12)" "$(UV)" "$$(realpath $(BIN)/python)"
	@touch $@

$(MLFLOW_STAMP): | $(VENV_STAMP)
	@echo "==> Installing the MLflow server of the tests"
	@bash tests/keystone/install.sh mlflow "$(PAAS_CACHE_DIR)/mlflow-$$(sha256sum requirements/mlflow.txt | cut -c1-12)" "$(UV)" "$$(realpath $(BIN)/python)"
	@touch $@

$(OPENSTACK_STAMP): | $(VENV_STAMP)
	@home="$(PAAS_CACHE_DIR)/openstack-$$(sha256sum requirements/openstack.txt | cut -c1-12)"; \
	echo "==> Installing the OpenStack services of the tests"; \
	bash tests/keystone/install.sh openstack "$$home" "$(UV)" "$$(realpath $(BIN)/python)"; \
	bash tests/openstack/install.sh "$$home"; \
	touch $@

$(AUTH_STAMP): | $(VENV_STAMP)
	@cached() { echo "$(PAAS_CACHE_DIR)/$$1-$$(sha256sum $$2 | cut -c1-12)"; }; \
	echo "==> Installing the Keystone of the tests"; \
	bash tests/keystone/install.sh keystone "$$(cached keystone requirements/keystone.txt)" "$(UV)" "$$(realpath $(BIN)/python)"; \
	if command -v npm >/dev/null; then \
		echo "==> Installing the OpenID provider of the tests"; \
		bash tests/oidc/install.sh "$$(cached oidc-provider tests/oidc/package-lock.json)"; \
		touch $@; \
	else \
		echo "==> There is no npm: the tests with an OpenID provider will be skipped"; \
	fi

$(BROWSER_STAMP): | $(VENV_STAMP)
	@if command -v npm >/dev/null; then \
		echo "==> Fetching the browser for the tests of the page"; \
		bash tests/browser/install.sh "$(PAAS_CACHE_DIR)/browser"; \
		touch $@; \
	else \
		echo "==> There is no npm: the tests of the page will be skipped"; \
	fi
