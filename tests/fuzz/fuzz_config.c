/* Feeds texts to the reader of a host's configuration; what it takes is within its bounds. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: toolstack/config/config.c toolstack/config/reading.c common/exempt.c */
/* libs: -lconfig */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/config/config.h"

/* libconfig itself forgets a text whose closing quote is missing. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char error[CONFIG_ERROR_SIZE] = "";
	struct config config;
	char *text = malloc(size + 1);

	memcpy(text, bytes, size);
	text[size] = 0;
	if (config_parse(&config, text, error)) {
		if (!*error)
			abort();
	} else if (!config.port || !config.peer_count || config.peer_count > CONFIG_PEERS_MAX ||
	           config.key[0] != '/' || config.defaults.interval - 1 > 999) {
		abort();
	}
	free(text);
	return 0;
}
