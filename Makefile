# `make demo` and `make test` are all that a fresh clone needs. `make help` lists the rest.
.DEFAULT_GOAL := help
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
# The tools load the settings; they must not need a secret, nor see somebody else's database.
TOOL_ENV := env -u DATABASE_URL -u REDIS_URL DEBUG=1 PYTHONUNBUFFERED=1
# Three on two processors: tests that kill and wait leave room. Browsers leave none.
JOBS ?= 3
PARALLEL := -n $(JOBS) --dist loadfile
BROWSERS := -n 2 --dist loadfile
DATABASE_TESTS := $(wildcard tests/core tests/edi tests/invoices tests/reports tests/workers)
# Not a second time those of Valkey, those that bring both databases along, and those that kill what
# tests/kill, tests/workers and the mailing's own test kill on PostgreSQL too.
ONCE_IS_ENOUGH := $(addprefix --ignore=,$(wildcard tests/core/live tests/core/test_history.py \
	tests/core/test_many_streams.py tests/edi/test_killed.py tests/edi/test_watcher_killed.py \
	tests/invoices/test_cii.py tests/invoices/test_racing.py tests/reports/test_killed.py \
	tests/workers/test_ahead.py tests/workers/test_shutdown.py \
	tests/workers/test_broker.py tests/workers/test_rabbitmq.py tests/workers/test_wake*.py))

LOCK_FLAGS := --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate
TEMPLATES := git ls-files --cached --others --exclude-standard -z -- '*.html'

.NOTPARALLEL:
.PHONY: help demo test check lint unit postgres js e2e bench chaos soak fmt lock install install-dev clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: install ## Start everything on port 8000 (or PORT=...); with ONCE=1 run the real jobs, check, stop
	@exec $(PY) -m heron.demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(PORT),--port $(PORT))

test: check js unit postgres e2e ## Check everything, then run every test

check: install-dev ## Lint and type-check; check imports, templates, JavaScript and migrations
	@$(TOOL_ENV) $(PY) -m mypy & types=$$!; \
		$(MAKE) --no-print-directory lint || { kill $$types; exit 1; }; wait $$types

lint:
	$(PY) -m ruff check --quiet
	$(PY) -m ruff format --check --quiet
	$(PY) -c 'from importlinter.cli import lint_imports_command as lint; lint()' --no-cache
	@$(TEMPLATES) | xargs -0 -r .venv/bin/djade --check --target-version 5.2
	@.ci/node run check
	$(TOOL_ENV) $(PY) manage.py check --fail-level WARNING
	$(TOOL_ENV) $(PY) manage.py makemigrations --check --dry-run

js: install-dev ## Test the JavaScript without a browser
	@.ci/node test

unit: install-dev ## Unit and integration tests on SQLite
	$(PYTEST) -m "not e2e" $(PARALLEL)

postgres: install-dev ## The tests that touch the database, again on PostgreSQL
	$(PY) -m tests.support.postgres $(PYTEST) -m "not e2e" $(PARALLEL) $(ONCE_IS_ENOUGH) $(DATABASE_TESTS)

e2e: install-dev ## Tests in a real Chromium
	@$(PY) -m tests.support.chromium
	$(PYTEST) -m e2e $(BROWSERS)

bench: ## Measure against the others, one JSON object a line; BENCH=jobs for one file
	@.ci/venv requirements-bench.txt
	@$(TOOL_ENV) $(PY) -m tests.bench $(BENCH)

chaos: install-dev ## Kill real processes at random, N=200 times; SEED=... repeats a failure
	$(PY) -m tests.kill.chaos $(or $(N),$(if $(SEED),1,200)) $(SEED)

soak: install-dev ## Hold streams while servers and Valkey come and go; MINUTES=60
	$(PY) -m tests.bench.sse.soak --minutes $(or $(MINUTES),60)

fmt: install-dev ## Format Python, templates and JavaScript
	$(PY) -m ruff check --fix-only --quiet
	$(PY) -m ruff format --quiet
	@$(TEMPLATES) | xargs -0 -r .venv/bin/djade --target-version 5.2
	@.ci/node run format

lock: install-dev ## Resolve the locked requirements*.txt anew
	$(PY) -m uv pip compile --quiet $(LOCK_FLAGS) --extra demo pyproject.toml -o requirements.txt
	$(PY) -m uv pip compile --quiet $(LOCK_FLAGS) requirements-dev.in -o requirements-dev.txt
	$(PY) -m uv pip compile --quiet $(LOCK_FLAGS) requirements-bench.in -o requirements-bench.txt

install:
	@.ci/venv requirements.txt

install-dev:
	@.ci/venv requirements-dev.txt

clean: ## Remove what these commands made: .venv, node_modules, var and caches
	rm -rf .venv node_modules var staticfiles build *.egg-info .mypy_cache .ruff_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
