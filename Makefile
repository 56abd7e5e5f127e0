# make demo    the main purpose: sound continues while Python stalls    (ARGS='FILE --seconds 5')
# make test    all tests                                                (ARGS='-k rtmixer' JOBS=1)
# make test-bare         the same, and the demo, with PortAudio, JACK, PyPy and others hidden
# make test-examples     examples/callbacks, built as their READMEs say, from a wheel
# make test-all          the installed package, on every Python found    (ARGS='-s wheel-3.13')
# make test-installed    a short form of it, for this Python only
# make test-parallel     tests in four threads at once, each with its own rings
# make fuzz    hostile calls from Python, then the fuzzers for Rust and C   (SECONDS=60, for each)
# make fuzz-valgrind     hostile calls from Python, with each memory access checked by valgrind
# make loom    model checking of all orderings of the ring and the callback  (ARGS=--long)
# make lint    formatting, clippy, ruff, types, documentation warnings, dependencies of crates
# make check-msrv        compiles everything with the oldest supported Rust
# make audit   licences, duplicates and origin of all crates, with cargo-deny
# make audit-advisories  known vulnerabilities (needs the network)
# make bench   what rings, calls and waits cost, and what is lost while Python stalls
# make bench-instructions    fails if the ring takes more instructions than before
# make equivalence       random programs on all implementations of a ring     (SEED=2 PROPTEST_CASES=10000)
# make i386    the same with 32-bit integers, in a 32-bit program (first: make portaudio-i386)
# make test-platforms    Rust and C on other processors and systems, emulated  (ARGS='aarch64 windows')
# make soak    two threads on one ring, all pairs of implementations, for an hour (SECONDS=60)
# make valgrind          tests, soak and Python under memcheck           (ARGS=soak)
# make sanitizers        AddressSanitizer and ThreadSanitizer            (ARGS=c)
# make verify  a short form of these, for .ci/run
# make docs    the documentation, in build/docs
# make wheel   a wheel for this interpreter and a pure one for all, in dist
# make install-c PREFIX=/usr/local    the C library, headers and pkg-config file
#
# Everything is built and installed inside this folder. PYTHON selects the interpreter.

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
    $(wildcard crates/*/Cargo.toml) $(wildcard crates/pa-ringbuffer-capi/include/*) \
    tools/wheel_contents.py tools/c_library.py tools/ring_object.py

MATURIN := 'maturin>=1.12,<2'
RUST := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
VERIFICATION := verification/Cargo.toml
# Without PortAudio to link with, only the other implementations take part. With CI=true, that fails.
WITH_C = $(shell test "$$CI" = true || test -e "$$($${CC:-cc} -print-file-name=libportaudio.a)" || \
    echo --no-default-features)
SAY_WITHOUT_C = @test -z '$(WITH_C)' || \
    echo 'The two C libraries do not take part: they need portaudio19-dev, binutils and a C compiler.'
CAPI := crates/pa-ringbuffer-capi/Cargo.toml
LOOM := verification/loom/Cargo.toml

.PHONY: demo test test-cargo test-python test-bare test-pypy test-all test-examples test-installed test-parallel \
    test-platforms fuzz fuzz-valgrind loom lint lint-comparison \
    check-msrv audit audit-advisories audit-python need-cargo-deny bench bench-instructions equivalence i386 \
    soak soak-short soak-built valgrind sanitizers verify docs wheel install-c clean

demo: $(VENV)/.native
	$(BIN)/python -m pa_ringbuffer demo $(ARGS)

# PyPy uses one processor at the same time; its output comes last.
test: $(VENV)/.native $(VENV)/.test
	@mkdir -p build
	@$(MAKE) --no-print-directory test-pypy > build/test-pypy.log 2>&1 & pypy=$$!; \
	trap "kill $$pypy; exit 130" INT TERM; \
	$(MAKE) --no-print-directory test-cargo test-python; here=$$?; \
	wait $$pypy; pypy=$$?; cat build/test-pypy.log; exit $$(( here + pypy ))

test-cargo:
	cargo test --locked
	cargo test --locked -p pa-ringbuffer --no-default-features --lib
	cargo test --locked -p pa-ringbuffer --all-features

# Most of the tests wait for real time, so there are twice as many processes as processors.
JOBS ?= $(shell $(PYTHON) -c 'import os; print(2 * os.cpu_count())')

test-python: $(VENV)/.native $(VENV)/.test
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --ignore tests/c/examples $(ARGS)

# Apart from the others, because building the projects takes a minute.
test-examples: $(VENV)/.native $(VENV)/.test $(VENV)/.examples
	for manifest in examples/callbacks/*/Cargo.toml; do cargo fetch --manifest-path $$manifest \
	    --config 'patch.crates-io.pa-ringbuffer.path="crates/pa-ringbuffer"' || exit 1; done
	$(BIN)/python -m pytest -n $(JOBS) tests/c/examples $(ARGS)

# On an imitation of a machine that has only git, make, Python, Rust and a C compiler.
test-bare: $(VENV)/.native $(VENV)/.test
	$(BIN)/python tools/bare_machine.py $(MAKE) --no-print-directory demo test

# The portable class, from the pure wheel, if PyPy is installed.
test-pypy: $(VENV)/.native
ifeq ($(PYPY),)
	@echo 'Not tested on PyPy: there is no pypy3.'
	@test "$$CI" != true
else
	$(PYPY) -m venv build/pypy
	$(BIN)/python tools/pure_wheel.py build/pypy
	build/pypy/bin/python -m pip install --quiet --upgrade pytest sphinx
	build/pypy/bin/python -m pip install --quiet --force-reinstall --no-deps build/pypy/*.whl
	build/pypy/bin/python tools/test_installed.py -q tests --ignore tests/audio --ignore tests/c
endif

# See noxfile.py.
test-all: build/nox/.done
	build/nox/bin/nox $(ARGS)

test-installed: build/nox/.done
	build/nox/bin/nox -s short

# Without tests whose threads would share a fixture, and without tests of the whole process: its
# garbage, its modules, its switching interval.
PARALLEL := $(addprefix tests/test_, bad_input.py buffers.py cdef.py layout.py operations.py \
    private_names.py returned_buffers.py)

test-parallel: $(VENV)/.native $(VENV)/.test $(VENV)/.parallel
	$(BIN)/python -m pytest -q --parallel-threads=4 --mark-warnings-as-unsafe \
	    -o "$$(printf 'thread_unsafe_fixtures=ring\ncollect')" $(PARALLEL) $(ARGS)

fuzz fuzz-valgrind: SECONDS ?= 60
fuzz: $(VENV)/.native $(VENV)/.test
	$(BIN)/python tools/fuzz.py --seconds $(SECONDS)
	@cargo fuzz --version || echo 'The fuzzers for Rust and C are skipped: cargo install --locked cargo-fuzz'
	@! cargo fuzz --version 2>/dev/null || for target in handles raw c_functions; do \
	    cargo +nightly fuzz run --fuzz-dir fuzz $$target -- -max_total_time=$(SECONDS) || exit 1; done

fuzz-valgrind: $(VENV)/.native $(VENV)/.test
	sh tools/fuzz_valgrind.sh $(BIN)/python $(SECONDS)

# Needs no Python. See verification/loom/README.md.
loom:
	cargo run --locked --release --quiet --manifest-path $(LOOM) -- $(ARGS)

# They are checked without the modules that they use, some of which have types of their own.
TYPED_EXAMPLES := $(addprefix examples/callbacks/, cffi/levelmeter.py cpp/cpp_sampler.py \
    ctypes/sampler.py cython/cython_meter.py jack_client/player.py numba/delay.py \
    rust/python/rust_delay)
STRICTLY := --strict --ignore-missing-imports --no-warn-unused-ignores --allow-untyped-decorators

lint: $(VENV)/.native $(VENV)/.lint
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd verification && cargo fmt --check && cargo clippy --locked $(WITH_C) --all-targets -- -D warnings
	cargo clippy --locked -p pa-ringbuffer-callback --no-default-features -- -D warnings
	cargo clippy --locked -p pa-ringbuffer --all-features --all-targets -- -D warnings
	cd crates/pa-ringbuffer-capi && cargo fmt --check && cargo clippy --locked -- -D warnings
	cd comparison && cargo fmt --all --check
	$(MAKE) lint-comparison
	cd verification/loom && cargo fmt --all --check && cargo clippy --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --quiet
	$(BIN)/python tools/check_crates.py
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python tools/stub_docstrings.py --check
	for folder in examples examples/recipes examples/tutorials; do \
	    MYPYPATH=$$folder $(BIN)/mypy $(STRICTLY) $$folder/*.py || exit 1; done
	for program in $(TYPED_EXAMPLES); do \
	    MYPYPATH=$$(dirname $$program) $(BIN)/mypy $(STRICTLY) $$program || exit 1; done
	$(BIN)/python -m mypy.stubtest pa_ringbuffer --mypy-config-file pyproject.toml \
	    --allowlist tools/stubtest_allowlist.txt --ignore-unused-allowlist

# Compiling it needs the libraries that the ring is compared with.
lint-comparison:
	@if test -e "$$($(CC) -print-file-name=libportaudio.a)" \
	    && test -e "$$($(CC) -print-file-name=libjack.so)" \
	    && echo '#include <boost/version.hpp>' | $(CXX) -fsyntax-only -x c++ - 2>/dev/null; then \
	    cd comparison && cargo clippy --locked --all-targets -- -D warnings; \
	else \
	    echo 'clippy skips comparison: .ci/run lists the packages that it needs.'; \
	    test "$$CI" != true; \
	fi

# Clippy checks the age of each function of the standard library (`make lint`); only the compiler
# itself detects newer syntax.
check-msrv:
	@cargo +$(RUST) --version 2>/dev/null || { \
	    echo 'Rust $(RUST) is missing: rustup toolchain install $(RUST) --profile minimal'; exit 1; }
	cargo +$(RUST) check --locked --workspace --target-dir build/msrv
	cargo +$(RUST) check --locked --manifest-path $(CAPI) --target-dir build/msrv

# Works without the network once Cargo has downloaded the crates.
audit: DENY = cargo deny --locked --offline --config deny.toml
audit: need-cargo-deny
	$(DENY) check licenses bans sources
	$(DENY) --manifest-path $(CAPI) check -A license-not-encountered licenses bans sources

audit-advisories: need-cargo-deny audit-python
	cargo deny --locked --config deny.toml check advisories

# The packages that `make demo` has installed.
audit-python: $(VENV)/.native
	$(PYTHON) -m venv build/pip-audit
	build/pip-audit/bin/python -m pip install --quiet --upgrade pip-audit
	$(BIN)/python -m pip freeze --exclude pa-ringbuffer > build/pip-audit/installed.txt
	build/pip-audit/bin/pip-audit --strict --no-deps --disable-pip \
	    --requirement build/pip-audit/installed.txt

need-cargo-deny:
	@cargo deny --version 2>/dev/null || { \
	    echo 'cargo-deny is missing: cargo install --locked cargo-deny'; exit 1; }

bench: $(VENV)/.native $(VENV)/.test
	$(BIN)/python comparison/rings
	$(BIN)/python comparison/python_calls
	$(BIN)/python comparison/waiting
	$(BIN)/python comparison/python_callbacks
	$(BIN)/python comparison/dropouts $(ARGS)

bench-instructions:
	$(PYTHON) comparison/instructions $(ARGS)

# The second run has the integer sizes of Apple's systems and Windows.
equivalence:
	$(SAY_WITHOUT_C)
	cargo test --locked --manifest-path $(VERIFICATION) -p equivalence $(WITH_C)
	cargo test --locked --manifest-path $(VERIFICATION) -p equivalence --no-default-features \
	    --features as-on-apple

i386: $(VENV)/.native $(VENV)/.test
	$(BIN)/python verification/i386.py $(ARGS)

test-platforms: $(VENV)/.native $(VENV)/.test
	$(BIN)/python verification/platforms.py $(ARGS)

# For `make i386`; portaudio-arm64, portaudio-armhf and portaudio-s390x for `make test-platforms`.
portaudio-%:
	sh verification/portaudio_for.sh build/verification/portaudio-$* $*

soak: SECONDS ?= 3600
# Nine tenths of the time for Rust and C, the rest for Python and C.
soak: soak-built
	verification/target/release/soak --seconds $$(( $(SECONDS) * 9 / 10 ))
	$(BIN)/python verification/soak/with_python.py --seconds $$(( $(SECONDS) / 10 ))

soak-short: soak-built
	cargo test --locked --manifest-path $(VERIFICATION) -p soak --lib $(WITH_C)
	verification/target/release/soak --operations 1000000
	$(BIN)/python verification/soak/with_python.py --operations 60000

soak-built: $(VENV)/.native
	$(SAY_WITHOUT_C)
	cargo build --locked --release --manifest-path $(VERIFICATION) -p soak $(WITH_C)

valgrind: $(VENV)/.native $(VENV)/.test
	$(BIN)/python verification/under_valgrind.py $(ARGS)

sanitizers:
	$(PYTHON) verification/sanitizers.py $(ARGS)

verify: equivalence soak-short $(VENV)/.test
	HOSTILE_ROUNDS=100 PA_RINGBUFFER_REPEAT=2 $(BIN)/python -m pytest -q -n $(JOBS) \
	    tests/test_hostile_input.py tests/test_streams_and_signals.py tests/test_streams_and_fork.py
	$(BIN)/python verification/under_valgrind.py tests soak

docs: $(VENV)/.native $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --quiet
	$(BIN)/python docs/add_rustdoc.py target/doc build/docs
	@echo 'The documentation is in build/docs/index.html.'

wheel: $(VENV)/.native
	$(BIN)/maturin build --release --locked --out dist $(FEATURES)
	$(BIN)/python tools/pure_wheel.py dist
	$(BIN)/python tools/check_sbom.py dist/*.whl
	$(BIN)/python tools/check_contents.py dist/*.whl

install-c:
	$(PYTHON) tools/install_c.py

clean:
	rm -rf $(VENV) build dist python/pa_ringbuffer/include python/pa_ringbuffer/lib target crates/pa-ringbuffer-capi/target comparison/target verification/target verification/loom/target

# One wheel for CPython 3.11 and newer; below, the limited API has no buffer protocol, and
# free-threaded Python has no limited API yet.
FEATURES = $(shell $(BIN)/python -c "import sys, sysconfig as s; print('--features abi3' \
    if sys.version_info >= (3, 11) and not s.get_config_var('Py_GIL_DISABLED') else '')")

$(VENV)/.base:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' $(MATURIN)
	@touch $@

$(VENV)/.native: $(VENV)/.base pyproject.toml $(SOURCES)
	$(BIN)/python tools/wheel_contents.py
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --locked --quiet --extras demo $(FEATURES)
	@touch $@

# Separate from $(VENV), in which the source tree is installed.
build/nox/.done: Makefile
	$(PYTHON) -m venv build/nox
	build/nox/bin/python -m pip install --quiet --upgrade nox $(MATURIN)
	@touch $@

# After the package itself: rtmixer depends on it, and would install upstream's package.
$(VENV)/.test $(VENV)/.parallel $(VENV)/.lint $(VENV)/.docs $(VENV)/.examples: $(VENV)/.%: pyproject.toml | $(VENV)/.native
	$(BIN)/python -m pip install --quiet --group $* $(if $(filter testtrue,$*$(CI)),--group gui)
	@touch $@
