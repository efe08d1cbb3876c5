# make demo         makes a glass, measures it, draws it: demo/glass.png, demo/glass.h5
# make test         the test suite, but for tests that take long and are like others
# make test-all     the whole test suite
# make lint         ruff
# make types        mypy: the package, and a user's script under --strict
# make wheel        builds the wheel, installs it alone in a clean environment, quenches a glass with it
# make test-oldest  the whole suite on Python 3.11 with the oldest JAX that pyproject.toml allows
# make test-newest  the whole suite on Python 3.13 with the newest JAX
# make bench        the benchmarks, tables in benchmarks/results/
# Choose an interpreter with PYTHON=/path/to/python3.12

FITTING = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
CANDIDATES = python3 python3.13 python3.12 python3.11 python
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(FITTING)' 2>/dev/null && echo $$p && break; done)
VENV := .venv
READY := $(VENV)/.ready
TOOLS := $(VENV)/.tools
# Pinned, so that a new release of a tool never fails a change of ours.
RUFF := ruff==0.17.6
MYPY := mypy==2.4.1
export TF_CPP_MIN_LOG_LEVEL ?= 3
export MPLBACKEND ?= Agg
# Threads of LAPACK that wait take the cores of whatever runs beside them: a hundred times as long.
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo test test-all lint types wheel test-oldest test-newest bench clean
.DEFAULT_GOAL := demo

NONE_FOUND = jaxglass needs Python 3.11, 3.12 or 3.13 with the venv module, and found none: \
install one, or name it with make PYTHON=/path/to/python3.12
TOO_OTHER = jaxglass needs Python 3.11, 3.12 or 3.13, found %d.%d: \
name another with make PYTHON=/path/to/python3.12

$(READY): pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "$(NONE_FOUND)"; exit 1; fi
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; \
		(3, 11) <= v <= (3, 13) or sys.exit("$(TOO_OTHER)" % v)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet -e '.[test,plot]'
	@touch $@

$(TOOLS): $(READY) Makefile
	$(VENV)/bin/python -m pip install --quiet $(RUFF) $(MYPY) build
	@touch $@

demo: $(READY)
	$(VENV)/bin/python examples/demo.py

test: $(READY)
	$(VENV)/bin/python -m pytest

test-all: $(READY)
	$(VENV)/bin/python -m pytest -m ""

lint: $(TOOLS)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(TOOLS)
	$(VENV)/bin/mypy jaxglass
	$(VENV)/bin/mypy --strict tests/typed_user.py

wheel: $(TOOLS)
	rm -rf dist .cache/wheel
	$(VENV)/bin/python -m build --quiet --wheel
	$(PYTHON) -m venv .cache/wheel
	.cache/wheel/bin/python -m pip install --quiet dist/*.whl
	cd .cache/wheel && bin/python ../../tests/typed_user.py

# Environments of their own: .venv-3.11, .venv-3.13.
test-oldest:
	$(MAKE) VENV=.venv-3.11 PYTHON=$${PYTHON_OLDEST:-python3.11} .venv-3.11/.ready
	.venv-3.11/bin/python -m pip install --quiet jax==0.10.1 jaxlib==0.10.1
	.venv-3.11/bin/python -m pytest -m ""

test-newest:
	$(MAKE) VENV=.venv-3.13 PYTHON=$${PYTHON_NEWEST:-python3.13} .venv-3.13/.ready
	.venv-3.13/bin/python -m pip install --quiet --upgrade jax jaxlib
	.venv-3.13/bin/python -m pytest -m ""

bench: $(READY)
	$(VENV)/bin/python benchmarks/suite.py

clean:
	rm -rf $(VENV) .venv-3.11 .venv-3.13 .cache demo dist
