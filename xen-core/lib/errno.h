/* Error numbers: those of the public ABI, returned negative everywhere. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_LIB_ERRNO_H
#define XEN_CORE_LIB_ERRNO_H

#define XEN_ERRNO(name, value) name = value,
enum {
#include <xen/errno.h>
};

#endif
