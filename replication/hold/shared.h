/* Memory that outlives the process that fills it: a file in a folder of memory, all of it there from the start. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_HOLD_SHARED_H
#define REPLICATION_HOLD_SHARED_H

#include <stddef.h>

/* Map a file of that many bytes. Its memory is taken at once, so that writing to it cannot fail later. Returns its
 * descriptor, or a negative errno: */
int shared_make(const char *path, size_t bytes, void **memory); /* anew; an old one is removed */
int shared_find(const char *path, size_t bytes,
                void **memory); /* -ENOENT: there is none; -EINVAL: of another size */

#endif
