#!/bin/bash
# Python programs compile; shell programs parse and pass shellcheck.
# SPDX-License-Identifier: Apache-2.0
set -u

status=0
for file in $(tests/lint/sources '*'); do
	read -r first <"$file" || continue
	case $file:$first in
	*.py:* | *'#!'*python3*)
		python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$file" ||
			{ echo "$file:1: does not compile"; status=1; }
		;;
	*'#!/bin/sh'* | *'#!/bin/bash'*)
		shells+=("$file")
		;;
	esac
done
shellcheck --format=gcc "${shells[@]}" || status=1
exit $status
