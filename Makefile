# make run    set up, then the full-screen program; without a terminal, one sample headless
# make test   set up, then all tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TORCH ?= torch==2.13.0
FIRST := sample:digits
GRAPHS := 2000
PROGRAMS := 20000
MOMENTS := 50
NPU := ethos-u85

.PHONY: run test check bench conformance differential fuzz damaged faults networks toolchains viewers campaign kills picture gallery wheel notes options schemas clean help
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: $(VENV)/.installed ## set up, then the program on a sample
	@if [ -t 0 ] && [ -t 1 ] && [ -t 2 ]; then $(BIN)/fvp-tui; else $(BIN)/fvp-tui run $(FIRST); fi

# One worker more than CI has cores: tests wait for processes and timers, too.
test: check ## set up, then checks and all tests
	$(BIN)/python -m pytest -n 3 --dist loadgroup

check: $(VENV)/.installed-dev ## the static checks only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.installed-dev ## print speeds, and cycles beside Vela's; asserts nothing
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.inference
	$(BIN)/python -m tests.benchmarks.server
	$(BIN)/python -m tests.benchmarks.cycles
	$(BIN)/python -m tests.benchmarks.driver
	$(BIN)/python -m tests.benchmarks.loop
	$(BIN)/python -m tests.benchmarks.screen
	$(BIN)/python -m tests.benchmarks.history
	$(BIN)/python -m tests.benchmarks.board
	$(BIN)/python -m tests.benchmarks.campaigns
	$(BIN)/python -m tests.benchmarks.firmware

conformance: $(VENV)/.installed-dev ## ExecuTorch's own tests for an NPU on fvp-sim, about an hour
	$(BIN)/python -m tests.conformance --npu $(NPU) $(FILES)

differential: $(VENV)/.installed-dev ## random graphs: fvp-sim and the lowering, about an hour
	$(BIN)/python -m tests.differential --npu $(NPU) --graphs $(GRAPHS)

fuzz: $(VENV)/.installed-dev ## damaged programs on fvp-sim, about four minutes
	$(BIN)/python -m tests.fuzz --npu $(NPU) --programs $(PROGRAMS)

damaged: $(VENV)/.installed-dev ## damaged .tflite files, by Vela and on fvp-sim, about ten minutes
	$(BIN)/python -m tests.fuzz.networks --files $(PROGRAMS)

faults: $(VENV)/.installed-dev ## processes killed and frozen, full disks, damaged journals, about half an hour
	$(BIN)/python -m tests.faults --moments $(MOMENTS)

networks: $(VENV)/.installed-dev ## ordinary networks and the samples, link by link, about half an hour
	$(BIN)/python -m tests.networks --set all

toolchains: $(VENV)/.installed-dev ## models under each release of ExecuTorch that is supported, about ten minutes
	$(BIN)/python -m tests.toolchains

# Without the adapter, which its reader goes without: that package alone is larger than all the others here.
viewers: $(VENV)/.installed-dev ## exports read by Model Explorer's own package, about three minutes
	$(PYTHON) -m venv build/viewers
	build/viewers/bin/python -m pip --disable-pip-version-check --quiet install \
	  flask dacite portpicker requests termcolor numpy watchdog packaging typing-extensions
	build/viewers/bin/python -m pip --disable-pip-version-check --quiet install --no-deps 'ai-edge-model-explorer>=0.1.34,<0.2'
	$(BIN)/python -m tests.viewers --python build/viewers/bin/python

kills: $(VENV)/.installed-dev ## campaigns killed at random moments, on this machine and on a cluster, about an hour
	for victim in process client worker scheduler; do $(BIN)/python -m tests.campaign.kills --of $$victim || exit 1; done

campaign: $(VENV)/.installed ## the networks of MLPerf Tiny on five NPUs, a few minutes
	$(BIN)/fvp-tui campaign examples/mlperf_tiny.toml

picture: $(VENV)/.installed-dev ## the README's pictures of the screens, from runs that this makes, a few minutes
	$(BIN)/python -m tests.picture docs

gallery: $(VENV)/.installed-dev ## pictures of all screens in all sizes and colours, in gallery/, about ten minutes
	$(BIN)/python -m tests.gallery gallery

# The SBOM is that of a light installation. Its tool has requirements that do not go with ExecuTorch's.
wheel: $(VENV)/.installed-dev ## dist/: the wheel, with manual pages and SBOM, and the source archive, both checked
	rm -rf build dist
	$(BIN)/python -m tests.man_pages build/extras/man
	$(PYTHON) -m venv build/light
	build/light/bin/python -m pip --disable-pip-version-check --quiet install .
	$(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip --disable-pip-version-check --quiet install cyclonedx-bom
	mkdir -p build/extras/sbom
	build/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  -o build/extras/sbom/fvp-tui.cdx.json build/light/bin/python
	FVP_TUI_WHEEL_EXTRAS="$(CURDIR)/build/extras" $(BIN)/python -m build --no-isolation --wheel --outdir dist
	$(BIN)/python -m build --no-isolation --sdist --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m zipfile --list dist/*.whl

notes: ## the newest section of CHANGELOG.md, for a release
	@awk '/^## /{n++} n==1' CHANGELOG.md

options: $(VENV)/.installed-dev ## the tables of docs/options.md, from tui/run/options.py
	$(BIN)/python -m tests.options_table

schemas: $(VENV)/.installed-dev ## the JSON Schemas of docs/schemas, from the types
	$(BIN)/python -m tests.reports.json_schemas

clean: ## remove the virtual environment
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "fvp-tui needs Python 3.11 or newer; PYTHON=/path/to/python3.11 make ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch first, by itself and pinned: pip then has no reason to look at any other build of it. It takes the build for the
# CPU, which is a tenth of the others, wherever its own settings (PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS) offer one.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV): a few minutes the first time" >&2
	$(PIP) install --no-compile "$(TORCH)"
	$(PIP) install --no-compile -e '.[compile]'
	@# On all cores: on one, as pip does it, half of the time goes into this. What is of another Python is no error.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install -e '.[dev]'
	@touch $@
