/* Instructions that may fault, and where the CPU goes on if they do. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/fixup.h"

struct fixup {
	uint64_t fault, resume;
};

extern const struct fixup __fixup_start[], __fixup_end[];

uint64_t fixup_find(uint64_t rip)
{
	for (const struct fixup *fixup = __fixup_start; fixup < __fixup_end; fixup++)
		if (fixup->fault == rip)
			return fixup->resume;
	return 0;
}
