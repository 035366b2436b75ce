/* Short ways to read and write the xenstore. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_STORE_H
#define REPLICATION_BACKEND_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

/* Longest path we build: two domain ids, a device id and the names between them. */
#define STORE_PATH_BYTES 128

/* folder/name as text, to be freed; NULL if it is not there. */
char *store_read(struct xs_handle *xs, const char *folder, const char *name);

/* folder/name as a number. False, and *value untouched, if it is not there or is none. */
bool store_read_number(struct xs_handle *xs, const char *folder, const char *name, uint64_t *value);

/* The same, bounded; fallback if it is not there, is none or is above limit. */
unsigned int store_number(struct xs_handle *xs, const char *folder, const char *name,
                          unsigned int limit, unsigned int fallback);

/* 0 or a negative errno. */
int store_write(struct xs_handle *xs, const char *folder, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
