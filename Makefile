# make up runs it, make test tests it; everything else they need is made on the way.
SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: up test test-long demo lint clean python

VENV := .venv
PYTHON := $(VENV)/bin/python
CODE := faceadmin review assignments clustering profiles web storage vision
SUM := cat requirements.txt $(1) | cksum | tr ' ' '-'
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check
RUNTIME := $(VENV)/.requirements-$(shell $(call SUM,))
DEVELOPMENT := $(VENV)/.requirements-dev-$(shell $(call SUM,requirements-dev.txt))

up: $(RUNTIME)
	@exec $(PYTHON) manage.py up

demo: $(RUNTIME)
	@exec $(PYTHON) manage.py demo

# Tests of processes and browsers run alone: they measure waiting, and need both cores.
test: lint
	@.ci/programs
	$(PYTHON) -m pytest -n 2 --dist loadfile -m "not long and not e2e"
	$(PYTHON) -m pytest -m "e2e and not long"

test-long: $(DEVELOPMENT)
	@.ci/programs
	$(PYTHON) -m pytest -m long

lint: $(DEVELOPMENT)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy $(CODE)
	$(VENV)/bin/lint-imports
	$(VENV)/bin/djlint --check --quiet templates

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find $(CODE) tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# The stamps carry a checksum of what was installed, so a change of either file installs again.
$(RUNTIME): | $(PYTHON)
	@echo "Installing the packages of requirements.txt into $(VENV)"
	@$(INSTALL) -r requirements.txt
	@rm -f $(VENV)/.requirements-[0-9]*
	@touch $@

$(DEVELOPMENT): $(RUNTIME) | $(PYTHON)
	@echo "Installing the packages of requirements-dev.txt into $(VENV)"
	@$(INSTALL) -r requirements-dev.txt
	@rm -f $(VENV)/.requirements-dev-*
	@touch $@

$(PYTHON):
	@for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    exec "$$python" -m venv $(VENV); \
	  fi; \
	done; \
	echo "No Python 3.11 or newer with its venv module was found; install one (Debian: python3-venv)." >&2; \
	exit 1
