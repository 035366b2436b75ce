/* Frames of a guest, and the text that a peer carried over, through the table of its addresses. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/announce.c */

#include <stdlib.h>
#include <string.h>

#include "replication/backend/announce.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct addresses addresses = { .mac = { 0 } }, again;
	char text[ADDRESSES_TEXT_MAX], same[ADDRESSES_TEXT_MAX];
	uint8_t frame[ANNOUNCE_BYTES_MAX];
	char *said = malloc(size + 1);
	size_t length;

	memcpy(said, bytes, size);
	said[size] = 0;
	addresses_parse(&addresses, said, 1.);
	free(said);
	if (size >= 12)
		memcpy(addresses.mac, bytes + 6, 6);
	addresses_learn(&addresses, bytes, size, 2.);
	addresses_print(&addresses, 3., text);
	again = addresses;
	addresses_parse(&again, text, 2.);
	addresses_print(&again, 3., same);
	if (strcmp(text, same) != 0)
		abort();
	for (unsigned int n = 0; (length = announce_frame(&addresses, n, frame)); n++) {
		if (length > sizeof(frame) || n > 2 * ADDRESSES_EACH)
			abort();
	}
	return 0;
}
