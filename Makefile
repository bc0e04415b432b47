# Main commands:      make bench   sets everything up, builds, measures, writes a report
#                    make test    sets everything up, runs all tests
# ARGS passes options to fitmap: make bench ARGS="--preset smoke --target go,rust"

PYTHON ?= python3
FITMAP := .venv/bin/fitmap
TARGET ?= go
PROFILE ?= db
.DEFAULT_GOAL := help
.PHONY: help setup bench smoke test test-all test-beside test-units test-services test-reports faults browser check check-types \
        check-style docs bench-loadgen selftest play fuzz clean lock

help:  ## show this
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile

setup: .venv/installed

.venv/installed: requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fitmap needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "this Python has no venv module: on Debian and Ubuntu apt-get install python3-venv" >&2; exit 2; }
	@echo "setting up .venv" >&2
	@$(PYTHON) -m venv --clear .venv
	@# Python compiles what is imported when it is first imported: much of it never is.
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.lock
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

bench: setup  ## build what is needed, measure all languages (about fifteen minutes), write runs/<id>/report.html
	@$(FITMAP) bench $(ARGS)

smoke: setup  ## a short bench (two minutes): does everything work here?
	@$(FITMAP) bench --preset smoke $(ARGS)

check: setup  ## format, lint, types, import contracts, CI files
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target check-types check-style

check-types:
	.venv/bin/mypy

check-style:
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/lint-imports --no-cache
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml docs/guide/ci/own-service.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.gitlab-ci docs/guide/ci/gitlab-ci.yml
	.venv/bin/zizmor --offline --no-progress .github/workflows docs/guide/ci/own-service.yml
	bash -n ci/*.sh

# A target that is no default gets the short form of the contract tests, so its image is built too.
test: check browser  ## all checks and tests: the default targets in full, every other one in the short form
	$(FITMAP) build all
	@# What measures runs first and alone.
	.venv/bin/python -m pytest tests/engine -m "not beside" --durations 8 --durations-min 10 $(ARGS)
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target test-beside test-reports
	@# These measure times, or have services that do. What compiles or computes a lot is over by now.
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target test-units test-services

test-all:  ## the same, with all tests on every target
	FITMAP_TARGETS=all $(MAKE) --no-print-directory test

test-beside:
	@# Alone on the engine: these tests look for containers that are left.
	.venv/bin/python -m pytest tests/engine -m beside $(ARGS)
	.venv/bin/python -m pytest tests/targets $(ARGS)

test-units:
	.venv/bin/python -m pytest tests/unit tests/faults/test_record_faults.py tests/faults/test_table.py $(ARGS)

test-services:
	@# Most of it waits for deadlines. All tests of a target run in one process, one after the other.
	nice -n 10 .venv/bin/python -m pytest tests/contract --numprocesses 4 --dist loadscope $(ARGS)

test-reports:
	nice -n 19 .venv/bin/python -m pytest tests/reports --numprocesses 2 --dist loadfile $(ARGS)

faults: setup  ## as root, inject faults into runs and records (twenty-five minutes); make test has those of records
	FITMAP_FAULTS=all .venv/bin/python -m pytest tests/faults $(ARGS)

# Some tests open the report in a real browser. If there is none and it can't be installed, pytest names them as skipped.
browser:
	@{ [ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ]; } \
	  || { [ -e /etc/debian_version ] && [ "$$(id -u)" = 0 ] && echo "installing Debian's Chromium for the tests of the report" >&2 \
	       && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	          chromium chromium-driver fonts-dejavu-core >/dev/null; } \
	  || echo "no Chromium with its driver here: the tests of the report in a browser will be skipped" >&2

docs: setup  ## write docs/reference/cli.md again from the help texts
	.venv/bin/python -m harness.cli.reference > docs/reference/cli.md

bench-loadgen: setup  ## compare the load generator with wrk and FastHttpUser, on one core and one null server
	@$(FITMAP) loadgen

selftest: setup  ## can this machine measure? injects known delays and loads, and measures them (four minutes)
	@$(FITMAP) selftest

play: setup  ## one target, its database and Locust's web UI: make play TARGET=rust PROFILE=cpu
	@$(FITMAP) build $(ARGS) $(TARGET)
	@.venv/bin/python -m harness.cli.play $(TARGET) $(PROFILE) $(ARGS)

fuzz: setup  ## a million mutated requests to each service (fifteen minutes for each, at most): make fuzz ARGS="--target go"
	@$(FITMAP) build
	@PYTHONPATH=tests/contract:tests/fuzz:tests/targets .venv/bin/python -m fuzz $(ARGS)

clean: setup  ## remove containers that a killed run left behind
	@$(FITMAP) clean

lock: setup  ## make the lock files again from pyproject.toml
	$(PYTHON) -m venv .venv/uv && .venv/uv/bin/pip install --quiet uv
	.venv/uv/bin/uv pip compile --quiet --native-tls --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --group dev pyproject.toml --output-file requirements/dev.lock
	.venv/uv/bin/uv pip compile --quiet --native-tls --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --group load --output-file loadtests/requirements.lock
