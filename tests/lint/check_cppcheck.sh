#!/bin/sh
# cppcheck has nothing to say about the hypervisor.
# SPDX-License-Identifier: Apache-2.0
#
# Tables that the linker gathers are walked by comparing their ends: not an error here.
# Its cache under build/ makes the second run quick.
mkdir -p build/cppcheck
cppcheck --quiet -j "$(nproc)" --cppcheck-build-dir=build/cppcheck --std=c11 --platform=unix64 \
	--enable=warning,portability,performance --suppress=comparePointers \
	--inline-suppr --error-exitcode=1 \
	--template='{file}:{line}: {severity}: {message} [{id}]' -I xen-core xen-core
