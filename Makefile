# Two commands are enough on a fresh machine: `make run` and `make test`. Each sets up what it needs first.
#   PYTHON=python3.12   the interpreter to build the virtual environment with
#   ARGS='…'            arguments for the program (make run) or for pytest (make test, make slow)

VENV = .venv
PY = $(VENV)/bin/python

.PHONY: help run test lint slow fuzz examples coverage mutants translations shortcuts pictures site bench format package installers frozen-test clean distclean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile

run: ## open the window (without a display: the demo, in the terminal)
	@sh tools/setup.sh run
	@sh tools/run.sh $(ARGS)

test: ## lint and all quick tests
	@sh tools/setup.sh dev
	@sh tools/check.sh lint test $(ARGS)

lint: ## ruff, mypy, the import contracts
	@sh tools/setup.sh dev
	@sh tools/check.sh lint

slow: ## the tests that take minutes (frozen-test has those of the frozen program)
	@sh tools/setup.sh dev
	@$(PY) -m pytest -m slow --timeout=1800 -o faulthandler_timeout=1700 --ignore=tests/installers/test_frozen.py $(ARGS)

fuzz: ## changed files at the engine and at every import, fresh ones each time (MINUTES=10 for each family)
	@sh tools/setup.sh dev
	@$(PY) tools/fuzz.py --minutes $${MINUTES:-10} $(ARGS)

examples: ## the tests with made-up examples, with many new ones (MINUTES=30)
	@sh tools/setup.sh dev
	@sh tools/fuzz.sh $(ARGS)

coverage: ## the quick tests, and which lines they do not reach (build/coverage/html)
	@sh tools/setup.sh dev
	@mkdir -p build/coverage
	@$(PY) -m coverage erase
	@$(PY) -m coverage run -m pytest --timeout=600 $(ARGS)
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage html --quiet
	@$(PY) -m coverage report

mutants: ## put small faults into what decides, and see whether tests notice (ARGS='desktop.store.manifest')
	@sh tools/setup.sh dev
	@$(PY) tools/mutants.py $(ARGS)

translations: ## collect all of Fovea's words for each language (ARGS=de begins a new one, ARGS=--check looks for faults)
	@sh tools/setup.sh run
	@$(PY) tools/translations.py $(ARGS)

shortcuts: ## write the list of keys into the help's page
	@sh tools/setup.sh run
	@$(PY) tools/shortcuts.py

pictures: ## draw the pictures of README and tutorials anew (ARGS='classify-light')
	@sh tools/setup.sh run
	@$(PY) tools/pictures.py $(ARGS)

site: ## the documentation as web pages, in build/site (needs no network)
	@sh tools/setup.sh dev
	@$(PY) tools/site/build.py $(ARGS)

bench: ## measure this machine, beside what people would otherwise use
	@sh tools/setup.sh dev
	@$(PY) -m benchmarks $(ARGS)

format: ## let ruff lay out the code
	@sh tools/setup.sh dev
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

package: ## a program folder for users without Python, in dist/ (FOVEA_FLAVOUR=full|viewer)
	@sh tools/setup.sh package
	@$(PY) -m PyInstaller --noconfirm --log-level WARN build.spec

installers: package ## … and this Linux' packages of it
	@$(PY) -m installers.linux --program dist/Fovea-$${FOVEA_FLAVOUR:-full} --out dist

frozen-test: ## build the viewer and try it as its users run it (up to 25 minutes on two cores)
	@sh tools/setup.sh dev
	@sh tools/setup.sh package
	@$(PY) -m pytest -m slow --timeout=2400 -o faulthandler_timeout=2300 tests/installers/test_frozen.py $(ARGS)

clean: ## remove what builds and tests leave behind
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## … and the virtual environment
	rm -rf $(VENV)
