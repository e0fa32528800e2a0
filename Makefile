# `make demo` and `make test` are the two commands; each does all of its own set-up. The rest is for developers.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: demo test quick drills lab lab-down bench soak setup lint

# What it shows needs nothing of what developers need, so that is not fetched for it.
demo:
	@bin/setup --no-dev
	@handrail demo

test:
	@command -v git >/dev/null || { \
	  echo "make test: git is needed: the drills and some tests make repositories. Install it (Debian: apt install git)." >&2; exit 2; }
	@bin/setup
	@python -m tests.run_all

quick: setup
	@ruff check src tests
	@mypy
	@lint-imports --no-logo 2>/dev/null || lint-imports
	@pytest -q -x -n auto --maxprocesses 4 -m "not slow and not lab and not browser" \
	  $(addprefix --ignore=tests/,web cli docs targets lab notify drills crash bare)

lint: setup
	@ruff check src tests
	@ruff format --check src tests
	@mypy
	@lint-imports

lab:
	@lab/cluster/can_run
	@bin/setup
	@lab/cluster/build && lab/cluster/up $(if $(PROFILE),--profile $(PROFILE)) && lab/azora/up && lab/identities

lab-down:
	@lab/azora/down; lab/cluster/down

# one drill for each runbook, resumable; SET=variants for every fault. It needs `make lab`.
drills: setup
	@eval "$$(lab/cluster/env)" && python lab/series.py $(or $(SET),thirteen) $(DRILLS)

bench: setup
	@python benchmarks/run_all.py

# A stream of alerts, an overload, crashes in them and many open incidents: about 25 minutes, or MINUTES of stream and the rest.
soak: setup
	@python -m benchmarks.storm soak --minutes $(or $(MINUTES),10)

# All that the developers' commands need.
setup:
	@bin/setup
