# Two commands for a fresh clone: `make quickstart` needs Python 3.11, `make test` a C compiler too.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
SOURCES := $(shell find edgemnist runtime export benchmarks -name '*.py' -o -name '*.json' -o -name '*.jinja' | grep -v __pycache__)

# A worker for each processor, at most four, since each holds a TensorFlow of its own.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --cov

.PHONY: quickstart test test-slow lint types wheel bare-test portability lock clean

## Train, export to TFLite, full-int8 TFLite and ONNX, and print the table of parity and latency.
quickstart: artifacts/manifest.json
	$(BIN)/edgemnist bench

## Lint, type-check and test, all but what takes long.
test: lint types
	$(PYTEST) -m "not slow" --cov-report=term

## The tests that take long. After `make test` the coverage is that of both.
test-slow: $(INSTALLED)
	$(PYTEST) -m slow --cov-append --cov-report=term $(if $(wildcard .coverage),,--cov-fail-under=0)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Type checkers do not follow the folder mapping of an editable install, so the installed wheel is checked.
types: wheel
	MYPYPATH=build/site $(BIN)/mypy -p edgemnist

## Build the wheel in build/dist and unpack it in build/site.
wheel: $(INSTALLED)
	rm -rf build
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/dist .
	$(BIN)/pip install --quiet --no-deps --target build/site build/dist/*.whl

## Import and use the built wheel with only the base install, in an environment of its own.
bare-test: wheel artifacts/manifest.json
	rm -rf build/bare
	$(PYTHON) -m venv build/bare
	build/bare/bin/pip install --quiet --require-hashes -r requirements/base.txt
	build/bare/bin/pip install --quiet --no-deps build/dist/*.whl
	cd build && bare/bin/python ../tests/base_install.py ../artifacts

## Run the model in C on all test images with every compiler and processor, and print what it takes there.
## Needs the Debian packages that .ci/run installs, and names those that are missing.
portability: artifacts/manifest.json
	mkdir -p build/portability
	cp artifacts/mnist.keras build/portability
	$(BIN)/edgemnist export --format int8.tflite --format c --artifacts build/portability
	$(BIN)/python -m edgemnist.benchmarks.studies.portability --artifacts build/portability \
		--output build/portability/portability.md

## Compile the locked requirements from pyproject.toml; needs uv.
lock:
	uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-header -o requirements/base.txt
	uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-header --all-extras --group dev \
		-o requirements/dev.txt

clean:
	rm -rf build artifacts .coverage .coverage.*

$(INSTALLED): requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

artifacts/manifest.json: $(INSTALLED) $(SOURCES)
	$(BIN)/edgemnist export --int8
	touch $@
