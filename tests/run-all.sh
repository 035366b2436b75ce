#!/bin/bash
# Runs all tests, whatever fails on the way, and ends with the sum of their counts.
# SPDX-License-Identifier: Apache-2.0
#
# Each make target below ends with a line "N passed, N failed"; one that ends otherwise (it did not
# build, it crashed) is one failure more. What they print is kept as build/test-*.log.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
mkdir -p build

passed=0 failed=0

step() {
	local log=build/test-$1.log status line good=0 bad=0
	shift
	echo "== make $*"
	"${MAKE:-make}" --no-print-directory "$@" 2>&1 | tee "$log"
	status=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -1)
	[ -z "$line" ] || read -r good _ bad _ <<<"$line"
	[ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ $status -ne 0 ] || [ -n "$line" ] || bad=1
	passed=$((passed + good)) failed=$((failed + bad))
	echo "== make $*: $good passed, $bad failed"
	echo
}

step lint test-lint
step unit test-unit
step model test-model
step fuzz fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-5}"
step cluster test-cluster
step bochs test-bochs
step hosts test-hosts
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
