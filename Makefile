# What to type when working on this project: `make help` lists it.

PYTHON ?= python3.11

VENV := .venv
MELTANO_VENV := .venv-meltano
SQLALCHEMY_VENV := .venv-sqlalchemy-2.0
BIN := $(VENV)/bin
UV := $(BIN)/uv
PACKAGES := tap-shopify-contacts target-contactdb tests/shopify_sandbox
PYPROJECTS := $(wildcard $(PACKAGES:=/pyproject.toml))
SOURCES := tap-shopify-contacts/tap_shopify_contacts target-contactdb/target_contactdb demo benchmarks examples/flows tests

# An environment that happens to be active, or a path set for another project, must not leak into ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
# Else every start compiles a thousand modules where Python may not write, or is told not to.
export UV_COMPILE_BYTECODE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

.PHONY: help
help: ## List what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
	  while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

.PHONY: install
install: $(VENV)/.installed $(MELTANO_VENV)/.installed .meltano/.installed ## Make the environments, install Meltano and the plugins

.PHONY: demo
demo: $(VENV)/.installed $(MELTANO_VENV)/.installed .meltano/.installed ## Carry a sandbox store into a contact database, twice, and show the result
	@$(BIN)/python -m demo

.PHONY: test
test: $(VENV)/.installed $(MELTANO_VENV)/.installed lint types ## Everything that has to pass: lint, format, types, tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(PYTEST_ARGS)

.PHONY: bench
bench: $(VENV)/.installed $(MELTANO_VENV)/.installed ## Measure tap and target beside their peers, and segments; takes a quarter of an hour
	$(BIN)/python -m benchmarks.tap $(BENCH_ARGS)
	$(BIN)/python -m benchmarks.target $(BENCH_ARGS)
	$(BIN)/python -m benchmarks.pipeline $(BENCH_ARGS)
	$(BIN)/python -m benchmarks.segments

.PHONY: screenshots
screenshots: $(VENV)/.installed ## Draw the pictures of the message that the README shows, with Debian's Chromium
	@$(BIN)/python -m tests.target.message.screenshots

.PHONY: lint
lint: $(VENV)/.installed ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: $(VENV)/.installed ## Bring style and format in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: $(VENV)/.installed ## Check the types
	$(BIN)/mypy $(SOURCES)

.PHONY: pins
pins: $(VENV)/.installed ## Bring constraints/ up to the newest versions that fit
	$(UV) pip compile --quiet --upgrade --no-annotate --no-header \
	  --group pyproject.toml:dev $(PYPROJECTS) --output-file constraints/project.txt
	$(UV) pip compile --quiet --upgrade --no-annotate --no-header \
	  --group pyproject.toml:meltano --output-file constraints/meltano.txt
	$(UV) pip compile --quiet --upgrade --no-annotate --no-header \
	  --group pyproject.toml:dbt-sqlite --output-file constraints/dbt-sqlite.txt
	$(UV) pip compile --quiet --upgrade --no-annotate --no-header \
	  --group pyproject.toml:dbt-postgres --output-file constraints/dbt-postgres.txt
	$(UV) pip compile --quiet --upgrade --no-annotate --no-header \
	  --group pyproject.toml:sqlalchemy-2-0 target-contactdb/pyproject.toml --output-file constraints/sqlalchemy-2.0.txt
	for other in tap-shopify target-jsonl target-postgres target-duckdb; do \
	  $(UV) pip compile --quiet --upgrade --no-annotate --no-header \
	    --group pyproject.toml:$$other --output-file constraints/$$other.txt || exit 1; \
	done

.PHONY: clean
clean: ## Remove what can be made again; keep .env, contact databases and Meltano's state
	rm -rf $(VENV) $(MELTANO_VENV) $(SQLALCHEMY_VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis output/demo output/dbt \
	  output/bench output/other-targets
	rm -rf $(addprefix .meltano/,.installed extractors loaders utilities run)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: an environment is brought up to date when what it was made from is newer.

$(UV):
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints/project.txt uv

$(VENV)/.installed: pyproject.toml constraints/project.txt $(PYPROJECTS) | $(UV)
	@echo "Installing the packages, the sandbox store and the tools into $(VENV)"
	@$(UV) pip install --quiet --python $(BIN)/python --constraint constraints/project.txt \
	  --group pyproject.toml:dev $(addprefix --editable ./,$(PACKAGES))
	@touch $@

$(MELTANO_VENV)/.installed: constraints/meltano.txt | $(UV)
	@echo "Installing Meltano into $(MELTANO_VENV)"
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(MELTANO_VENV)
	@$(UV) pip sync --quiet --python $(MELTANO_VENV)/bin/python constraints/meltano.txt
	@touch $@

$(SQLALCHEMY_VENV)/.installed: constraints/sqlalchemy-2.0.txt target-contactdb/pyproject.toml | $(UV)
	@echo "Installing the target with SQLAlchemy 2.0 into $(SQLALCHEMY_VENV)"
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(SQLALCHEMY_VENV)
	@$(UV) pip sync --quiet --python $(SQLALCHEMY_VENV)/bin/python constraints/sqlalchemy-2.0.txt
	@$(UV) pip install --quiet --no-deps --python $(SQLALCHEMY_VENV)/bin/python --editable ./target-contactdb
	@touch $@

# What the plugins are installed from: their packages, the pins, and how meltano.yml names them.
.meltano/.installed: $(MELTANO_VENV)/.installed meltano.yml constraints/project.txt \
                     tap-shopify-contacts/pyproject.toml target-contactdb/pyproject.toml
	@echo "Installing the plugins into .meltano"
	@./meltano install tap-shopify-contacts target-contactdb > logs/install.txt 2>&1 || { cat logs/install.txt; exit 1; }
	@touch $@
