#!/bin/bash
# C is laid out as clang-format would; `make format` makes it so.
# SPDX-License-Identifier: Apache-2.0
#
# Of each file only the first line to change is named.
set -o pipefail
tests/lint/sources '*.[ch]' | xargs -r clang-format --dry-run -Werror 2>&1 |
	awk -F: '/: error: / && !seen[$1]++ { print $1 ":" $2 ": not laid out" }'
