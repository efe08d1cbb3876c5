# make demo    makes a glass, measures it, draws it: demo/glass.png, demo/glass.h5
# make test    the whole test suite
# make lint    ruff
# make bench   the benchmarks, tables in benchmarks/results/
# Choose an interpreter with PYTHON=/path/to/python3.12

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
READY := $(VENV)/.ready
export TF_CPP_MIN_LOG_LEVEL ?= 3
export MPLBACKEND ?= Agg

.PHONY: demo test lint bench clean
.DEFAULT_GOAL := demo

$(READY): pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "jaxglass needs Python 3.11, 3.12 or 3.13 with the venv module, and found none: install one, or name it with make PYTHON=/path/to/python3.12"; exit 1; fi
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); ok or sys.exit("jaxglass needs Python 3.11, 3.12 or 3.13, found %d.%d: name another with make PYTHON=/path/to/python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet -e '.[test,plot]'
	@touch $@

demo: $(READY)
	$(VENV)/bin/python examples/demo.py

test: $(READY)
	$(VENV)/bin/python -m pytest

lint: $(READY)
	$(VENV)/bin/python -m pip install --quiet ruff
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

bench: $(READY)
	$(VENV)/bin/python benchmarks/suite.py

clean:
	rm -rf $(VENV) .cache demo
