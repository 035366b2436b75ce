#!/bin/bash
# Runs the unit test programs it is given and sums what they count.
# SPDX-License-Identifier: Apache-2.0
#
# usage: run.sh PROGRAM...      a program that is missing did not compile: one failure
set -u

passed=0 failed=0
for program in "$@"; do
	out=$("$program" 2>&1)
	status=$?
	good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' <<<"$out" | awk '{ n += $1 } END { print n + 0 }')
	bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' <<<"$out" | awk '{ n += $1 } END { print n + 0 }')
	# A program that crashed or was stopped by a sanitizer counts as one more.
	[ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	passed=$((passed + good)) failed=$((failed + bad))
	if [ "$bad" -eq 0 ]; then
		echo "ok     ${program##*/} ($good)"
	else
		printf 'FAILED %s\n%s\n' "${program##*/}" "$out"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
