# voik: everything a person or a CI job does here. Needs npm and make; the rest comes through `make install`.
# Targets with a ## comment are listed by `make help`.

BUN := node_modules/.bin/bun
# mkfs and mount are there, and not every shell looks.
export PATH := $(PATH):/usr/sbin:/sbin
PREFIX ?= /usr/local
GO ?= $(or $(shell command -v go),/usr/local/go/bin/go)
SOURCES := $(shell find src deploy -name '*.ts') package.json package-lock.json
.DEFAULT_GOAL := help
.PHONY: help install dev run demo build build-release test test-watch test_watcher docker_test_watcher test-clients faults check fmt \
	docs bench bench-report bench-kinesis bench-kafka docker musl-smoke ci install-bin clean

help: ## list these targets
	@grep -hE '^[a-z_ -]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 34 | sort

install: node_modules/.installed ## install what package-lock.json names

node_modules/.installed: package.json package-lock.json
	npm ci --ignore-scripts --no-progress
	node node_modules/bun/install.js # puts the binary of this platform in place; the only script that runs
	@touch $@

dev: install ## run the broker from source, restarting on change
	$(BUN) --watch src/main.ts serve

run: build ## build and start the broker (data in ./voik-data)
	dist/voik serve

demo: build ## stream a public data set in through Kinesis, out through Kafka, across a kill -9
	$(BUN) demo/main.ts

build: dist/voik ## build the executable for this machine: dist/voik

dist/voik: node_modules/.installed $(SOURCES)
	$(BUN) deploy/build.ts

build-release: install ## build for every platform, with SHA256SUMS: dist/release
	$(BUN) deploy/build.ts --release

test: build ## run all tests
	$(BUN) test

test-watch: build ## run tests again on every change
	$(BUN) test --watch

CLIENTS := $(CURDIR)/build/clients

test-clients: build ## fetch clients for Python, Java, Go and Rust, and run what needs them (python3-venv, a JDK, maven)
	python3 -m venv $(CLIENTS)
	$(CLIENTS)/bin/pip install --quiet --disable-pip-version-check -r test/clients/requirements.txt
	mvn -q -B -f test/clients/java/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CLIENTS)/java
	cd $(CLIENTS) && for each in java/kafka-clients-*.jar; do jar xf $$each common/message; done
	rm -f $(CLIENTS)/java/test-clients.jar
	javac -cp '$(CLIENTS)/java/*' -d $(CLIENTS)/classes test/clients/java/*.java
	jar cf $(CLIENTS)/java/test-clients.jar -C $(CLIENTS)/classes .
	java -XX:ArchiveClassesAtExit=$(CLIENTS)/java/classes.jsa -XX:+UseSerialGC -Xlog:disable \
		-cp '$(CLIENTS)/java/*' JavaClient load
	if command -v $(GO) >/dev/null; then $(GO) build -C test/clients/go -o $(CLIENTS)/franz-go .; fi
	for library in kcl kpl; do \
		mvn -q -B -f test/clients/$$library/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CLIENTS)/$$library || exit; \
	done
	VOIK_CONFLUENT_PYTHON=$(CLIENTS)/bin/python VOIK_JAVA_LIB=$(CLIENTS)/java VOIK_FRANZ_GO=$(CLIENTS)/franz-go \
		VOIK_PYTHON=$(CLIENTS)/bin/python VOIK_AWS_CLI_1=$(CLIENTS)/bin/aws VOIK_MOTO=$(CLIENTS)/bin/moto_server \
		VOIK_KCL_LIB=$(CLIENTS)/kcl VOIK_KPL_LIB=$(CLIENTS)/kpl VOIK_TEST_CLIENTS=1 \
		KAFKA_MESSAGES_DIR=$(CLIENTS)/common/message \
		$(BUN) test test/kafka/codec/published.test.ts test/clients/compat.test.ts test/clients/console-tools.test.ts \
		test/clients/consumer-groups.test.ts test/clients/transactions.test.ts \
		test/clients/java-transactions.test.ts test/clients/snippets.test.ts test/clients/kafka-snippets.test.ts \
		test/clients/kcl-library.test.ts test/clients/kpl-library.test.ts test/kinesis/model/model.test.ts

faults: build ## power cuts, failing disks and damage in full counts (Linux, root; about half an hour)
	VOIK_KILLS=200 VOIK_FAULT_CUTS=100 VOIK_FAULT_CLONES=100 VOIK_FAULT_FLIPS=1000 VOIK_FAULT_CRASHES=50 \
		VOIK_FAULT_STATES=500 VOIK_FAULT_POINTS=1000 \
		VOIK_TRANSACTION_KILLS=50 VOIK_IDEMPOTENT_KILLS=50 VOIK_RESHARD_KILLS=100 \
		VOIK_CHURN_SECONDS=120 VOIK_FUZZ_ROUNDS=20 VOIK_FUZZ_FRAMES=1000000 VOIK_IDLE_CONNECTIONS=10000 VOIK_VISITS=25000 \
		$(BUN) test test/faults test/clients/kill.test.ts test/clients/exactly-once.test.ts \
		test/clients/idempotence.test.ts test/clients/reshard.test.ts \
		test/clients/group-churn.test.ts test/kafka/mutated.test.ts test/storms

test_watcher: test-watch

docker_test_watcher: ## run tests again on every change, in a container
	docker build -f Dockerfile.alpine --target build -t voik-build .
	docker run --rm -it -v "$(CURDIR)/src:/voik/src" -v "$(CURDIR)/test:/voik/test" voik-build make test-watch

check: install ## check the types
	$(BUN) check

fmt: install ## format the code
	$(BUN) fmt

docs: install ## write docs/configuration.md and the tables of docs/kinesis.md and docs/kafka.md from the sources
	$(BUN) src/config/reference.ts
	$(BUN) src/kinesis/reference.ts
	$(BUN) src/kafka/reference.ts
	$(BUN) test/clients/compat/matrix.ts

bench: dist/bench ## measure (bench/README.md says how to read the figures)
	dist/bench

dist/bench: node_modules/.installed $(SOURCES) $(shell find bench test/helpers -name '*.ts')
	$(BUN) deploy/build.ts bench

bench-kinesis: build ## measure beside kinesalite, which npm fetches for it: PutRecords, GetRecords, memory
	$(BUN) bench/kinesis.ts

bench-kafka: build ## measure the executable beside a null sink, bare sendfile and the disk: produce, fetch, end to end
	$(BUN) bench/kafka.ts

bench-report: dist/bench ## measure growth, and write docs/growth.svg and the table in docs/performance.md
	dist/bench report

docker: ## build the Alpine image: voik:latest
	docker build -f Dockerfile.alpine -t voik:latest .

musl-smoke: install ## run the musl executable in a root made of musl libraries (Linux, root)
	$(BUN) deploy/build.ts bun-linux-x64-musl
	test/musl/run.sh

ci: ## everything that has to pass before a change goes in
	deploy/ci.sh

install-bin: build ## install the executable: make install-bin PREFIX=/usr/local
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 0755 dist/voik "$(DESTDIR)$(PREFIX)/bin/voik"

clean: ## remove what was built
	rm -rf dist
