# make help lists what can be made.

GO         ?= go
GOBIN      := $(shell $(GO) env GOPATH)/bin
GOLANGCI   := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
LDFLAGS    := -s -w
PLATFORMS  ?= # of a release; all that there are
FUZZTIME   ?= 10s

.PHONY: help build test race test-pure test-sharing test-sequential lint format generate bench properties mutations chaos pages mqtt cover release fuzz clean

MOMENTS    ?= 500
LOAD       ?= 5m
MQTT       ?= 10m
CHAOS      ?= # further flags, such as -chaos-log chaos.log

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/ot2flow
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o bin/ ./cmd/ot2flow

# Only these packages have goroutines. For the others the race detector finds nothing,
# and makes their properties and comparisons take ten times as long; so does it for the
# tests of these packages that do one thing after the other a thousand times, and for
# programs that are killed by the hundred. The tests of the command line go through all
# of it together, which `make race` does with the race detector; `make test` does not.
SHARING    := /(interpreter/(journal|run)|ot2/(emulator|robot|sim)|workflows(/.*)?)$$
# A machine may be slow; what hangs is ended all the same.
PATIENCE   := -timeout 20m
SEQUENTIAL := ^(TestBooksSurviveEveryKill|TestChaos.*|TestEvery.*|TestFormatMeansTheSame|TestInABrowser|TestKeysAreDocumented|TestKilledWhileAppending|TestManySteps|TestLedgerIsAFold|TestOrderOfKeysMeansNothing|TestReadIsAppend|TestThousandListeners|FuzzCall|FuzzLint)$$

test: ## all tests, with the race detector where there are goroutines
	$(GO) vet ./...
	@export OT2FLOW_REPORT=$$(mktemp); status=0; \
	  $(MAKE) --no-print-directory -j 2 -k --output-sync=target test-pure test-sharing test-sequential || status=1; \
	  cat $$OT2FLOW_REPORT; rm -f $$OT2FLOW_REPORT; exit $$status

# Properties are drawn from the same seed every time: what has to hold before a change
# lands is the same for everybody. `make properties` draws others.
SEED       ?= 1
PROPERTIES  = $$($(GO) list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... | grep -F pgregory.net/rapid | cut -d' ' -f1)
# $(call tests,FLAGS,WHICH) tests the packages of which grep WHICH says so.
define tests
	all=$$($(GO) list ./... | grep $(2)); drawn=$$(echo "$(PROPERTIES)" | grep $(2)); status=0; \
	  $(GO) test $(PATIENCE) $(1) $$drawn -rapid.seed=$(SEED) || status=1; \
	  $(GO) test $(PATIENCE) $(1) $$(echo "$$all" | grep -vxF "$$drawn") || status=1; exit $$status
endef

test-pure: # beside the next: the real engine needs one processor for minutes
	$(call tests,,-Ev '$(SHARING)')

test-sharing:
	$(call tests,-race -skip '$(SEQUENTIAL)',-E '$(SHARING)')

test-sequential:
	$(call tests,-run '$(SEQUENTIAL)',-E '$(SHARING)')

race: ## the tests of the command line, too, with the race detector
	$(GO) test $(PATIENCE) -race ./cmd/ot2flow

properties: ## draw every property from another seed, ten times as often
	for p in $(PROPERTIES); do $(GO) test -timeout 2h $$p -rapid.checks=1000 || exit 1; done

lint: ## golangci-lint with the rules of .golangci.yml
	@test -x $(GOBIN)/golangci-lint || $(GO) install $(GOLANGCI)
	$(GOBIN)/golangci-lint run

format: ## format all Go files
	@test -x $(GOBIN)/golangci-lint || $(GO) install $(GOLANGCI)
	$(GOBIN)/golangci-lint fmt

generate: ## rewrite the schema and the catalogue
	$(GO) generate ./...

bench: ## compare with the vendor's simulator, and measure ourselves
	.ci/bench

chaos: ## kill programs and robots at every moment of a run, and count what happened (MOMENTS=500)
	$(GO) test ./cmd/ot2flow -run '^TestChaos' -v -timeout 12h -chaos $(MOMENTS) -chaos-every 1 $(CHAOS)

mutations: ## make every mistake of every kind in every workflow, and count what lint finds
	$(GO) test ./workflows -run '^TestMutations$$' -v -timeout 1h -mutations 0 -mutation-share 1 -mutations-missed

contract: ## ask a device server for what it describes, right and wrong (schemathesis)
	.ci/contract

load: ## five minutes of requests to a device server that is killed, and count (LOAD=5m)
	$(GO) test ./cmd/ot2flow -run '^TestLoad' -v -timeout 1h -load $(LOAD)

pages: ## how soon every page of a device server is painted, how smoothly many steps scroll, and many browsers on a run
	$(GO) test ./workflows/pages -run 'TestFirstPaint|TestMany' -v -paints 15 | grep -E '^ +many_test|^---|^(ok|FAIL)'

mqtt: ## kill brokers, networks, devices and controllers for ten minutes each, and have 200 devices at one broker (MQTT=10m)
	$(GO) test ./workflows/mqttserver -run 'TestChaosOfBrokers|TestManyDevices|TestLongJob' -v -timeout 2h -mqtt-chaos $(MQTT) -mqtt-devices 200 -mqtt-jobs 20 -mqtt-strict
	$(GO) test ./cmd/ot2flow -run TestFleetChaos -v -timeout 2h -fleet $(MQTT) -fleet-jobs 1000

cover: ## which lines the tests run: cover.html
	$(GO) test -coverpkg=./... -coverprofile=cover.out ./...
	$(GO) tool cover -html=cover.out -o cover.html
	@$(GO) tool cover -func=cover.out | tail -n 1

release: ## programs for all platforms, archives, Debian packages, SBOM, formula and checksums, in dist/
	.ci/release check
	.ci/release $(PLATFORMS)

fuzz: ## every fuzz test for a short time (FUZZTIME=10s)
	@set -e; for file in $$(git grep -l '^func Fuzz' -- '*_test.go'); do \
	  for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
	    echo "$$name in $$(dirname $$file)"; \
	    $(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file); \
	  done; \
	done

clean: ## remove what was built
	rm -rf bin dist cover.out cover.html
