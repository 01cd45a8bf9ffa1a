# Everything here starts from a fresh clone: it makes .venv, installs what the target needs, and does the job.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# What pip says is shown only when it fails.
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-input --editable "$(1)" \
          >$(VENV)/install.log 2>&1 || { cat $(VENV)/install.log; exit 1; }

.PHONY: demo test test-all notebooks lab parity lint format bench docs clean help

help:
	@echo "make demo      paint the cat in the style of The Starry Night"
	@echo "make test      the tests; make test-all has the slow ones too"
	@echo "make notebooks the lectures, executed, in notebooks/; make lab opens them in JupyterLab"
	@echo "make parity    every layer against PyTorch, live"
	@echo "make bench     the figures of the README, measured here"
	@echo "make docs      the site, in site/"
	@echo "make lint      the linter and the formatter's check"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "venv failed; on Debian: apt install python3-venv"; exit 1; }

# One stamp for each set of extras, older than setup.cfg when it has to be installed again.
$(VENV)/.installed: setup.cfg | $(BIN)/python
	@echo "Installing nnbasics ..."
	@$(call INSTALL,.)
	@touch $@

$(VENV)/.installed-%: setup.cfg | $(BIN)/python
	@echo "Installing nnbasics[$*] ..."
	@$(call INSTALL,.[$*])
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/python -m nnbasics demo

# Two processes on two processors, four at the most: each takes some memory.
test: $(VENV)/.installed-test
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal

test-all: $(VENV)/.installed-test $(VENV)/.installed-fuzz
	@$(BIN)/python -m pytest -m "not parity"

notebooks: $(VENV)/.installed-notebooks
	@$(BIN)/python -m notebooks $(if $(FORCE),--force) $(LECTURES)

lab: $(VENV)/.installed-lab notebooks
	@$(BIN)/jupyter lab --notebook-dir notebooks

parity: $(VENV)/.installed-test $(VENV)/.installed-bench
	@$(BIN)/python -m pytest -m parity

lint: $(VENV)/.installed-test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.installed-test
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed-bench
	@$(BIN)/python -m benchmarks

docs: $(VENV)/.installed-docs
	@$(BIN)/mkdocs build --quiet --strict
	@echo "site/index.html"

clean:
	rm -rf $(VENV) build site dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
