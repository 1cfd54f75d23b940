# `make run` and `make test` are all you need to start. `make help` lists all commands.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

# The first Python that is new enough; name another with PYTHON=…
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
AWS_VENV := .venv-aws
PORT ?= 8000
export PORT

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.run ## Set up, start everything on this machine, serve on PORT (default 8000)
	@exec $(BIN)/python manage.py rundemo

.PHONY: test
test: $(VENV)/.test chromium ## Set up and run all tests, in a browser too
	@$(BIN)/python -m pytest -n auto -m "not thorough and not engines" $(ARGS)

.PHONY: test-engines
test-engines: $(VENV)/.test chromium ## Run the tests of stores on Ceph's radosgw and two table servers
	@$(BIN)/python -m tests.engines

.PHONY: simulate
simulate: $(VENV)/.test ## Simulate more schedules of the protocol: STEPS=…, SEED=…, KIND=files, SCENARIO=… FAULTS=…, MUTANT=…
	@$(BIN)/python -m tests.simulation $(if $(STEPS),--steps "$(STEPS)") $(if $(SEED),--seed "$(SEED)") \
		$(if $(KIND),--kind $(KIND)) $(if $(SCENARIO),--scenario "$(SCENARIO)") $(if $(FAULTS),--faults $(FAULTS)) \
		$(if $(MUTANT),--mutant $(MUTANT))

.PHONY: check
check: $(VENV)/.test chromium ## What CI runs first: format, lint, types, layers, migrations, templates, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/djlint templates --check --lint --quiet
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m pytest -n auto

.PHONY: cases
cases: $(VENV)/.test ## Write the tests of each case into docs/cases.md, from their marks
	@$(BIN)/python -m tests.cases

.PHONY: format
format: $(VENV)/.test ## Format the code and the templates
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djlint templates --reformat --quiet

.PHONY: deploy
deploy: $(VENV)/.run $(AWS_VENV)/.aws ## Make or update a stack on AWS and print its settings: STACK=…, PARAMETERS="Image=… SiteHost=…"
	$(if $(STACK),,$(error make deploy needs the name of a stack: STACK=triphase))
	@PATH="$(AWS_VENV)/bin:$$PATH" $(BIN)/python -m infra deploy "$$STACK" $$PARAMETERS

.PHONY: manage
manage: $(VENV)/.run ## Run a command of manage.py on the site of a stack: STACK=…, COMMAND="createsuperuser --no-input …"
	$(if $(STACK),,$(error make manage needs the name of a stack: STACK=triphase))
	$(if $(COMMAND),,$(error make manage needs a command of manage.py: COMMAND="migrate --plan"))
	@$(BIN)/python -m infra manage "$$STACK" --line="$$COMMAND"

.PHONY: destroy
destroy: $(VENV)/.run ## Remove a stack and its data: STACK=…, CONFIRM=yes to skip the question
	$(if $(STACK),,$(error make destroy needs the name of a stack: STACK=triphase))
	@$(BIN)/python -m infra destroy "$$STACK" $(if $(filter yes,$(CONFIRM)),--yes)

.PHONY: clean
clean: ## Remove the virtual environments, the database and the caches of tools
	rm -rf $(VENV) $(AWS_VENV) var staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: chromium
chromium:
	@sh scripts/chromium.sh

# --- The virtual environments, made again whenever the pins change ---

$(VENV)/.run: requirements.txt requirements-demo.txt constraints.txt
	@sh scripts/install.sh "$(PYTHON)" $(VENV) requirements-demo.txt
	@touch $@

$(VENV)/.test: requirements.txt requirements-demo.txt requirements-dev.txt constraints.txt
	@sh scripts/install.sh "$(PYTHON)" $(VENV) requirements-dev.txt
	@touch $@ $(VENV)/.run

$(AWS_VENV)/.aws: requirements-aws.txt
	@sh scripts/install.sh "$(PYTHON)" $(AWS_VENV) requirements-aws.txt requirements-aws.txt
	@touch $@
