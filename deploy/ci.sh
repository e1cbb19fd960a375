#!/usr/bin/env bash
# `make ci`: install, check, format check, build, tests against real clients, demo, musl smoke test. Every step runs
# even when one before it failed; the last line sums up the tests, a failed step counting as one failure more.
set -uo pipefail
cd "$(dirname "$0")/.."

failed_steps=0
passed=0
failed=0
recap=

step() {
  printf '\n== %s\n' "$1"
  shift
  if ! "$@"; then
    failed_steps=$((failed_steps + 1))
    printf '== failed: %s\n' "$*"
  fi
}

# Real clients that the tests talk to; a test whose client is missing is skipped by name.
install_clients() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not root on Debian: tests of clients that are not installed will be skipped"
    return 0
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends kcat awscli python3-boto3 python3-confluent-kafka python3-pip \
    python3-venv maven strace e2fsprogs xfsprogs mount util-linux >/dev/null ||
    return
  command -v javac >/dev/null || apt-get install -y -qq --no-install-recommends default-jdk-headless >/dev/null || return
  export VOIK_REQUIRE_CLIENTS=1 # from here on a missing client is a failure, not a skip
}

run_tests() {
  counted env VOIK_SIM_SEEDS=10000 node_modules/.bin/bun test
}

# Kafka's clients for Python, Java and Go, which no system package has as new.
run_fetched_clients() {
  local tool
  for tool in python3 mvn javac; do
    if ! command -v "$tool" >/dev/null; then
      echo "skipped: $tool is not installed"
      [ "${VOIK_REQUIRE_CLIENTS:-}" != 1 ]
      return
    fi
  done
  counted make --no-print-directory test-clients
}

# Runs what ends with bun's closing lines, and adds them to the sums.
counted() {
  local log status more_failed
  log=$(mktemp)
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  more_failed=$(sum fail "$log")
  passed=$((passed + $(sum pass "$log")))
  failed=$((failed + more_failed))
  recap+=$(failures "$log")
  rm -f "$log"
  # What the failing tests don't explain (a crash, a file that does not load) is a failed step.
  [ "$status" = 0 ] || [ "$more_failed" -gt 0 ]
}

# What failed: of each failing test its name and what it had to say, a few lines cut short, so that the end of a long
# log tells it.
failures() {
  awk '
    /^\(pass\)|^\(skip\)|^[^ ]+\.test\.ts:$/ { said = ""; next }
    /^\(fail\)/ { print substr($0, 1, 200); printf "%s", said; said = ""; next }
    /error:|Expected|Received|timed out|^ +at / { if (split(said, lines, "\n") < 8) said = said "    " substr($0, 1, 160) "\n" }
  ' "$1" | head -40
}

# Adds up bun's closing lines: " 12 pass", " 0 fail".
sum() {
  awk -v word="$1" 'NF == 2 && $2 == word && $1 ~ /^[0-9]+$/ { total += $1 } END { print total + 0 }' "$2"
}

musl_smoke() {
  if [ "$(uname -s)" != Linux ] || [ "$(id -u)" != 0 ] || [ ! -x test/musl/run.sh ]; then
    echo "skipped: needs root on Linux"
    return 0
  fi
  make --no-print-directory musl-smoke
}

step "install" make --no-print-directory install
step "install clients" install_clients
step "types" node_modules/.bin/bun check
step "format" node_modules/.bin/bun fmt --check
step "build" make --no-print-directory build
step "tests" run_tests
step "fetched clients" run_fetched_clients
step "demo" make --no-print-directory demo
step "musl" musl_smoke

failed=$((failed + failed_steps))
[ -z "$recap" ] || printf '\n== what failed\n%s\n' "$recap"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
