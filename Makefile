# Two commands for a fresh clone: `make quickstart` needs Python 3.11, 3.12 or 3.13, `make test` a C compiler too.
# `make PYTHON=/path/to/python3.13` picks the interpreter, `VENV=.venv-3.13` another folder to install into.

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c "$(SUPPORTED)" 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLS := $(VENV)/.tools
DOCS := $(VENV)/.docs
SOURCES := $(shell find edgemnist runtime export benchmarks -name '*.py' -o -name '*.json' -o -name '*.jinja' -o -name '*.c' | grep -v -e __pycache__ -e benchmarks/studies)

# A worker for each processor, at most four, since each holds a TensorFlow of its own.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --cov

.PHONY: quickstart test test-slow lint types wheel bare-test short locks portability docs dist lock clean

ifeq ($(origin PYTHON),command line)
ifneq ($(wildcard $(BIN)/python),)
VERSION := import sys; print(sys.version_info[:2])
ifneq ($(shell $(PYTHON) -c "$(VERSION)"),$(shell $(BIN)/python -c "$(VERSION)"))
$(error $(VENV) was made by another Python than $(PYTHON): remove it, or name another folder with VENV=)
endif
endif
endif

## Train, export to TFLite, full-int8 TFLite and ONNX, and print the table of parity and latency.
quickstart: artifacts/manifest.json
	$(BIN)/edgemnist bench

## Lint, type-check and test, all but what takes long.
test: lint types
	$(PYTEST) -m "not slow" --cov-report=term

## The tests that take long. After `make test` the coverage is that of both, and must be enough.
test-slow: $(TOOLS)
	$(PYTEST) -m slow --cov-append --cov-report=term $(if $(wildcard .coverage),,--cov-fail-under=0)

# An editable install maps folders to packages, which import-linter does not follow: it reads the wheel's.
lint: wheel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd build/site && $(abspath $(BIN))/lint-imports --no-logo --no-cache ../../pyproject.toml
	$(BIN)/python tests/lock_check.py

# Nor do type checkers. The studies, which the wheel leaves out, are checked with it.
types: wheel
	cp -r benchmarks/studies build/site/edgemnist/benchmarks
	printf '%s\n' linux win32 darwin | MYPYPATH=build/site xargs -P 3 -I '{}' \
		$(BIN)/mypy --platform '{}' --cache-dir '.mypy_cache/{}' -p edgemnist

## Build the wheel in build/dist and unpack it in build/site.
wheel: $(TOOLS)
	rm -rf build
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/dist .
	$(BIN)/pip install --quiet --no-deps --target build/site build/dist/*.whl

## Build the documentation in build/docs; a warning is an error. It opens from the folder, without a server.
docs: $(DOCS)
	$(BIN)/python -m sphinx --builder html --fresh-env --fail-on-warning --keep-going --quiet docs build/docs
	@echo "wrote build/docs/index.html"

## Build sdist and wheel in dist/, as they are released.
dist: $(TOOLS)
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

## Import and use the built wheel with only the base install, in an environment of its own.
bare-test: wheel artifacts/manifest.json
	rm -rf build/bare
	$(PYTHON) -m venv build/bare
	build/bare/bin/pip install --quiet --require-hashes -r requirements/base.txt
	build/bare/bin/pip install --quiet --no-deps build/dist/*.whl
	cd build && bare/bin/python ../tests/base_install.py ../artifacts

## What a further Python must pass: export the trained model, measure it quickly, test, but for what depends
## on compilers and other programs rather than on Python.
short: $(TOOLS)
	rm -rf $(VENV)/artifacts
	mkdir $(VENV)/artifacts
	cp artifacts/mnist.keras $(VENV)/artifacts
	$(BIN)/edgemnist export --all --artifacts $(VENV)/artifacts
	$(BIN)/edgemnist bench --quick --artifacts $(VENV)/artifacts
	$(PYTEST) -m "not slow" --no-cov $(addprefix --ignore=tests/,export/codegen export/web benchmarks/devices sweep)

## Check with an old pip and a new one that no later release of anything changes what the locks install.
locks: $(TOOLS)
	rm -rf build/pips
	$(BIN)/pip download --quiet --no-deps --require-hashes --dest build/pips -r requirements/pip-old.txt
	$(BIN)/pip download --quiet --no-deps --require-hashes --dest build/pips -r requirements/pip-new.txt
	$(BIN)/python tests/lock_check.py build/pips/*.whl

## Run the model in C on all test images with every compiler and processor, and print what it takes there.
## Needs the Debian packages that .ci/run installs, and names those that are missing.
portability: artifacts/manifest.json
	mkdir -p build/portability
	cp artifacts/mnist.keras build/portability
	$(BIN)/edgemnist export --format int8.tflite --format c --artifacts build/portability
	$(BIN)/python -m edgemnist.benchmarks.studies.systems.portability --artifacts build/portability \
		--output build/portability/portability.md

## Compile the locked requirements from pyproject.toml; needs uv. The extras stay in: without `[toml]`, pip looks for
## `coverage[toml]` beyond the lock, and refuses what was released since.
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras
lock:
	$(COMPILE) pyproject.toml -o requirements/base.txt
	$(COMPILE) pyproject.toml --extra export --group build -o requirements/quickstart.txt
	$(COMPILE) pyproject.toml --all-extras --group dev -c requirements/quickstart.txt -o requirements/dev.txt
	$(COMPILE) pyproject.toml --extra export --group build --group docs -c requirements/dev.txt -o requirements/docs.txt
	echo pip==23.2.1 | $(COMPILE) --no-annotate - -o requirements/pip-old.txt
	echo pip | $(COMPILE) --no-annotate - -o requirements/pip-new.txt

clean:
	rm -rf build artifacts .coverage .coverage.*

$(BIN)/pip:
	@$(or $(PYTHON),false) -c "$(SUPPORTED)" || { \
		echo "error: '$(PYTHON)' is no Python 3.11, 3.12 or 3.13; name one: make PYTHON=/path/to/python3.13" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): requirements/quickstart.txt pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --require-hashes -r requirements/quickstart.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(TOOLS): requirements/dev.txt $(INSTALLED)
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	touch $@

$(DOCS): requirements/docs.txt $(INSTALLED)
	$(BIN)/pip install --quiet --require-hashes -r requirements/docs.txt
	touch $@

artifacts/manifest.json: $(INSTALLED) $(SOURCES)
	$(BIN)/edgemnist export --int8
	touch $@
