/* Short ways to read and write the xenstore. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *store_read(struct xs_handle *xs, const char *folder, const char *name)
{
	char path[STORE_PATH_BYTES];
	unsigned int length;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return xs_read(xs, XBT_NULL, path, &length);
}

bool store_read_number(struct xs_handle *xs, const char *folder, const char *name, uint64_t *value)
{
	char *text = store_read(xs, folder, name);
	char *end;
	uint64_t number;
	bool is_number = false;

	if (!text)
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (end != text && *end == 0 && errno == 0) {
		*value = number;
		is_number = true;
	}
	free(text);
	return is_number;
}

unsigned int store_number(struct xs_handle *xs, const char *folder, const char *name,
                          unsigned int limit, unsigned int fallback)
{
	uint64_t value;

	if (!store_read_number(xs, folder, name, &value) || value > limit)
		return fallback;
	return (unsigned int)value;
}

int store_write(struct xs_handle *xs, const char *folder, const char *name, const char *format, ...)
{
	char path[STORE_PATH_BYTES];
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return xs_write(xs, XBT_NULL, path, text, (unsigned int)strlen(text)) ? 0 : -errno;
}
