# Sightline's doors for people. `make` alone lists them. Works with GNU make 3.81 and with an empty environment.

SHELL := /bin/sh
VENV  := .venv
PY    := $(VENV)/bin/python
PATH  ?= /usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin
export PATH
export PYTHONUTF8 := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

# 3.12 and 3.11 first: for them every package comes ready-made. PYTHON=/path/to/python chooses another.
PYTHONS := $(or $(PYTHON),python3.12 python3.11 python3.13 python3.14 python3)

.DEFAULT_GOAL := help
.PHONY: help run demo test bench lint lock messages reset

help: ## list what can be done
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "%-14s %s\n", $$1, $$2 }'

run: ## start everything and stay until Ctrl-C
	@$(call have,run)
	@exec $(PY) -m config.stack run

demo: ## start everything, show it at work, stop; exit 0 when all went well
	@$(call have,run)
	@exec $(PY) -m config.stack demo

test: ## run the tests on throwaway engines; ARGS= is passed to pytest
	@$(call have,dev)
	@$(PY) -m pytest -n 3 --dist worksteal -m "not stack" $(ARGS); quick=$$?; \
	$(PY) -m pytest -m stack $(ARGS); whole=$$?; \
	test $$quick -eq 0 -o $$quick -eq 5 && test $$whole -eq 0 -o $$whole -eq 5 && test $$quick -eq 0 -o $$whole -eq 0

bench: ## measure on engines of its own; FULL=1 is the long run; ARGS= is passed to the scripts
	@$(call have,run)
	@set -e; for script in $(filter-out %/__init__.py,$(wildcard benchmarks/*.py)); do \
		$(PY) $$script $(if $(FULL),,--quick) $(ARGS); \
	done

lint: ## check style, types, imports, migrations and the settings of a server
	@$(call have,dev)
	@$(as_server); set -ex; \
	$(PY) -m ruff check .; \
	$(PY) -m ruff format --check .; \
	$(PY) -m mypy .; \
	$(VENV)/bin/lint-imports; \
	$(PY) -W ignore manage.py makemigrations --check --dry-run; \
	$(PY) manage.py check --deploy --fail-level WARNING

lock: ## resolve the dependencies of pyproject.toml anew
	@$(call have,dev)
	@set -e; \
	$(compile) -o requirements/server.lock; \
	$(compile) --extra embedded -o requirements/run.lock; \
	$(compile) --extra embedded --extra dev -o requirements/dev.lock

messages: ## gather what is to be translated, and compile it (wants GNU gettext)
	@$(call have,dev)
	@$(as_server); set -e; \
	$(PY) manage.py makemessages --locale ro --locale hi --no-location --no-wrap --ignore '$(notdir $(VENV))' --ignore var --ignore tests; \
	$(PY) manage.py compilemessages --ignore '$(notdir $(VENV))' --ignore var

reset: ## stop what is left of a run and remove its data
	@$(call have,run)
	@exec $(PY) -m config.stack reset

compile = $(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --quiet --custom-compile-command "make lock" pyproject.toml

# Settings as on a server, with secrets that live as long as the command.
secret = $$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')
as_server = export SECRET_KEY="$(secret)" ACCESS_LOG_KEY="$(secret)" ALLOWED_HOSTS=sightline.test REDIS_URL="redis://:$(secret)@localhost:1/0" \
	DATABASE_URL="postgresql://sightline:$(secret)@localhost:1/sightline"

# $(call have,run): a virtual environment with what requirements/run.lock names. One that was left half-made, was copied
# from another folder, or lost its Python is made again. Packages are installed only when the lock changed; what is there
# for the tests is more than a run needs, and serves it. Python compiles what is used when it is first used; to compile all
# of it takes as long as to install it.
define have
set -e; lock=requirements/$(1).lock; \
if ! test "$$(cat $(VENV)/made-in 2>/dev/null)" = "$(CURDIR)" || ! $(PY) -c 'import pip' 2>/dev/null; then \
	found=; venvless=; \
	for python in $(PYTHONS); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
		if "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then found=$$python; break; fi; \
		venvless=$$python; \
	done; \
	if test -z "$$found" && test -n "$$venvless"; then \
		echo "sightline: $$venvless cannot make a virtual environment: install its venv package" \
			"(on Debian and Ubuntu: python3-venv), or name another with PYTHON=" >&2; exit 1; \
	elif test -z "$$found"; then \
		echo "sightline: no Python 3.11 or newer among: $(PYTHONS); name one with PYTHON=" >&2; exit 1; \
	fi; \
	rm -rf $(VENV); "$$found" -m venv $(VENV); printf '%s\n' "$(CURDIR)" > $(VENV)/made-in; \
fi; \
if ! cmp -s $$lock $(VENV)/$(1).lock && ! cmp -s requirements/dev.lock $(VENV)/dev.lock; then \
	echo "sightline: installing $$lock"; \
	rm -f $(VENV)/*.lock; \
	$(PY) -m pip install --quiet --no-compile --require-hashes --no-deps -r $$lock; \
	cp $$lock $(VENV)/$(1).lock; \
fi
endef
