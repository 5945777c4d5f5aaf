# Gantry's front door: `make help`. Needs git, make, npm and any Node from 18; Node 24 is fetched where that is older.
.DEFAULT_GOAL := help
.PHONY: help demo dev test e2e bench bench-cluster cluster-up cluster-down cluster-images lint format generate verify release build install clean

ifneq ($(filter-out help clean cluster-down,$(or $(MAKECMDGOALS),help)),)
NODE_BIN := $(shell node .make/node24.mjs)
ifeq ($(NODE_BIN),)
$(error Node 24 is missing and could not be fetched)
endif
export PATH := $(NODE_BIN):$(PATH)
endif

help: ## Lists what make can do
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1|\2/' | \
		while IFS='|' read -r name what; do printf '  %-14s %s\n' "$$name" "$$what"; done

demo: build ## Imports 3,376 real airports through Gantry, from start to end, and stops
	@node .make/demo.mjs

dev: build ## Starts Gantry with the airports example and reloads it when it changes (port 4400)
	@cd examples/airports && node ../../sdk/dist/cli/main.js dev

test: build ## Runs every test that needs no cluster, on a real Postgres that it starts itself
	@node node_modules/vitest/vitest.mjs run

e2e: build ## Installs Gantry on the cluster that KUBECONFIG names (make cluster-up's by default) and tests it there
	@KUBECONFIG="$${KUBECONFIG:-/var/tmp/cluster/kubeconfig}" node node_modules/vitest/vitest.mjs run --config vitest.cluster.config.ts

bench: build ## Measures Gantry beside its peers on this machine; ARGS="--quick single" for less
	@node --conditions=gantry-source bench/src/main.ts $(ARGS)

bench-cluster: build ## Measures Gantry beside bare Jobs on that cluster
	@KUBECONFIG="$${KUBECONFIG:-/var/tmp/cluster/kubeconfig}" node --conditions=gantry-source bench/src/cluster/main.ts $(ARGS)

cluster-up: build ## Starts a one-node Kubernetes with a registry and all images (root on Debian 12, or kind); prints KUBECONFIG
	@k8s/local/up.sh

cluster-down: ## Stops that cluster; ARGS=--purge removes what it held
	@k8s/local/down.sh $(ARGS)

cluster-images: build ## Builds the images that have changed and pushes them to the cluster's registry
	@k8s/local/images.sh $(ARGS)

lint: build ## Checks format, types, lint rules, the import law, unused code and stray secrets
	@node .make/lint.mjs

format: install ## Formats the code and applies the fixes that are safe
	@node .make/lint.mjs --fix

generate: build ## Writes the golden files: API document, error, configuration and SDK reports
	@node --conditions=gantry-source .make/generate.mjs

verify: build ## Fails where a golden file is not what the code generates
	@node --conditions=gantry-source .make/generate.mjs --verify

release: install ## Builds and checks the packages, and packs them into artifacts/
	@node .make/release.mjs

build: install ## Builds what runs from dist
	@node .make/build.mjs --if-changed

install: ## Installs the dependencies where the lockfile has changed
	@node .make/install.mjs

clean: ## Removes what was built
	@rm -rf sdk/dist worker-image/dist platform/dist platform/prisma platform/src/adapters/postgres/prisma-client artifacts coverage node_modules/.cache/gantry
