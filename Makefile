# What one can do here. `make` alone lists it; each target says what it does after its `##`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OURS := moderation service worker models
# Extra words for pytest, e.g. `make test ARGS='tests/flows -x'`.
ARGS ?=
# Two processes: the tests' servers and workers want the other cores for themselves.
JOBS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check install --progress-bar off --only-binary :all: --require-hashes

.DEFAULT_GOAL := help
.PHONY: help run install test quick test-hostile test-clients test-wordpress test-hosts test-wheel test-deploy release lint format types arrows check lock words demo screenshots bench card clean
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

help: ## List what make can do here
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/requirements.txt ## Start Winnow: installs what is missing, then serves until Ctrl-C
	@exec ./winnow up

install: $(VENV)/requirements.txt $(VENV)/requirements-dev.txt ## Install everything that run and test need; both work offline afterwards
	@:

test: install ## Run every test (ARGS='tests/flows -x' narrows it)
	@exec $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

# What is left out, and why: tests/conftest.py.
quick: install ## Run the tests that take seconds, as one does while working
	@exec $(BIN)/python -m pytest -n $(JOBS) --quick $(ARGS)

lint: install ## Look for mistakes and for code that isn't formatted
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: install ## Repair what lint can repair by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: install ## Check types, strictly
	@$(BIN)/mypy

arrows: install ## Check which package may import which
	@$(BIN)/lint-imports

check: lint types arrows ## Run lint, types and arrows

# The compiler names itself in the header as `make lock`, so that no machine's paths are written.
COMPILE := UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile --quiet --universal \
	--generate-hashes --no-build --python-version 3.11 --no-emit-index-url --no-emit-find-links

lock: install ## Pin requirements*.txt again from requirements*.in (UPGRADE=1 takes newer versions)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements.in -o requirements.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) -c requirements.txt requirements-dev.in -o requirements-dev.txt
	@$(COMPILE) $(if $(UPGRADE),--upgrade) -c requirements.txt requirements-train.in -o requirements-train.txt

# The template of all languages is made, used and thrown away: the sources are the template.
# Nothing is guessed from a similar text, so that no wrong translation is taken over unseen.
PYBABEL = $(BIN)/pybabel --quiet
WORDS := service/desk/translations
words: install ## Bring the desk's translations up to date with its texts (ADD=fr begins one)
	@pot=`mktemp` && trap 'rm -f "$$pot"' EXIT && mkdir -p $(WORDS) && \
	  $(PYBABEL) extract -F pyproject.toml --no-location --sort-output --project=Winnow \
	    --version=1 -o "$$pot" service/desk moderation models && \
	  $(PYBABEL) update -i "$$pot" -d $(WORDS) --no-fuzzy-matching --ignore-obsolete \
	    --ignore-pot-creation-date $(if $(ADD),--init-missing -l $(ADD)) && \
	  $(PYBABEL) compile -d $(WORDS)

test-hostile: install ## Attack a service of your own (ARGS='--url http://127.0.0.1:8025 --key wk_...')
	@exec $(BIN)/python -m tests.hostile $(ARGS)

test-clients: install ## Try unmodified clients and webhook verifiers (fetches them from PyPI and npm)
	@exec $(BIN)/python -m tests.integration.clients

test-wordpress: install ## Try WordPress from Debian and npm with our plugin and Akismet's (apt installs PHP and MariaDB, as root)
	@exec $(BIN)/python -m tests.integration.wordpress $(ARGS)

client-packages: install ## Build our clients and Python packages: dist/*.whl and dist/*.tgz
	@for one in clients/python flask django; do \
	  $(BIN)/python integrations/wheel.py integrations/$$one dist; done
	@mkdir -p dist && cd dist && npm pack --silent ../integrations/clients/javascript

wordpress-plugin: install ## Build the WordPress plugin: dist/winnow-wordpress-VERSION.zip
	@exec $(BIN)/python integrations/wordpress/build.py dist

test-hosts: install ## Try Isso and Django with the files of docs/integrate (fetches them from PyPI)
	@exec $(BIN)/python -m tests.integration.hosts

test-wheel: install ## Install the wheel where nothing else is, and have it do the main job
	@exec $(BIN)/python -m tests.integration.wheel

test-deploy: install ## Try units, proxies and alert rules with the real programs (apt installs them, as root)
	@exec $(BIN)/python -m tests.integration.deploy $(ARGS)

release: install ## Check, build and tag a release (ARGS=--dry-run does all but the tag)
	@exec $(BIN)/python deploy/release.py $(ARGS)

screenshots: install ## Take a picture of every page of the desk (needs Chromium)
	@exec $(BIN)/python -m tests.integration.screenshots

demo: $(VENV)/requirements.txt ## Start Winnow and a small blog beside it
	@exec $(BIN)/python -m examples.blog

bench: install ## Measure speed and memory, as ratios
	@exec $(BIN)/python -m benchmarks $(ARGS)

card: $(VENV)/requirements.txt ## Write the shipped model's card from its metrics
	@exec ./winnow model card

clean: ## Remove the environment and every cache; never your data
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The copy of a lock file inside the environment says what is installed there: an equal one means
# that there is nothing to fetch, whatever the clocks say.
$(VENV)/%.txt: %.txt | $(BIN)/pip
	@cmp -s $< $@ || { \
	  echo "Installing what Winnow runs on ($<): a minute or two, and only this once."; \
	  { $(PIP) -r $< || echo FAILED; } | awk "$$PROGRESS" all=`grep -c '^[a-zA-Z].*==' $<` tty=`[ -t 1 ] && echo 1 || echo 0`; }
	@cp $< $@

# What pip says, as one line that counts: on a terminal it is written over, elsewhere every tenth is kept.
define PROGRESS
/^(Collecting|Requirement already satisfied)/ { n++
  if (tty) { printf "\r\033[K  %d of %d  %s", n, all, $$2 } else if (n % 10 == 1) print "  " n " of " all "  " $$2
  fflush() }
/^Installing collected/ { printf "%s  writing %d packages to disk\n", tty ? "\r\033[K" : "", n; fflush() }
/^Successfully/ { print "  done" }
/^FAILED$$/ { exit 1 }
endef
export PROGRESS

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Winnow needs Python 3.11 or newer, and $(PYTHON) is `$(PYTHON) --version 2>&1 || true`."; \
	  echo "If there is a newer one, name it: make run PYTHON=python3.12"; exit 1; } >&2
	@echo "Making a Python environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Python could not make a virtual environment (on Debian: apt install python3-venv)." >&2; exit 1; }
