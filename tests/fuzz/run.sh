#!/bin/bash
# Feeds each fuzzer it is given for a while and counts those that found nothing.
# SPDX-License-Identifier: Apache-2.0
#
# usage: run.sh SECONDS PROGRAM...      seeds: tests/fuzz/seeds/NAME/, what is found: build/fuzz/
set -u

seconds=$1
shift
passed=0 failed=0
for program in "$@"; do
	name=${program##*/}
	corpora=("$program.corpus")
	mkdir -p "${corpora[0]}"
	[ ! -d "tests/fuzz/seeds/$name" ] || corpora+=("tests/fuzz/seeds/$name")
	if out=$("$program" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$program." "${corpora[@]}" </dev/null 2>&1); then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' <<<"$out")
		echo "ok     $name ($runs inputs in $seconds s)"
		passed=$((passed + 1))
	else
		printf 'FAILED %s\n%s\n' "$name" "$(tail -40 <<<"$out")"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
