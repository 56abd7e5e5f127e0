# make demo    the main job: sound that goes on while Python stalls     (ARGS='FILE --seconds 5')
# make test    all tests                                                (ARGS='-k rtmixer')
# make lint    formatting, clippy, ruff, types, documentation warnings
# make bench   what a call and a wait cost, and what is lost while Python stalls
# make docs    the documentation, in build/docs
# make wheel   a wheel for this interpreter and a pure one for all, in dist
# make install-c PREFIX=/usr/local    the C library, headers and pkg-config file
#
# Everything is built and installed below this folder. PYTHON chooses the interpreter.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
PYPY ?= $(shell command -v pypy3)

ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif

SOURCES := $(shell find crates -name '*.rs' -not -path '*/target/*') Cargo.toml Cargo.lock \
    $(wildcard crates/*/Cargo.toml)

.PHONY: demo test test-pypy lint bench docs wheel install-c clean

demo: $(VENV)/.native
	$(BIN)/python -m pa_ringbuffer demo $(ARGS)

test: $(VENV)/.native $(VENV)/.test
	cargo test --locked
	cargo test --locked -p pa-ringbuffer --no-default-features --lib
	$(BIN)/python -m pytest $(ARGS)
	$(MAKE) test-pypy

# The portable class, from the pure wheel, where there is PyPy.
test-pypy: $(VENV)/.native
ifeq ($(PYPY),)
	@echo 'Not tested on PyPy: there is no pypy3.'
	@test "$$CI" != true
else
	$(PYPY) -m venv build/pypy
	$(BIN)/python tools/pure_wheel.py build/pypy
	build/pypy/bin/python -m pip install --quiet --upgrade pytest sphinx
	build/pypy/bin/python -m pip install --quiet --force-reinstall --no-deps build/pypy/*.whl
	build/pypy/bin/python -m pytest -q tests --ignore tests/audio --ignore tests/c
endif

lint: $(VENV)/.native $(VENV)/.lint
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked -p pa-ringbuffer-callback --no-default-features -- -D warnings
	cd crates/pa-ringbuffer-capi && cargo fmt --check && cargo clippy --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --quiet
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest pa_ringbuffer --mypy-config-file pyproject.toml \
	    --allowlist tools/stubtest_allowlist.txt --ignore-unused-allowlist

bench: $(VENV)/.native $(VENV)/.test
	$(BIN)/python comparison/python_calls
	$(BIN)/python comparison/waiting
	$(BIN)/python comparison/dropouts $(ARGS)

docs: $(VENV)/.native $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --quiet
	@echo 'The documentation is in build/docs/index.html, that of the Rust crates in target/doc.'

wheel: $(VENV)/.native
	$(BIN)/maturin build --release --locked --out dist $(FEATURES)
	$(BIN)/python tools/pure_wheel.py dist

install-c:
	sh tools/install_c.sh

clean:
	rm -rf $(VENV) build dist target crates/pa-ringbuffer-capi/target

# One wheel for CPython 3.11 and newer; below, the limited API has no buffer protocol, and
# free-threaded Python has no limited API yet.
FEATURES = $(shell $(BIN)/python -c "import sys, sysconfig as s; print('--features abi3' \
    if sys.version_info >= (3, 11) and not s.get_config_var('Py_GIL_DISABLED') else '')")

$(VENV)/.base:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' 'maturin>=1.9,<2'
	@touch $@

$(VENV)/.native: $(VENV)/.base pyproject.toml $(SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --locked --quiet --extras demo $(FEATURES)
	@touch $@

# After the package itself: rtmixer depends on it, and would bring upstream's.
$(VENV)/.test $(VENV)/.lint $(VENV)/.docs: $(VENV)/.%: pyproject.toml | $(VENV)/.native
	$(BIN)/python -m pip install --quiet --group $*
	@touch $@
