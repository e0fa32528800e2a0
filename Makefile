# `make demo` and `make test` are the two commands; each does all of its own set-up. The rest is for developers.
SHELL := /bin/bash
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --frozen

.PHONY: demo test quick drills lab lab-down bench setup lint

demo: setup
	@$(RUN) --no-dev handrail demo

test: setup
	@$(RUN) python -m tests.run_all

quick: setup
	@$(RUN) ruff check src tests
	@$(RUN) mypy
	@$(RUN) lint-imports --no-logo 2>/dev/null || $(RUN) lint-imports
	@$(RUN) pytest -q -x -m "not slow and not lab and not browser" \
	  $(addprefix --ignore=tests/,web cli docs targets lab notify drills crash)

lint: setup
	@$(RUN) ruff check src tests
	@$(RUN) ruff format --check src tests
	@$(RUN) mypy
	@$(RUN) lint-imports

lab: setup
	@lab/cluster/can_run && lab/cluster/build && lab/cluster/up $(if $(PROFILE),--profile $(PROFILE)) && lab/azora/up && lab/identities

lab-down:
	@lab/azora/down; lab/cluster/down

# one drill for each runbook, resumable; SET=variants for every fault. It needs `make lab`.
drills: setup
	@eval "$$(lab/cluster/env)" && $(RUN) python lab/series.py $(or $(SET),thirteen) $(DRILLS)

bench: setup
	@$(RUN) python benchmarks/run_all.py

# uv comes from the Python that is there: by pip, or by a virtual environment where pip may not install.
setup:
	@command -v uv >/dev/null 2>&1 || [ -x .tools/bin/uv ] || { \
	  echo "Bringing uv into .tools"; \
	  python3 -m venv .tools && .tools/bin/python -m pip install -q uv || \
	  python3 -m pip install -q --target .tools/lib uv && mkdir -p .tools/bin && ln -sf ../lib/bin/uv .tools/bin/uv; }
	@[ -n "$$HANDRAIL_NO_SYNC" ] || $$(command -v uv || echo .tools/bin/uv) sync --frozen -q --compile-bytecode
	@.venv/bin/python -m compileall -q src
