/* Feeds bytes of a group to the parser of words; what it takes must be what it would say itself. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: fencing/cluster/message.c */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fencing/cluster/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct message message, again;
	struct cluster_word word;

	if (message_read(&message, bytes, size) || message.kind != MESSAGE_WORD)
		return 0;
	message_to_word(&message, &word);
	if (word.record.situation >= SITUATION_COUNT)
		abort();
	message_word(&again, message.to, &word);
	if (memcmp(&message, &again, sizeof(message)) != 0)
		abort();
	return 0;
}
