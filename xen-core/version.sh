#!/bin/sh
# Writes the header that says which version of the hypervisor this is, and what built it.
# SPDX-License-Identifier: Apache-2.0
set -eu

# The date is that of the commit, so that the same sources give the same image.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || commit=unknown
date=$(TZ=UTC git log -1 --date=format-local:'%Y-%m-%d %H:%M:%S UTC' --format=%cd 2>/dev/null) || date=unknown
compiler=$(gcc --version | head -1)

cat <<END
/* The version of the hypervisor: made by xen-core/version.sh. */
#ifndef VERSION_H
#define VERSION_H

#define XEN_CORE_VERSION   "0.1"
#define XEN_CORE_CHANGESET "$commit"
#define XEN_CORE_DATE      "$date"
#define XEN_CORE_COMPILER  "$compiler"

#endif
END
