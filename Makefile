# Neuroscale: `make book` builds the book, `make test` tests it.  GNU make 3.81 or newer.

VENV := .venv
BIN  := $(VENV)/bin
JOBS := 2

# `make book FULL=1` runs the simulations at full size (neuroscale/budget.py)
FULL ?= $(NEUROSCALE_FULL)
export NEUROSCALE_FULL := $(FULL)

# The matrices here are small: threads of a BLAS cost more than they save, many times as much on a busy machine.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

# The first of these that is Python 3.11 or newer; override with `make PYTHON=...`.
PYTHON ?=
CANDIDATES := $(PYTHON) python3.13 python3.12 python3.11 python3 python
FIND_PYTHON = python=; for p in $(CANDIDATES); do \
	if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python="$$p"; break; fi; done; \
	if [ -z "$$python" ]; then echo "error: Python 3.11 or newer is needed, and none was found on the PATH" >&2; exit 1; fi

.DEFAULT_GOAL := help
.PHONY: help book pdf test browser test-notebooks release test-torch evidence-full lab test-lab notebooks bench lint lock clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' Makefile

book: $(VENV)/.book ## build the book: _build/html/index.html
	@$(BIN)/python tools/book.py

pdf: $(VENV)/.book ## the book as PDF, with XeLaTeX: _build/latex/neuroscale.pdf
	@$(BIN)/python tools/pdf.py

test: $(VENV)/.dev ## unit tests, doctests, ledger tests, and every cell of every chapter
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

browser: $(VENV)/.browser ## every built page in a headless browser: offline, accessible, light and narrow
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --deselect tests/browser/test_first_paint.py tests/browser
	@$(BIN)/python -m pytest tests/browser/test_first_paint.py

test-notebooks: $(VENV)/.dev ## two chapters as notebooks in a new environment with only the package
	@$(BIN)/python -m pytest tests/bare

test-torch: $(VENV)/.torch ## the tests that need PyTorch: the activation monitor
	@$(BIN)/python -m pytest tests/evidence/test_monitor.py

evidence-full: $(VENV)/.torch ## record Part IV's large experiments again (needs PyTorch; minutes)
	@$(BIN)/python -m experiments

# `make lab LAB=--no-browser` passes options on
LAB ?=
lab: $(VENV)/.lab ## JupyterLab in which a double click opens a chapter as a notebook
	@JUPYTER_CONFIG_DIR="$(CURDIR)/_build/lab" && export JUPYTER_CONFIG_DIR && mkdir -p "$$JUPYTER_CONFIG_DIR" && \
	$(BIN)/jupytext-config set-default-viewer markdown >/dev/null && $(BIN)/jupyter lab $(LAB) chapters/preface.md

test-lab: $(VENV)/.lab $(VENV)/.dev ## the chapters open as notebooks in JupyterLab
	@$(BIN)/python -m pytest tests/lab

notebooks: $(VENV)/.book ## all chapters as .ipynb without outputs: _build/notebooks
	@$(BIN)/python tools/notebooks.py _build/notebooks

release: notebooks ## check the version and pack pages, notebooks, PDF and package: _build/release
	@$(BIN)/python tools/release.py

bench: $(VENV)/.dev ## benchmarks, each with its peer in the same run
	@$(BIN)/python -m benchmarks

lint: $(VENV)/.dev ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict neuroscale _ext tools conftest.py

# A lock holds for every supported platform and Python; `uv` is needed here only.
UV_LOCK = uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url
lock: ## resolve the requirements again (needs uv)
	@command -v uv >/dev/null || { echo "error: make lock needs uv" >&2; exit 1; }
	$(UV_LOCK) requirements.txt -o requirements.lock
	$(UV_LOCK) -c requirements.lock requirements/dev.txt -o requirements/dev.lock
	$(UV_LOCK) -c requirements/dev.lock requirements/browser.txt -o requirements/browser.lock
	$(UV_LOCK) -c requirements.lock requirements/lab.txt -o requirements/lab.lock

clean: ## remove what was built, but not the environment
	rm -rf _build .benchmarks .hypothesis .mypy_cache .ruff_cache .pytest_cache dist
	find . -name $(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the environment as well
	rm -rf $(VENV)

# Stamps: the second run installs nothing.
$(VENV)/.book: requirements.lock pyproject.toml
	@$(FIND_PYTHON); "$$python" tools/environment.py $(VENV) requirements.lock && touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml
	@$(FIND_PYTHON); "$$python" tools/environment.py $(VENV) requirements/dev.lock && touch $@ $(VENV)/.book

$(VENV)/.browser: requirements/browser.lock pyproject.toml
	@$(FIND_PYTHON); "$$python" tools/environment.py $(VENV) requirements/browser.lock && touch $@ $(VENV)/.dev $(VENV)/.book

$(VENV)/.lab: requirements/lab.lock pyproject.toml
	@$(FIND_PYTHON); "$$python" tools/environment.py $(VENV) requirements/lab.lock && touch $@ $(VENV)/.book

# PyTorch is no dependency of the book; its wheels differ by platform, so that this one is pinned and not hashed.
$(VENV)/.torch: $(VENV)/.dev requirements/torch.txt
	@echo "installing PyTorch into $(VENV) (see requirements/torch.txt for its size)"
	@$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -r requirements/torch.txt || \
	{ echo "error: installing requirements/torch.txt failed; the book and its tests do not need it" >&2; exit 1; }
	@touch $@
