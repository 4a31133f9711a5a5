# Everything here makes its own environment in .venv first; nothing else on the machine is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= runs/demo
JOBS ?= 2

.PHONY: demo test lint docs wheel sbom fuzz lowest newest clean

# The distribution without code comes first, and by itself. Where an earlier version is installed, which held the code, this removes
# it before the new code is there, and not with it; and pip need not look for melanoma-detect-core anywhere else.
$(VENV)/.installed: pyproject.toml packages/melanoma-detect/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-deps ./packages/melanoma-detect
	$(BIN)/python -m pip install --quiet --editable ".[dev,docs]"
	$(BIN)/python scripts/fetch_web_runtime.py --if-possible
	touch $@

demo: $(VENV)/.installed  ## the whole pass on procedural lesions; DATA=folder for real ones
	$(BIN)/melanoma-detect demo --out $(OUT) --overwrite $(if $(DATA),--data "$(DATA)")

test: $(VENV)/.installed  ## the default tests; real images too where MELANOMA_DETECT_DATA names their folder
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(PYTEST_ARGS)

lint: $(VENV)/.installed  ## style, types, the order of imports, and the size of functions and modules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/house_figures.py --verbose

docs: $(VENV)/.installed  ## the pages with the outputs of their code, which the long tests have run already if nothing has changed since
	$(BIN)/python scripts/build_docs.py --jobs $(JOBS)
	$(BIN)/mkdocs build --strict --quiet --site-dir site

SECONDS_EACH ?= 60
RECORD ?=
fuzz: $(VENV)/.installed  ## every door through which files come in; SECONDS_EACH=600 for longer, RECORD=file for the record
	$(BIN)/python scripts/fuzz.py --seconds $(SECONDS_EACH) --jobs $(JOBS) $(if $(RECORD),--record "$(RECORD)")

EXTRAS := training tensorflow serve heic dicom excel sign
lowest: $(VENV)/.installed  ## an environment with the lowest versions that pyproject.toml allows: the small install, and all of it
	$(BIN)/python scripts/lowest_versions.py
	$(BIN)/python scripts/lowest_versions.py --extras $(EXTRAS)

newest: $(VENV)/.installed  ## an environment with the newest versions, pre-releases too
	$(BIN)/python scripts/lowest_versions.py --newest --extras $(EXTRAS)

wheel: $(VENV)/.installed  ## both distributions: melanoma-detect-core holds the code, melanoma-detect asks for it and for the training stack
	rm -f dist/melanoma_detect*.whl
	$(BIN)/python scripts/fetch_web_runtime.py
	$(BIN)/python -m build --wheel --outdir dist .
	$(BIN)/python -m build --wheel --outdir dist packages/melanoma-detect

sbom: wheel  ## beside the wheels: what an installation of each brings with it, in CycloneDX
	$(BIN)/python scripts/sbom.py

clean:
	rm -rf $(VENV) dist site build .mypy_cache .ruff_cache .pytest_cache
