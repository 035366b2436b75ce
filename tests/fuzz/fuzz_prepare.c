/* Feeds what a peer asks of remusd to its parsers: the description of a VM, and what xl prints of it. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/protection.c replication/daemon/vm_config.c toolstack/control/message.c common/exempt.c */
/* libs: -ljansson */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replication/daemon/protection.h"
#include "replication/daemon/vm_config.h"
#include "toolstack/control/message.h"

/* What is taken must come back the same. */
static void look_at_protection(const json_t *said)
{
	struct protection taken, again;
	char why[PROTECTION_WHY_SIZE];
	json_t *written;

	memset(&taken, 0, sizeof(taken));
	memset(&again, 0, sizeof(again));
	if (protection_from_json(&taken, said, why))
		return;
	written = protection_to_json(&taken);
	if (!written || protection_from_json(&again, written, why) ||
	    strcmp(taken.name, again.name) || taken.disk_count != again.disk_count ||
	    memcmp(&taken.settings, &again.settings, sizeof(taken.settings)) ||
	    !exempt_is_sound(&taken.settings.exempt) || taken.port != again.port)
		abort();
	json_decref(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	json_t *request = control_parse((const char *)bytes, size);
	struct vm_config config;

	if (!request)
		return 0;
	look_at_protection(json_object_get(request, "protection"));
	if (!vm_config_read(&config, json_object_get(request, "listing")) &&
	    (!config.name || !config.uuid || !config.type || !config.memory_kb))
		abort();
	json_decref(request);
	return 0;
}
