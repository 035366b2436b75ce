#!/bin/bash
# Each header of the hypervisor compiles alone, so that including it never depends on what came before.
# SPDX-License-Identifier: Apache-2.0
#
# LINT_CC is the compiler with the flags the hypervisor is built with; `make test-lint` sets it.
set -u

compile() {
	# shellcheck disable=SC2086 # a command and its words
	printf '#include "%s"\n' "${1#xen-core/}" | $LINT_CC -fsyntax-only -x c - ||
		{ echo "$1:1: does not compile alone"; return 1; }
}
export -f compile
tests/lint/sources '*.h' -- xen-core | xargs -r -P "$(nproc)" -I{} bash -c 'compile {}'
