# Every target sets up what it needs in .venv, with nothing but Python and its own pip.

PYTHON ?= python3
BIN := .venv/bin
UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock" $(UPGRADE)
COVERED := tests/api tests/client tests/core tests/model tests/training
PIP := $(BIN)/python -m pip --quiet --no-input --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo up test test-slow coverage faults soak check docs bench bench-quick bench-peers bench-gpu screenshots \
	train training-env report lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/demo.installed ## Classify the sample images through the whole stack; results in demo-output/
	@$(BIN)/python -m ops demo

up: .venv/up.installed ## Run the whole stack in this terminal until Ctrl-C
	@$(BIN)/python -m ops up

test: check ## Run every check and every test but the slow ones (about 10 minutes)
	$(BIN)/python -m pytest -m "not slow and (not fault or fast_fault)"

test-slow: coverage ## Run what is too long for every run: the other faults, the tutorial, the coverage floor (under 30 minutes)
	$(BIN)/python -m pytest -m "slow or (fault and not fast_fault)"

coverage: .venv/dev.installed ## Measure what the tests cover of the code that runs in their own process
	$(BIN)/python -m pytest $(COVERED) --cov --cov-report=term --timeout 600

faults: .venv/dev.installed ## Inject every fault on SQLite and Postgres, and measure the recoveries (about 13 minutes)
	$(BIN)/python -m pytest tests/faults --deselect tests/faults/test_soak.py

soak: .venv/dev.installed ## Random faults for ten minutes; SOAK="--soak-s=3600 --seed=7" for others
	$(BIN)/python -m pytest tests/faults/test_soak.py -s --soak-s=300 $(SOAK)

check: .venv/dev.installed ## Lint, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy

docs: .venv/dev.installed ## Build the docs site into build/docs/, without a network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

bench: .venv/dev.installed ## Measure the whole path against the model's own speed and against baseline code (under 20 minutes)
	$(BIN)/python -m bench

bench-quick: .venv/dev.installed ## The same with small sizes: shows that everything works (about 2 minutes)
	$(BIN)/python -m bench --quick

bench-peers: .venv/dev.installed .venv-peers/installed ## Measure it against LitServe, BentoML and Ray Data (about 10 minutes)
	$(BIN)/python -m bench --peers

bench-gpu: .venv/dev.installed .venv/worker-gpu.installed ## Measure the model and a worker on this machine's NVIDIA GPU (brings CUDA)
	$(BIN)/python -m bench --only gpu

screenshots: .venv/dev.installed ## Render the web UI for docs/images/ (needs Chromium)
	$(BIN)/python -m tests.frontend.screenshots

training-env: .venv/training.installed ## Install what the commands of `python -m training` need

train: .venv/training.installed ## Train, export and promote a model; DATA=folder:PATH OUT=FOLDER ARGS="--stages 32x3"
	$(BIN)/python -m training pipeline $(if $(DATA),--data "$(DATA)") $(if $(OUT),--out "$(OUT)") $(ARGS)

report: .venv/training.installed ## Write the report on the latest version of fashion-mnist from the saved evaluations
	$(BIN)/python -m training report

lock: .venv/dev.installed ## Pin requirements/*.txt anew (UPGRADE=--upgrade takes newer versions)
	$(UV_COMPILE) --extra dev -o requirements/dev.txt
	$(UV_COMPILE) --extra local -c requirements/dev.txt -o requirements/demo.txt
	$(UV_COMPILE) --extra local --extra frontend -c requirements/dev.txt -o requirements/up.txt
	$(UV_COMPILE) --extra peers -o requirements/peers.txt
	for role in api worker worker-keras worker-gpu flower frontend training; do \
		$(UV_COMPILE) --extra $$role -c requirements/dev.txt -o requirements/$$role.txt || exit 1; \
	done

clean: ## Remove the environment, caches and outputs
	rm -rf .venv .venv-peers build client/*.egg-info demo-output .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Batchlight needs Python 3.11 or newer; $(PYTHON) is not. Try: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up .venv (once; a minute or two)…"
	@$(PYTHON) -m venv .venv
	@touch $@

# The client is installed from this checkout; setuptools, which that takes, is among the pinned requirements.
.venv/%.installed: requirements/%.txt pyproject.toml .venv/created
	@$(PIP) install --require-hashes -r requirements/$*.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Other people's servers pin other versions of what ours stand on.
.venv-peers/installed: requirements/peers.txt
	@echo "Setting up .venv-peers (once; 0.8 GB)…"
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip --quiet --no-input --disable-pip-version-check install --require-hashes -r requirements/peers.txt
	@touch $@
