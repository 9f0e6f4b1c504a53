PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A worker needs 2.5 s of CPU time to import and collect everything: `make test` uses one per core. End-to-end tests mostly
# wait, so the slow tests use two per core. The longest tests start first.
CORES = $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')
BY_FILE := --maxprocesses=8 --dist=loadfile --no-loadscope-reorder
WAITING = --numprocesses=$(CORES) $(BY_FILE)
WAITING_SLOW = --numprocesses=$(shell expr $(CORES) '*' 2) $(BY_FILE)
# A database waits for the disk at each commit, so temporary files are in memory if /dev/shm has room and allows execution.
MEMORY = $(shell grep -qs ' /dev/shm .*noexec' /proc/mounts || df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2000000 { print $$6 }')
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: run test test-slow test-postgresql check-postgresql crashes-postgresql soak coverage lint format bench bench-full bench-document lock clean
.DEFAULT_GOAL := run
# ARGS is for this make only: a make that a test starts must not inherit it.
unexport ARGS
MAKEOVERRIDES =

# Runs a command while it holds a lock on requirements.lock, so that two makes never install at once. The command inherits
# the lock, which ends with it, however it ends.
define LOCKED
$(PYTHON) -c 'import fcntl, os, sys; \
lock = os.open("requirements.lock", os.O_RDONLY); \
os.set_inheritable(lock, True); \
waits = fcntl.LOCK_EX | fcntl.LOCK_NB; \
exec("try: fcntl.flock(lock, waits)\nexcept BlockingIOError: print(\"Another make is installing into $(VENV); waiting for it ...\", flush=True); fcntl.flock(lock, fcntl.LOCK_EX)"); \
os.execvp("sh", ["sh", "-c", sys.argv[1]])'
endef

# Each stamp file is renewed when its lock file changes. An interrupted installation leaves no stamp, and starts over.
$(VENV)/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Daily Papers needs Python 3.11 or newer; this is %d.%d. Name a newer interpreter: make PYTHON=python3.13." % sys.version_info[:2])'
	@$(LOCKED) 'set -e; test $@ -nt requirements.lock && test $@ -nt pyproject.toml && exit; \
		echo "Installing the locked dependencies into $(VENV) (once; it takes less than a minute) ..."; \
		test -e $@ || $(PYTHON) -m venv --clear $(VENV); \
		$(PIP) install --no-deps --require-hashes -r requirements.lock; \
		$(PIP) install --no-deps --no-build-isolation --editable .; \
		touch $@'

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@$(LOCKED) 'set -e; test $@ -nt requirements-dev.lock && test $@ -nt $(VENV)/.run && exit; \
		echo "Installing the locked development tools into $(VENV) ..."; \
		$(PIP) install --no-deps --require-hashes -r requirements-dev.lock; \
		touch $@'

# Runs the bot if config.json or DISCORD_TOKEN exists, otherwise the sandbox: make run ARGS="--port 0".
run: $(VENV)/.run
	@if [ -n "$$DISCORD_TOKEN" ] || [ -f config.json ]; then exec $(BIN)/python -m bot $(ARGS); else exec $(BIN)/python -m sandbox $(ARGS); fi

# Overrides the environment: without cached bytecode, each worker and each bot process would compile every module.
test test-slow test-postgresql crashes-postgresql soak coverage: export PYTHONDONTWRITEBYTECODE =
test test-slow test-postgresql crashes-postgresql soak coverage: export TMPDIR := $(or $(TMPDIR),$(MEMORY))

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),$(WAITING))

# On PostgreSQL, `make test-slow` kills the bot around its transactions only: what it does between them does not depend on
# the database. `make crashes-postgresql` kills it everywhere.
CRASHES := tests/e2e/test_crash_points.py tests/e2e/test_trending_crash_points.py
TRANSACTIONS := commit or claim or settle or stored or start

# With ARGS, only those of the slow tests, without measuring.
ifdef ARGS
test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest $(WAITING_SLOW) -m slow --timeout=540 $(ARGS)
else
test-slow: coverage
	$(BIN)/python -m pytest $(WAITING_SLOW) -m "slow and unmeasured" --timeout=540
	TEST_DATABASE=postgresql $(BIN)/python -m pytest $(WAITING) -m slow --timeout=540 $(CRASHES) tests/e2e/test_chaos.py -k "$(TRANSACTIONS) or chaos"
endif

# The suites of the store and the pipeline on PostgreSQL: the server of DAILY_PAPERS_TEST_POSTGRES, or a private one per
# worker. Without a server they fail. `make coverage` measures them, too.
ON_SERVER := store_* poller initial_sync dispatcher editor trending_* clock_* history_* backfill delivery janitor notices \
	availability backlog batches pages lookups found_messages message_* status_report forum_batches month_counter \
	keyword_indexes concurrent_settings pruner discussions keyword_roles
SERVER_SUITES = $(wildcard $(ON_SERVER:%=tests/integration/test_%.py))
test-postgresql: export TEST_DATABASE := postgresql
test-postgresql: $(VENV)/.dev
	$(BIN)/python -m pytest $(WAITING) --timeout=240 $(SERVER_SUITES)

# Whether the tests can use a server: `.ci/run` fails here in one sentence instead of in each test.
check-postgresql: $(VENV)/.dev
	@$(BIN)/python -m tests.support.private_server

crashes-postgresql: export TEST_DATABASE := postgresql
crashes-postgresql: $(VENV)/.dev
	$(BIN)/python -m pytest $(WAITING) --timeout=1200 -m slow $(CRASHES)

# The chaos test for SOAK_MINUTES, with a line of progress every few seconds: make soak SOAK_MINUTES=5. Exits with an error
# if a paper is lost or posted twice, or a command is answered too late. On a private PostgreSQL server with
# TEST_DATABASE=postgresql.
soak: export SOAK_MINUTES := $(or $(SOAK_MINUTES),30)
soak: $(VENV)/.dev
	$(BIN)/python -m benchmarks chaos

# The quick tests and those slow ones that are measured (tests/conftest.py), the properties of unit and store tests with ten
# times the examples; then the floor of each folder.
MEASURE := -m "not unmeasured" --timeout=240 --cov
coverage: $(VENV)/.dev
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest $(WAITING) $(MEASURE) --cov-report= --hypothesis-profile=thorough tests/unit $(wildcard tests/integration/test_store_*.py)
	$(BIN)/python -m pytest $(WAITING_SLOW) $(MEASURE) --cov-append --cov-report= --ignore=tests/unit
	TEST_DATABASE=postgresql $(BIN)/python -m pytest $(WAITING) --timeout=240 --cov --cov-append --cov-report=term $(SERVER_SUITES)
	$(BIN)/python -m tests.support.coverage_floors

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Every benchmark at reduced sizes, in less than ten minutes; bench-full at the sizes of docs/performance.md. One of them:
# make bench ARGS=commits. The generated databases and the figures are in BENCH_CACHE.
BENCH_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/daily-papers-bench
bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks --cache $(BENCH_CACHE) $(ARGS)

bench-full: $(VENV)/.dev
	$(BIN)/python -m benchmarks --cache $(BENCH_CACHE) --full $(ARGS)

# Writes the figures of full runs, one per database, into docs/performance.md.
bench-document: $(VENV)/.dev
	$(BIN)/python -m benchmarks.document $(or $(ARGS),$(wildcard $(BENCH_CACHE)/sqlite-full.json $(BENCH_CACHE)/postgresql-full.json))

# Universal lock files for every platform and Python version, with hashes and without an index URL. They keep extras
# (coverage[toml]) and are installed with --no-deps: pip resolves nothing, so new releases on the index have no effect.
lock:
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --output-file requirements.lock
	uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --output-file requirements-dev.lock

clean:
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
