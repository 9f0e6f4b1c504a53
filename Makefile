PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# All cores; a file's tests stay together, so that what they share is made once (tests/conftest.py).
PARALLEL := --numprocesses=auto --dist=loadfile
# Tests with a bot mostly wait, so that there are more workers than cores. Each takes 2.5 s of processor time to import
# and collect everything: one more than cores for `make test`, two on each core for the slow tests. The longest begin first.
CORES = $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')
BY_FILE := --maxprocesses=8 --dist=loadfile --no-loadscope-reorder
WAITING = --numprocesses=$(shell expr $(CORES) + 1) $(BY_FILE)
WAITING_LONG = --numprocesses=$(shell expr $(CORES) '*' 2) $(BY_FILE)
# A database waits for its disk at each commit: temporary files are in memory where it has room and can run programs.
MEMORY = $(shell grep -qs ' /dev/shm .*noexec' /proc/mounts || df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2000000 { print $$6 }')
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: run test test-slow coverage lint format bench lock clean
.DEFAULT_GOAL := run
# ARGS belongs to this make alone: a make that a test starts must not inherit it.
unexport ARGS
MAKEOVERRIDES =

# Each stamp is made anew when its lock file changes. An install that was interrupted leaves no stamp, and starts over.
$(VENV)/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Daily Papers needs Python 3.11 or newer, and this is %d.%d: make PYTHON=python3.13, or wherever a newer one is." % sys.version_info[:2])'
	@echo "Installing the locked dependencies into $(VENV) (once; it takes less than a minute) ..."
	@test -e $@ || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Installing the locked tools of developers into $(VENV) ..."
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

# The bot with config.json or DISCORD_TOKEN; without either, the sandbox: make run ARGS="--port 0".
run: $(VENV)/.run
	@if [ -n "$$DISCORD_TOKEN" ] || [ -f config.json ]; then exec $(BIN)/python -m bot $(ARGS); else exec $(BIN)/python -m sandbox $(ARGS); fi

# Whatever the environment says: without its bytecode each worker, and each bot that is a process, compiles all anew.
test test-slow coverage: export PYTHONDONTWRITEBYTECODE =
test test-slow coverage: export TMPDIR := $(or $(TMPDIR),$(MEMORY))

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),$(WAITING))

ifdef ARGS
test-slow: $(VENV)/.dev
else
test-slow: coverage
endif
	$(BIN)/python -m pytest $(WAITING_LONG) -m slow --timeout=540 $(ARGS)

# The rules, the store and the page are covered to the last branch by their own tests. Measuring makes a test take twice
# as long, so that `make test` leaves it out.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) --hypothesis-profile=thorough --cov --cov-report=term tests/unit $(wildcard tests/integration/test_store_*.py)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# Universal lock files: one for every platform and Python, with hashes and without an index address. They keep extras
# (coverage[toml]) and are installed with --no-deps: pip resolves nothing, so a new release on the index changes nothing.
lock:
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --output-file requirements.lock
	uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --output-file requirements-dev.lock

clean:
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
