# `make` lists the targets. The first call of any of them sets up .venv by itself.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
WORKERS ?= 2
UNIT := not postgres and not broker and not demo and not slow
DEEP := tests/billing/test_properties.py tests/oracle/test_engine_agrees.py tests/checker/test_recompute.py

.PHONY: help setup fmt check check-deep test mutants bench demo run screenshots schemas lock

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "make %-12s %s\n", $$1, $$2}'

.venv/.set-up: requirements.lock pyproject.toml .ci/setup
	@PYTHON="$(PYTHON)" .ci/setup

setup: .venv/.set-up ## install everything into .venv, and system packages where allowed

fmt: .venv/.set-up ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check .

check: .venv/.set-up ## format, lint, types, import rules, unit tests; no services, under a minute
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -q -n $(WORKERS) -m "$(UNIT)"

check-deep: .venv/.set-up ## thousands of generated worlds for each property of billing; a quarter of an hour at most
	@$(BIN)/pytest -q -n $(WORKERS) --hypothesis-profile=deep --timeout=1500 $(DEEP)

test: .venv/.set-up ## every test, on a real PostgreSQL and a real broker
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile

mutants: .venv/.set-up ## change billing/ in thousands of small ways; fail on one that no test notices and docs don't explain
	@$(BIN)/python -m tests.mutants --jobs $(WORKERS) $(FILES)

bench: .venv/.set-up ## measure ingestion and the bill run against the database's own limit
	@$(BIN)/billing bench ingest
	@$(BIN)/billing bench run

demo: .venv/.set-up ## half a year of two sellers, from Kafka to invoices; results in out/
	@$(BIN)/billing demo

run: .venv/.set-up ## the demo's world that stays up: API and console at a printed address, until Ctrl-C
	@$(BIN)/billing demo stay

screenshots: .venv/.set-up ## take the pictures of the console that README and docs show; needs chromium
	@$(BIN)/python -m tests.browser.screenshots

schemas: .venv/.set-up ## write the JSON Schema, AsyncAPI and OpenAPI files anew
	@$(BIN)/python -m schemas.generate
	@$(BIN)/python -m api.openapi

lock: .venv/.set-up ## resolve pyproject.toml into requirements.lock, and what the image needs of it, with hashes
	@$(BIN)/uv pip compile -q --no-header --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --no-header --universal --python-version 3.13 --extra build --generate-hashes \
		--constraint requirements.lock \
		--no-emit-index-url --no-emit-find-links pyproject.toml -o requirements-image.lock
