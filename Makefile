# make demo: train on real text and look at the result.   make test: what CI runs.
# Both set themselves up: a virtual environment and Python packages, nothing else.

.DEFAULT_GOAL := help
.PHONY: help demo benchmark accelerator native test test-fast test-newest slow-list lint format tree slurm studies soak report-tools clean
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
NEWEST ?= $(shell for v in 3.15 3.14 3.13 3.12 3.11; do \
	for p in python$$v $$HOME/.pyenv/versions/$$v*/bin/python; do \
	$$p -c 'import venv' 2>/dev/null && echo $$p && break 2; done; done)
VENV ?= .venv
RUN := $(VENV)/bin/python
DEMO := runs/demo

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(VENV)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: none was found"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	$(RUN) -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(VENV)/.ready ## train on the Wikipedia sample, then neighbours and scores
	$(RUN) -m experiments.train --corpus=enwiki_sample --workdir=$(DEMO) \
		--subsample=1e-4 --epochs=30 --overwrite
	$(RUN) -m experiments.neighbours --vectors=$(DEMO)/vectors.bin war music river
	$(RUN) -m experiments.evaluate --vectors=$(DEMO)/vectors.bin --out=$(DEMO)/eval.json
	@ls $(DEMO)

lint: $(VENV)/.ready ## format check, ruff and mypy
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

format: $(VENV)/.ready ## format and mend what ruff can mend
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

native: $(VENV)/.ready ## compile the native step before tests run side by side
	@$(RUN) -m w2v_jax.native.build

test: lint native ## all tests, slow ones included
	$(RUN) -m pytest -n 2 --dist worksteal

test-fast: native ## the tests that take under two minutes together
	$(RUN) -m pytest -n 2 --dist worksteal -m "not slow and not soak"

slow-list: $(VENV)/.ready native ## find out anew which tests test-fast leaves out
	$(RUN) -m pytest -n 2 --dist worksteal --durations=0 | $(RUN) .ci/slow_tests.py

test-newest: ## the fast tests on the newest Python here, with the newest jax
	$(MAKE) test-fast VENV=.venv-newest PYTHON="$(NEWEST)"

tree: $(VENV)/.ready ## write the README's file tree anew
	$(RUN) .ci/readme_tree.py

benchmark: $(VENV)/.ready ## ours beside gensim on CORPUS=FILE: quality, then speed
	for of in ns:negative_sampling hs:hierarchical_softmax; do \
		$(RUN) -m experiments.benchmark --corpus=$(CORPUS) --points=10 \
			--models=skipgram-$${of#*:},cbow-$${of#*:} --softmax= --scaling= \
			--workdir=runs/quality_$${of%:*} \
			--out=experiments/results/quality_$${of%:*}.json || exit; \
	done
	$(RUN) -m experiments.benchmark --corpus=$(CORPUS) --workdir=runs/speed \
		--feed=corpus_file --out=experiments/results/speed.json

accelerator: native ## where there is a GPU or TPU: hold it to the CPU, time three sizes of its step on CORPUS=FILE
	$(RUN) -m pytest tests/test_accelerator.py tests/test_device_sampling.py
	for streams in 256 512 1024; do \
		$(RUN) -m experiments.benchmark --corpus=$(CORPUS) --ours=streams=$$streams \
			--models=skipgram-negative_sampling,cbow-negative_sampling --against=none \
			--points=0 --softmax= --scaling= --workdir=runs/accelerator/$$streams \
			--out=runs/accelerator/$$streams.json || exit; \
	done

slurm: $(VENV)/.ready ## a slurm of one node from Debian's packages, and its tests
	bash .ci/slurm
	$(RUN) -m pytest tests/experiments/sweeps/test_cluster.py

studies: $(VENV)/.ready ## write experiments/README.md from the presets and results
	$(RUN) -m experiments.sweeps.studies

soak: $(VENV)/.ready ## what takes hours: fifty kills, half an hour of flat memory
	$(RUN) -m pytest -m soak

report-tools: ## a browser and a TeX, with which reports are tested (Debian, as root)
	@command -v chromium >/dev/null && kpsewhich booktabs.sty >/dev/null 2>&1 || { \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends chromium texlive-latex-recommended >/dev/null; }

clean: ## remove environments, runs and caches
	rm -rf .venv .venv-newest runs build *.egg-info .pytest_cache .ruff_cache .mypy_cache
