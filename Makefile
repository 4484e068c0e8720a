# make run: the whole experiment.  make test: every test.  make check: ruff and mypy.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test check format lock clean

run: $(STAMP)
	@$(BIN)/mentalft $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# constraints.txt names the versions that were tested together. torch is pinned without a local version, so pip
# takes whichever build of that version the machine's index offers; GPU users get CUDA from the same file.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mentalft needs Python 3.11 or newer; use make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (a few minutes, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check torch -c constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

# writes the present versions of the environment back to constraints.txt
lock: $(STAMP)
	@$(BIN)/python -m pip list --format=freeze --exclude-editable | sed -e 's/+cpu$$//' | grep -v -E '^(pip|wheel)==' > constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
