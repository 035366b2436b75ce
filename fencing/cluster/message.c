/* What goes through the group: words, and echoes that a host sends itself. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/cluster/message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define NUMBER_MAX (1ull << 62) /* no generation or round gets there by counting */

static void begin(struct message *message, enum message_kind kind, uint32_t to)
{
	*message = (struct message){ .magic = MESSAGE_MAGIC,
		                     .version = MESSAGE_VERSION,
		                     .kind = (uint16_t)kind,
		                     .size = sizeof(*message),
		                     .to = to };
}

void message_word(struct message *message, uint32_t to, const struct cluster_word *word)
{
	begin(message, MESSAGE_WORD, to);
	memcpy(message->vm, word->vm, sizeof(message->vm));
	message->situation = word->record.situation;
	message->is_asking = word->is_asking;
	message->generation = word->record.right.generation;
	message->round = word->record.right.round;
	message->lease = word->lease;
	message->enforcement = word->enforcement;
	message->window = word->window;
	message->peer = word->record.peer;
}

void message_echo(struct message *message, uint32_t to, uint64_t sent_at)
{
	begin(message, MESSAGE_ECHO, to);
	message->sent_at = sent_at;
}

static bool is_word(const struct message *message)
{
	return message->kind == MESSAGE_WORD && message->situation < SITUATION_COUNT &&
	       message->is_asking <= 1 && message->generation < NUMBER_MAX &&
	       message->round < NUMBER_MAX && message->reserved == 0 && message->sent_at == 0;
}

int message_read(struct message *message, const void *bytes, size_t size)
{
	if (size < offsetof(struct message, kind))
		return -EBADMSG;
	memset(message, 0, sizeof(*message));
	memcpy(message, bytes, size < sizeof(*message) ? size : sizeof(*message));
	if (message->magic != MESSAGE_MAGIC)
		return -EBADMSG;
	if (message->version != MESSAGE_VERSION)
		return -EPROTONOSUPPORT;
	if (size != sizeof(*message) || message->size != sizeof(*message))
		return -EBADMSG;
	return message->kind == MESSAGE_ECHO || is_word(message) ? 0 : -EBADMSG;
}

void message_to_word(const struct message *message, struct cluster_word *word)
{
	*word = (struct cluster_word){ .record = { .situation = (enum situation)message->situation,
		                                   .right = { message->generation, message->round },
		                                   .peer = message->peer },
		                       .is_asking = message->is_asking,
		                       .lease = message->lease,
		                       .enforcement = message->enforcement,
		                       .window = message->window };
	memcpy(word->vm, message->vm, sizeof(word->vm));
}
