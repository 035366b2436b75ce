/* The translation of structures between their 64-bit and their 32-bit form. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/shape.h"

#include "lib/string.h"

void shape_widen(const struct shape *shape, void *wide, const void *narrow)
{
	if (!shape->count) {
		memcpy(wide, narrow, shape->wide);
		return;
	}
	memset(wide, 0, shape->wide);
	for (unsigned i = 0; i < shape->count; i++) {
		const struct shape_field *field = &shape->fields[i];

		memcpy((char *)wide + field->wide_at, (const char *)narrow + field->narrow_at,
		       MIN(field->wide_size, field->narrow_size));
	}
}

void shape_narrow(const struct shape *shape, void *narrow, const void *wide)
{
	if (!shape->count) {
		memcpy(narrow, wide, shape->narrow);
		return;
	}
	memset(narrow, 0, shape->narrow);
	for (unsigned i = 0; i < shape->count; i++) {
		const struct shape_field *field = &shape->fields[i];

		memcpy((char *)narrow + field->narrow_at, (const char *)wide + field->wide_at,
		       MIN(field->wide_size, field->narrow_size));
	}
}
