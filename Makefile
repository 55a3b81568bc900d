# The commands of the project. Everything is installed into .venv from the lock files, with hashes.
# Variables: PYTHON (which Python to use), CONFIG (a configuration file for `make run`), ARGS (for pytest).

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --quiet

.PHONY: help run test check e2e e2e-long bench format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run ## serve the registry at localhost:5000, files in ./data
	@exec $(PY) -m app serve $(CONFIG)

test: $(VENV)/.dev ## all tests but those with real clients
	@.ci/programs strace redis-server
	@if command -v go > /dev/null; then .ci/gotools versitygw; \
	    else echo "Go is not installed: tests on versitygw are skipped unless it was built before"; fi
	$(PY) -m pytest -n 2 --dist worksteal -m "not e2e and not long" $(ARGS)

check: $(VENV)/.dev ## format, lint, types, architecture
	$(PY) -m ruff format --check
	$(PY) -m ruff check
	$(PY) -m mypy
	$(PY) -m pytest -q tests/test_architecture.py

e2e: $(VENV)/.dev ## real clients and the OCI conformance tool
	@.ci/programs skopeo docker-registry
	@.ci/gotools versitygw conformance crane regctl oras
	$(PY) -m pytest -n 2 --dist worksteal -m "e2e and not long" $(ARGS) tests/e2e tests/wire

e2e-long: $(VENV)/.dev $(VENV)/.clients ## more clients, large blobs, memory, every crash, large models
	@.ci/programs skopeo docker-registry strace redis-server podman buildah radosgw ceph-mon ceph-osd
	@.ci/gotools versitygw conformance crane regctl oras helm cosign registry
	$(PY) -m pytest -m long $(ARGS)

bench: $(VENV)/.dev ## requests a second, and requests to S3 for each operation, beside the Go registry
	@.ci/programs wrk docker-registry
	@.ci/gotools versitygw registry
	$(PY) -m bench.compare
	$(PY) -m bench.requests

format: $(VENV)/.dev ## format the code and mend what can be mended
	$(PY) -m ruff format
	$(PY) -m ruff check --fix

lock: ## bring the lock files up to date (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    --output-file requirements/run.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    --extra dev --output-file requirements/dev.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    --output-file requirements/clients.txt requirements/clients.in

clean: ## remove what was installed and cached, not the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis

# A file in .venv stands for each step that is done, so that a second run begins at once.
$(VENV)/.made: .ci/python
	@python=$$(.ci/python $(PYTHON)) && echo "making $(VENV) with $$python" && $$python -m venv $(VENV)
	@touch $@

$(VENV)/.run: requirements/run.txt $(VENV)/.made
	$(PIP) --require-hashes -r requirements/run.txt
	@touch $@

# The development set holds all of the run set; the project itself comes last, for the command `moorage`.
$(VENV)/.dev: requirements/dev.txt pyproject.toml $(VENV)/.made
	$(PIP) --require-hashes -r requirements/dev.txt
	$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

# Python clients of registries, away from the registry's own environment.
$(VENV)/.clients: requirements/clients.txt $(VENV)/.made
	$(PY) -m venv $(VENV)/clients
	$(VENV)/clients/bin/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes -r $<
	@touch $@
