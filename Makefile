# One place for every command; CI calls the same ones.
#
#   make demo     the main job on real data: a growth curve's derivatives, and its fit
#   make test     the tests, in parallel            (ARGS="-k matmul" for some of them)
#   make help     the rest
#
# Needs Python 3.11 or newer, pip and make. Everything goes into ./.venv, nothing elsewhere.

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# An editable install is byte-compiled like a wheel's, also where Python itself may not write.
INSTALL = $(BIN)/python -m compileall -q src && $(PIP) install --quiet
WHEEL := build/wheel-test
# Machine code that a target compiles is kept here, too, not in the user's folder for such things.
export DEZERO_CACHE_DIR ?= $(CURDIR)/build/machine-code

# The first interpreter that runs and is new enough; `make PYTHON=/path/to/python …` overrides it.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.11 python3 python3.13 python3.12 python3.14 python; do \
	"$$p" -c "$(NEW_ENOUGH)" >/dev/null 2>&1 && { echo "$$p"; break; }; done)
# The peers' environment, where `make peers` has made it.
BENCH_PYTHON ?= $(if $(wildcard .peers/.installed),.peers/bin/python,$(BIN)/python)

.DEFAULT_GOAL := help
.NOTPARALLEL:  # two pips in one environment get in each other's way; the tests run in parallel
.PHONY: help demo test lint format types generated docs wheel-test bench peers peer-suites clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

demo: $(VENV)/.installed  ## the main job: derivatives of a model of census figures, and its fit
	$(BIN)/dezero grad examples/census.py:loss --at K=400.0 --at r=0.03 --at t0=1950.0
	$(BIN)/python examples/census.py

test: $(VENV)/.installed-test  ## the tests, in parallel
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(VENV)/.installed-dev  ## lint and format, checked
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev  ## lint and format, repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev  ## the type checker, strict
	$(BIN)/mypy

generated: $(VENV)/.installed-test  ## the files that are made from others: a stub, a page of the docs
	$(BIN)/python tests/numpy_stub.py
	$(BIN)/python tests/coverage_table.py

docs: $(VENV)/.installed-docs  ## the documentation, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

wheel-test: $(VENV)/.installed-test  ## the command and the contract's tests on the built wheel
	rm -rf $(WHEEL)
	$(PIP) wheel --quiet --no-deps --wheel-dir $(WHEEL) .
	$(BIN)/python -m venv --without-pip $(WHEEL)/venv
	$(PIP) --python $(WHEEL)/venv/bin/python install --quiet $(WHEEL)/*.whl
	cd $(WHEEL) && venv/bin/python -c "import dezero; print(dezero.__file__); \
	assert 'site-packages' in dezero.__file__, 'not the installed wheel'"
	$(WHEEL)/venv/bin/dezero grad examples/census.py:loss --at K=400.0 --at r=0.03 --at t0=1950.0
	$(PIP) --python $(WHEEL)/venv/bin/python install --quiet "$$(echo $(WHEEL)/*.whl)[test]"
	$(WHEEL)/venv/bin/python -m pytest -p no:cacheprovider tests/contract tests/test_package.py

bench: $(VENV)/.installed  ## microseconds per operation (after `make peers`: beside other libraries)
	$(BENCH_PYTHON) benchmarks/overhead.py

peers: .peers/.installed  ## the environment with the other libraries of the benchmark (large)

peer-suites: $(VENV)/.installed-test  ## HIPS autograd's own tests on DeZero, downloaded
	$(BIN)/python benchmarks/suites.py --failures

clean:  ## remove what the other targets made, .peers excepted
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

# --- environments: made once, and again when pyproject.toml is newer ------------------------------

# Some systems ship Python without ensurepip; their own pip then serves.
define make-venv
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found; name one: make PYTHON=/path/to/python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(1) || { $(PYTHON) -m venv --clear --without-pip $(1) && \
		$(PYTHON) -m pip --python $(1)/bin/python install --quiet pip; }
endef

$(VENV)/pyvenv.cfg:
	$(call make-venv,$(VENV))

$(VENV)/.installed: pyproject.toml $(VENV)/pyvenv.cfg
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(VENV)/pyvenv.cfg
	$(INSTALL) --editable ".[test,examples]"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: pyproject.toml $(VENV)/pyvenv.cfg
	$(INSTALL) --editable ".[dev]"
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test

$(VENV)/.installed-docs: pyproject.toml $(VENV)/pyvenv.cfg
	$(INSTALL) --editable ".[docs]"
	@touch $@ $(VENV)/.installed

.peers/pyvenv.cfg:
	$(call make-venv,.peers)

.peers/.installed: benchmarks/requirements.txt pyproject.toml .peers/pyvenv.cfg
	.peers/bin/python -m pip --disable-pip-version-check install --quiet --requirement $< --editable .
	@touch $@
