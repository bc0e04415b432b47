# Main commands:      make bench   sets everything up, builds, measures, writes a report
#                    make test    sets everything up, runs all tests
# ARGS passes options to fitmap: make bench ARGS="--preset smoke --target go,rust"

PYTHON ?= python3
FITMAP := .venv/bin/fitmap
TARGET ?= go
PROFILE ?= db
.DEFAULT_GOAL := help
.PHONY: help setup bench smoke test test-units test-services test-reports browser check docs bench-loadgen selftest play clean lock

help:  ## show this
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile

setup: .venv/installed

.venv/installed: requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fitmap needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "this Python has no venv module: on Debian and Ubuntu apt-get install python3-venv" >&2; exit 2; }
	@echo "setting up .venv" >&2
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

bench: setup  ## build what is needed, measure all languages (about twenty minutes), write runs/<id>/report.html
	@$(FITMAP) bench $(ARGS)

smoke: setup  ## a short bench (two minutes): does everything work here?
	@$(FITMAP) bench --preset smoke $(ARGS)

check: setup  ## format, lint, types, import contracts, CI files
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.gitlab-ci docs/guide/ci/gitlab-ci.yml
	.venv/bin/zizmor --offline --no-progress .github/workflows
	bash -n ci/*.sh

test: check browser  ## all checks and all tests, on every service's image
	$(FITMAP) build
	.venv/bin/python -m pytest tests/engine --durations 8 --durations-min 10 $(ARGS)
	@# tests/engine runs first and alone, because it measures. The others run in parallel. Some of tests/unit measure times,
	@# so the rest has a lower priority.
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target test-units test-services test-reports

test-units:
	.venv/bin/python -m pytest tests/unit tests/targets $(ARGS)

test-services:
	@# Most of it waits for deadlines. All tests of a target run in one process, one after the other.
	nice -n 10 .venv/bin/python -m pytest tests/contract --numprocesses 3 --dist loadgroup $(ARGS)

test-reports:
	nice -n 19 .venv/bin/python -m pytest tests/reports --numprocesses 2 --dist loadfile $(ARGS)

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

clean: setup  ## remove containers that a killed run left behind
	@$(FITMAP) clean

lock: setup  ## make the lock files again from pyproject.toml
	$(PYTHON) -m venv .venv/uv && .venv/uv/bin/pip install --quiet uv
	.venv/uv/bin/uv pip compile --quiet --native-tls --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --group dev pyproject.toml --output-file requirements/dev.lock
	.venv/uv/bin/uv pip compile --quiet --native-tls --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --group load --output-file loadtests/requirements.lock
