#!/bin/bash
# Runs every rule of the house over the sources and counts how many hold.
# SPDX-License-Identifier: Apache-2.0
#
# A rule is a program check_*: it prints FILE:LINE: WHAT for each breach and fails if there was one.
set -u
cd "$(dirname "$0")/../.." || exit 1

passed=0 failed=0
for check in tests/lint/check_*; do
	name=${check##*/check_}
	name=${name%.*}
	if out=$("$check" 2>&1); then
		echo "ok     $name"
		passed=$((passed + 1))
	else
		printf 'FAILED %s\n%s\n' "$name" "$out"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
