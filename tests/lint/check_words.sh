#!/bin/sh
# No file holds a word of tests/lint/forbidden or white space at the end of a line.
# SPDX-License-Identifier: Apache-2.0
set -u

files=$(tests/lint/sources '*' | grep -v -e '^LICENSE$' -e '^tests/lint/forbidden$')
breaches=$(
	# shellcheck disable=SC2086 # file names without spaces
	grep -HnIFf tests/lint/forbidden -- $files
	# shellcheck disable=SC2086
	grep -HnIE '[[:blank:]]+$' -- $files | sed 's/$/  <- white space at the end/'
)
echo "$breaches"
[ -z "$breaches" ]
