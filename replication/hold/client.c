/* The holder's end of the door: what a primary asks of its guest's backend worker, one call a message. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/hold/client.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAP_BYTES ((size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES)

int hold_connect(struct hold_client *client, unsigned int domid)
{
	*client = (struct hold_client){ .socket = door_connect(domid) };
	return client->socket < 0 ? client->socket : 0;
}

static void unmap(struct hold_client *client)
{
	if (client->memory)
		munmap(client->memory, MAP_BYTES);
	client->memory = NULL;
}

void hold_disconnect(struct hold_client *client)
{
	unmap(client);
	if (client->socket >= 0)
		close(client->socket);
	client->socket = -1;
}

/* One message, whatever it is. */
static int receive(struct hold_client *client, struct door_message *message, int *fd, int wait_ms)
{
	struct pollfd wait = { .fd = client->socket, .events = POLLIN };
	int err;

	for (;;) {
		err = door_receive(client->socket, message, fd);
		if (err != -EAGAIN || wait_ms == 0)
			return err;
		/* An interrupted wait begins anew: nothing here is precise. */
		if (poll(&wait, 1, wait_ms) == 0)
			return -ETIMEDOUT;
	}
}

static int ask(struct hold_client *client, enum door_kind kind, uint64_t epoch,
               enum door_kind wanted, struct door_message *answer, int *fd, int wait_ms)
{
	struct door_message message = { .version = DOOR_VERSION, .kind = kind, .epoch = epoch };
	int err = door_send(client->socket, &message, -1);

	while (!err) {
		err = receive(client, answer, fd, wait_ms);
		if (err || answer->kind == wanted)
			break;
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		if (answer->kind == DOOR_WANTED)
			client->is_wanted = true;
		else if (answer->kind == DOOR_REFUSED && answer->flags == kind && answer->error < 0)
			err = answer->error;
		else /* also a late refusal of RELEASE or FORGET, which was a mistake of ours */
			err = -EPROTO;
	}
	return err;
}

/* Of messages that bring no descriptor. */
static int ask_simply(struct hold_client *client, enum door_kind kind, uint64_t epoch,
                      enum door_kind wanted, struct door_message *answer)
{
	int fd = -1;
	int err = ask(client, kind, epoch, wanted, answer, &fd, HOLD_ANSWER_MS);

	if (fd >= 0)
		close(fd);
	return err;
}

static int map_log(struct hold_client *client, int fd)
{
	void *memory = mmap(NULL, MAP_BYTES, PROT_READ, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	unmap(client);
	client->memory = memory;
	return record_log_open(&client->log, (uint8_t *)memory + DOOR_LOG_OFFSET, DOOR_LOG_BYTES,
	                       true);
}

int hold_take(struct hold_client *client, uint64_t *epoch, uint32_t *flags)
{
	struct door_message answer;
	int fd = -1;
	int err = ask(client, DOOR_TAKE, *epoch, DOOR_TAKEN, &answer, &fd, HOLD_TAKE_MS);

	if (err)
		return err;
	if (fd < 0)
		return -EPROTO;
	err = map_log(client, fd);
	close(fd);
	if (err)
		return err;
	*epoch = answer.epoch;
	*flags = answer.flags;
	client->told = client->head = client->tail = answer.log_head;
	client->is_wanted = false;
	return 0;
}

int hold_begin(struct hold_client *client)
{
	struct door_message answer;

	return ask_simply(client, DOOR_HOLD, 0, DOOR_HELD, &answer);
}

int hold_stop(struct hold_client *client, uint64_t epoch)
{
	struct door_message answer;
	int err = ask_simply(client, DOOR_STOP, epoch, DOOR_STOPPED, &answer);

	/* What was wanted was wanted in the epoch that has ended. */
	if (!err)
		client->is_wanted = false;
	return err;
}

int hold_cut(struct hold_client *client, uint64_t epoch)
{
	struct door_message answer;
	int err = ask_simply(client, DOOR_CUT, epoch, DOOR_DONE, &answer);

	if (!err)
		client->tail = answer.log_tail;
	return err;
}

static int tell(struct hold_client *client, enum door_kind kind, uint64_t epoch)
{
	struct door_message message = { .version = DOOR_VERSION, .kind = kind, .epoch = epoch };

	return door_send(client->socket, &message, -1);
}

int hold_release(struct hold_client *client, uint64_t epoch)
{
	return tell(client, DOOR_RELEASE, epoch);
}

int hold_forget(struct hold_client *client, uint64_t epoch)
{
	return tell(client, DOOR_FORGET, epoch);
}

int hold_free(struct hold_client *client)
{
	struct door_message answer;
	int err = ask_simply(client, DOOR_FREE, 0, DOOR_FREED, &answer);

	if (!err)
		unmap(client);
	return err;
}

int hold_next(struct hold_client *client, struct hold_note *note)
{
	const struct record *record;

	if (!client->memory)
		return 0;
	/* What was forgotten is not there to be read. */
	if (client->told < record_log_head(&client->log))
		hold_rewind(client);
	record = record_log_next(&client->log, &client->told, client->tail);
	if (!record)
		return client->told == client->tail ? 0 : -EPROTO;
	if (record->length < sizeof(struct door_write))
		return -EPROTO;
	*note = (struct hold_note){
		.kind = (enum door_note)record->kind,
		.epoch = record->epoch,
		.write = (const struct door_write *)(const void *)record->payload,
		.contents = record->payload + sizeof(struct door_write),
	};
	if (note->kind == NOTE_WRITE &&
	    record->length - sizeof(struct door_write) != note->write->sectors * 512)
		return -EPROTO;
	return 1;
}

void hold_rewind(struct hold_client *client)
{
	uint64_t head = client->memory ? record_log_head(&client->log) : 0;

	if (head > client->head)
		client->head = head;
	client->told = client->head;
}

int hold_listen(struct hold_client *client, bool *is_wanted)
{
	struct door_message message;
	int fd;
	int err;

	while ((err = receive(client, &message, &fd, 0)) == 0) {
		if (fd >= 0)
			close(fd);
		if (message.kind == DOOR_WANTED)
			client->is_wanted = true;
		else
			return message.kind == DOOR_REFUSED && message.error < 0 ? message.error
			                                                         : -EPROTO;
	}
	*is_wanted = client->is_wanted;
	return err == -EAGAIN ? 0 : err;
}
