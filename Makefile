# One-word targets; `make` alone prints them. Everything that runs is installed by the first target that needs it.
# The system's Python where there is one: services run as a user of their own, who may not read anybody's home.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
SETUP := $(PYTHON) -m compose.bootstrap
TESTS := $(PYTHON) -m compose.bootstrap --tests
RUN := $(PYTHON) -m compose.bootstrap --no-setup
# Said on the command line alone, never by a variable that happens to be in the environment.
YES = $(if $(filter command,$(firstword $(origin yes))),$(if $(filter 1 yes,$(yes)),--yes))
unexport MAKEFLAGS
.DEFAULT_GOAL := help
.PHONY: help setup up down status logs reload generate check test bench proof drill soak event notify-test why snapshot screenshots dist export verify-grafana uninstall clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing (packages, user, Python environment)
	@$(SETUP)

up: ## set up what is missing, start everything, wait until it is healthy
	@$(SETUP) -m compose up

down: ## stop everything; data stays
	@$(RUN) -m compose down

status: ## show every service, its state, its address
	@$(RUN) -m compose status

logs: ## show a service's log: make logs s=prometheus
	@$(RUN) -m compose logs --service '$(s)'

reload: ## apply site.yaml; a bad file is refused and the old one stays
	@$(RUN) -m compose reload

# Beside its target, so that two who add one do not meet on one line.
.PHONY: doctor
doctor: ## what would keep it from working here, each with its fix
	@$(RUN) -m compose doctor

.PHONY: backup
backup: ## back up the data, now; by itself: backup: in site.yaml
	@$(RUN) -m compose backup

.PHONY: restore
restore: ## put a backup in the place of the data (asks first): make restore from=LABEL
	@$(SETUP) -m compose restore $(if $(from),--from '$(from)') $(YES)

.PHONY: service
service: ## write a systemd unit that starts it with the machine, and say how to install it
	@$(RUN) -m compose service

.PHONY: certs
certs: ## a new certificate for the entrance by the appliance's own authority, and what browsers are to trust
	@$(RUN) -m compose certs

.PHONY: sbom
sbom: ## what it is made of (CycloneDX): Python's packages by hash, Debian's as installed: sbom.json
	@$(TESTS) -m tests.sbom $(if $(out),--out '$(out)')

.PHONY: rotate
rotate: ## generate a password or token anew and tell who uses it: make rotate s=entrance_password
	@$(RUN) -m compose rotate --service '$(s)'

.PHONY: token
token: ## tokens of the stream's clients: make token do='issue --subject robot --api-key'; do=--help tells more
	@$(RUN) -m compose token -- $(if $(filter command,$(firstword $(origin do))),$(do))

# By hand, as root: an engine of its own, images of Debian's packages, a few minutes.
.PHONY: compose-test
compose-test: ## the containers, really started: health, alerts, data, walls; recorded in docs/benchmarks.md
	@$(TESTS) -m tests.containers $(args)

generate: ## write again whatever is generated from the declarations
	@$(TESTS) -m tests.generate

check: ## lint, types, who may import whom
	@$(TESTS) -m tests.check

# Compiled once for all workers and services, also where a machine's environment forbids it: half of a worker's start is that.
test: export PYTHONDONTWRITEBYTECODE :=
test: ## prove it all, on real servers, in a quarter of an hour
	@$(TESTS) -m pytest -q -n 4 --no-loadscope-reorder -m 'not alone' $(args)
	@$(if $(args),true,$(RUN) -m pytest -q -m alone)

bench: ## measure: make bench b=expose (no name: every figure)
	@$(TESTS) -m tests.bench $(b)

proof: ## every query of every panel on a running stack, and what moves it: docs/reports/panels.md
	@$(TESTS) -m tests.live.panels --out docs/reports/panels.md

drill: ## provoke an alert by a real fault: make drill a=HighCPUUsage
	@$(TESTS) -m tests.drills $(a)

soak: ## a healthy appliance keeps quiet under a normal load: make soak d=90m
	@$(TESTS) -m tests.soak $(d)

.PHONY: load
load: ## load tests with a verdict and a page: make load t=websocket d=60s profile=short
	@$(TESTS) -m tests.load $(t) $(if $(d),--duration '$(d)') $(if $(profile),--profile '$(profile)') $(if $(baseline),--baseline '$(baseline)') $(args)

.PHONY: docs
docs: ## the documentation as a site in var/site, every link checked, without a network
	@NO_MKDOCS_2_WARNING=1 $(TESTS) -m mkdocs build --quiet

.PHONY: stress
stress: ## more and more requests until an objective breaks: knee, shedding, recovery
	@$(TESTS) -m tests.load.stress $(args)

.PHONY: scale
scale: ## one to eight stream servers of a fifth of a core each, and the law that fits (as root)
	@$(TESTS) -m tests.load.scale $(args)

.PHONY: chaos
chaos: ## faults under load, in a seed's order: make chaos args='--only stream:kill'
	@$(TESTS) -m tests.chaos $(args)

event: ## mark a deploy or a load run on dashboards: make event title='shop 1.4.2' kind=deploy
	@$(RUN) -m alerts event --title '$(subst ','\'',$(title))' --kind '$(or $(kind),deploy)' $(args)
notify-test: ## send a test notification and tell what became of it: make notify-test r=NAME
	@$(RUN) -m alerts notify-test '$(r)'

# Beside its target, so that two who add one do not meet on one line.
.PHONY: notify-examples
notify-examples: ## what each kind of receiver gets, with pictures: docs/guides/notifications.md
	@$(TESTS) -m tests.alerts.examples

why: ## value, last hour, log, silences and next step of an alert: make why a=TargetDown
	@$(RUN) -m alerts.why '$(a)'

snapshot: ## one self-contained HTML file: make snapshot d=watchfloor-overview from=now-6h to=now out=FILE
	@$(RUN) -m dashboards.preview snapshot --dashboard '$(or $(d),watchfloor-overview)' --from '$(or $(from),now-6h)' --to '$(or $(to),now)' --out '$(or $(out),snapshot.html)'

screenshots: ## pictures of every page, into docs/images
	@$(TESTS) -m tests.screenshots

dist: ## wheels and systemd units for a machine without a network, into dist/
	@$(SETUP) -m compose.dist

export: ## rules, routes, dashboards for a Prometheus, Alertmanager, Grafana of yours: make export to=DIR
	@$(SETUP) -m compose.export --out '$(or $(to),export)' $(if $(ds),--datasource '$(ds)')

# Address and token go on by the environment: every user of a machine can read the arguments of its processes.
verify-grafana: ## ask every panel's queries in any Grafana: make verify-grafana URL=… TOKEN=…
	@$(if $(filter command,$(firstword $(origin URL))),GRAFANA_ENDPOINT="$$URL") $(if $(filter command,$(firstword $(origin TOKEN))),GRAFANA_API_KEY="$$TOKEN") $(SETUP) -m dashboards.grafana verify $(if $(ds),--datasource '$(ds)')

uninstall: ## remove state, and the packages and the user that came with it (asks first)
	@$(RUN) -m compose uninstall $(YES)

clean: ## stop everything and remove data, logs and secrets (asks first)
	@$(RUN) -m compose clean $(YES)
