# Rialto's few commands: `make help` lists them. Everything is installed into .venv and nowhere else.

# Arguments for `rialto demo`, as in: make demo DEMO="--dir /tmp/try --web-port 9000"
DEMO ?=
# Arguments for pytest, as in: make unit TESTS="-k names -x"
TESTS ?=
# How many tests run at once: they wait more than they work, so a few more than there are cores. WORKERS=0 is one by one.
WORKERS ?= 3
# Arguments for the benchmarks, as in: make bench BENCH="--short intake"
BENCH ?=
# Arguments for `uv pip compile`, as in: make lock LOCK="--upgrade-package aiohttp"
LOCK ?=

BIN := .venv/bin
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --extra demo pyproject.toml

.PHONY: help demo test lint unit bench page page-watch page-test screenshots lock clean environment-demo environment-dev environment-bench servers
.DEFAULT_GOAL := help
# The steps of a command are to come in their order even with -j.
.NOTPARALLEL:

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(firstword $(MAKEFILE_LIST))

# Each recipe line that runs for long is `exec`ed, so that a signal to make reaches the process itself.
demo: environment-demo ## Install what is needed and run a homeserver with Rialto beside it; DEMO="--dir D ..."
	@exec $(BIN)/rialto demo --tied $(DEMO)

test: environment-dev servers lint page-test ## Install everything and run every check and test
	exec $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

lint: environment-dev ## Check style, types and layers
	exec $(BIN)/ruff check
	exec $(BIN)/mypy
	exec $(BIN)/python scripts/page.py check
	exec $(BIN)/lint-imports

unit: environment-dev ## Run the quick tests alone; TESTS="-k something"
	exec $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/unit $(TESTS)

bench: environment-bench ## Run every benchmark (about ten minutes) and put the figures into benchmarks/README.md
	@exec $(BIN)/python -m benchmarks $(BENCH)

page: environment-dev ## Build the page, if its sources are others than before
	exec $(BIN)/python scripts/page.py

page-watch: environment-dev ## Build the page anew whenever a file of it changes
	exec $(BIN)/python scripts/page.py watch

page-test: environment-dev ## Run the tests of the page's own parts
	exec $(BIN)/python scripts/page.py test

screenshots: environment-dev servers ## Take a picture of every view of the page, into screenshots/
	exec $(BIN)/python scripts/screenshots.py

lock: environment-dev ## Write requirements/*.lock anew from pyproject.toml; LOCK="--upgrade" takes newer versions
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) $(LOCK) --output-file requirements/demo.lock
	$(COMPILE) $(LOCK) --group dev --constraints requirements/demo.lock --output-file requirements/dev.lock
	$(COMPILE) $(LOCK) --group dev --group bench --constraints requirements/dev.lock --output-file requirements/bench.lock

clean: ## Remove .venv and all caches; demos and settings stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist \
		bridge/web/page/node_modules bridge/web/static/page
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

environment-demo:
	@exec scripts/environment demo

environment-dev:
	@exec scripts/environment dev

environment-bench:
	@exec scripts/environment bench

servers:
	@exec scripts/servers
