#!/usr/bin/env bash
# `make ci`: install, check, format check, build, tests against real clients, demo, musl smoke test. Every step runs
# even when one before it failed; the last line sums up the tests, a failed step counting as one failure more.
set -uo pipefail
cd "$(dirname "$0")/.."

failed_steps=0
passed=0
failed=0

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
    strace e2fsprogs xfsprogs mount util-linux >/dev/null ||
    return
  export VOIK_REQUIRE_CLIENTS=1 # from here on a missing client is a failure, not a skip
}

run_tests() {
  local log status
  log=$(mktemp)
  VOIK_SIM_SEEDS=10000 node_modules/.bin/bun test 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  passed=$(sum pass "$log")
  failed=$(sum fail "$log")
  rm -f "$log"
  # What the failing tests don't explain (a crash, a file that does not load) is a failed step.
  [ "$status" = 0 ] || [ "$failed" -gt 0 ]
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
step "demo" make --no-print-directory demo
step "musl" musl_smoke

failed=$((failed + failed_steps))
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
