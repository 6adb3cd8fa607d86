# Every target sets up what it needs: a virtual environment in .venv with exactly what requirements.lock says.
# What runs beside our own code (Java, Kafka, PostgreSQL) is fetched where it is missing.

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 4
# In CI the order of tests is the same each time, as what Hypothesis draws is: no change fails by the chance of its run.
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist worksteal $(if $(CI),--randomly-seed=1)
WITHOUT_SERVERS := tests/unit tests/property tests/schemas

# Each process would compile all that it imports, for some four seconds, where the surroundings forbid to keep the result.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help demo up test unit nightly soak coverage check messages fix chaos bench bench-packages lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## start everything and send a year of a made-up brand's life through it (EXIT=1: end by itself)
	$(BIN)/onefold demo $(if $(EXIT),--exit)

up: $(READY)  ## run the whole service on 127.0.0.1:8080 (PORT=… for another port)
	$(BIN)/onefold up $(if $(PORT),--port $(PORT))

test: $(READY)  ## every test, on real Kafka and PostgreSQL (ARGS=… for pytest)
	$(PYTEST) $(ARGS)

unit: $(READY)  ## the tests that need no server, with few examples each: under a minute (ARGS=… for pytest)
	HYPOTHESIS_PROFILE=quick $(PYTEST) -q $(WITHOUT_SERVERS) $(ARGS)

nightly: $(READY)  ## the same tests with 5,000 examples each: hours (ARGS=… for pytest)
	HYPOTHESIS_PROFILE=nightly $(PYTEST) -q --timeout=7200 -o faulthandler_timeout=7300 $(WITHOUT_SERVERS) $(ARGS)

soak: $(READY)  ## tests of chance with ten times the rounds, and variants that `make test` leaves out (ROUNDS=… for more)
	ONEFOLD_TEST_ROUNDS=$(or $(ROUNDS),10) $(PYTEST) -m "repeated or soak" --timeout=7200 -o faulthandler_timeout=7300 $(ARGS)

coverage: $(READY)  ## which lines the tests without servers leave out (TESTS=tests: every test)
	HYPOTHESIS_PROFILE=quick $(PYTEST) -q --cov --cov-report=term $(or $(TESTS),$(WITHOUT_SERVERS)) $(ARGS)

check: $(READY)  ## lint, format, types, import contracts, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

messages: $(READY)  ## collect the sentences of the console for its translations
	$(BIN)/pybabel -q extract -F services/console/locale/babel.cfg -k say --no-location --sort-output -o services/console/locale/console.pot services/console
	$(BIN)/pybabel -q update --no-fuzzy-matching -w 100000 -i services/console/locale/console.pot -o services/console/locale/zh_Hant/LC_MESSAGES/console.po -l zh_Hant_TW
	rm services/console/locale/console.pot

fix: $(READY)  ## mend what ruff can mend, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

chaos: $(READY)  ## kill, pause and restart everything at random while events come in (ROUNDS=10 SEED=… NODES=3: Kafka's)
	$(BIN)/python -m tests.chaos $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) $(if $(NODES),--nodes $(NODES))

bench: $(READY)  ## measure the end-to-end rate beside the usual way, and identity (ARGS=… for benchmarks: --help shows them)
	$(BIN)/python -m benchmarks $(ARGS)

bench-packages: $(READY)  ## add what only `make bench ARGS="--only identity_quality"` can use: labelled records, 200 MB
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes --quiet -r requirements-bench.lock

lock: $(BIN)/uv  ## write the locks anew from pyproject.toml (UPGRADE=1: newest versions)
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes $(if $(UPGRADE),--upgrade) \
		--no-emit-index-url --no-emit-find-links -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --group bench --universal --generate-hashes \
		--no-emit-index-url --no-emit-find-links -c requirements.lock -o requirements-bench.lock

# Made anew only when what it is made from has changed.
$(READY): requirements.lock pyproject.toml Makefile | $(BIN)/uv
	$(BIN)/uv pip sync --python $(BIN)/python --require-hashes --quiet requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --quiet -e .
	@touch $@

$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit("Onefold needs Python 3.11 or later; choose one with PYTHON=…" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m ensurepip --upgrade >/dev/null 2>&1 || true
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
