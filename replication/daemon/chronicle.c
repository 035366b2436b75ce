/* What happened to protected VMs: the last events, in memory and in a file that outlives remusd. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/chronicle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

#define TEXT_MAX       200u
#define LINE_MAX_BYTES 2048

struct chronicle {
	const char *path;
	json_t *ring[CHRONICLE_EVENTS];
	uint64_t count;     /* that were ever put into the ring since it was opened */
	uint64_t last;      /* number of the last event */
	unsigned int lines; /* of the file */
	bool has_failed;
};

/* How many of the ring are there, and the i-th of them, the oldest first. */
static unsigned int used(const struct chronicle *chronicle)
{
	return chronicle->count < CHRONICLE_EVENTS ? (unsigned int)chronicle->count
	                                           : CHRONICLE_EVENTS;
}

static json_t *event_at(const struct chronicle *chronicle, unsigned int i)
{
	return chronicle->ring[(chronicle->count - used(chronicle) + i) % CHRONICLE_EVENTS];
}

static uint64_t number_of(const json_t *event)
{
	return (uint64_t)json_integer_value(json_object_get(event, "number"));
}

static void put(struct chronicle *chronicle, json_t *event)
{
	json_t **place = &chronicle->ring[chronicle->count % CHRONICLE_EVENTS];

	json_decref(*place);
	*place = event;
	chronicle->count++;
	chronicle->last = number_of(event);
}

/* --- the file --- */

static bool is_event(const json_t *event, uint64_t last)
{
	return json_is_string(json_object_get(event, "vm")) &&
	       json_is_string(json_object_get(event, "event")) && number_of(event) > last;
}

/* A line that was torn, or is not ours, is passed over; what is torn at the end has the file written anew. */
static void read_file(struct chronicle *chronicle)
{
	FILE *file = chronicle->path ? fopen(chronicle->path, "re") : NULL;
	char line[LINE_MAX_BYTES];

	while (file && fgets(line, sizeof(line), file)) {
		json_t *event = json_loads(line, 0, NULL);

		chronicle->lines += strchr(line, '\n') ? 1 : 2 * CHRONICLE_EVENTS;
		if (is_event(event, chronicle->last))
			put(chronicle, event);
		else
			json_decref(event);
	}
	if (file)
		fclose(file);
}

static int write_line(int fd, const json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT);
	char line[LINE_MAX_BYTES];
	int length = text ? snprintf(line, sizeof(line), "%s\n", text) : -1;

	free(text);
	if (length < 0 || (size_t)length >= sizeof(line))
		return -EMSGSIZE;
	errno = EIO;
	return write(fd, line, (size_t)length) == length ? 0 : -errno;
}

/* A new file with what the ring has takes the place of one that has grown. */
static int write_anew(struct chronicle *chronicle)
{
	char path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s.new", chronicle->path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	for (unsigned int i = 0; i < used(chronicle) && !err; i++)
		err = write_line(fd, event_at(chronicle, i));
	close(fd);
	if (!err && rename(path, chronicle->path))
		err = -errno;
	if (!err)
		chronicle->lines = used(chronicle);
	return err;
}

static int append(struct chronicle *chronicle, const json_t *event)
{
	int fd = open(chronicle->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
	              0600);
	int err = fd < 0 ? -errno : write_line(fd, event);

	if (fd >= 0)
		close(fd);
	if (!err)
		chronicle->lines++;
	return err;
}

static void keep(struct chronicle *chronicle, const json_t *event)
{
	int err = chronicle->lines >= 2 * CHRONICLE_EVENTS ? write_anew(chronicle)
	                                                   : append(chronicle, event);

	if (err && !chronicle->has_failed)
		log_error("%s cannot be written: %s", chronicle->path, strerror(-err));
	chronicle->has_failed = err;
}

/* --- for all --- */

struct chronicle *chronicle_open(const char *path)
{
	struct chronicle *chronicle = calloc(1, sizeof(*chronicle));

	if (!chronicle)
		return NULL;
	chronicle->path = path;
	read_file(chronicle);
	return chronicle;
}

void chronicle_close(struct chronicle *chronicle)
{
	if (!chronicle)
		return;
	for (unsigned int i = 0; i < CHRONICLE_EVENTS; i++)
		json_decref(chronicle->ring[i]);
	free(chronicle);
}

/* What a peer or a worker said may be anything: one line of it, and not too long. */
static json_t *clean(const char *text)
{
	char line[TEXT_MAX];
	json_t *string;

	snprintf(line, sizeof(line), "%s", text);
	for (char *letter = line; *letter; letter++) {
		if ((unsigned char)*letter < ' ' || *letter == 0x7f)
			*letter = ' ';
	}
	string = json_string(line);
	return string ? string : json_string("");
}

/* ms since 1970. */
static json_int_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (json_int_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void chronicle_add(struct chronicle *chronicle, const struct happening *happening)
{
	json_t *event = json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:o}", "number",
	                          (json_int_t)(chronicle->last + 1), "time", now(), "vm",
	                          happening->vm, "event", happening->event, "generation",
	                          (json_int_t)happening->generation, "round",
	                          (json_int_t)happening->round, "epoch",
	                          (json_int_t)happening->epoch, "text", clean(happening->text));

	if (!event)
		return;
	put(chronicle, event);
	if (chronicle->path)
		keep(chronicle, event);
}

json_t *chronicle_tell(const struct chronicle *chronicle, const char *vm, uint64_t since)
{
	json_t *events = json_array();
	uint64_t last = since;
	bool is_more = false;

	for (unsigned int i = 0; i < used(chronicle) && !is_more; i++) {
		json_t *event = event_at(chronicle, i);

		if (number_of(event) <= since ||
		    (vm && strcmp(json_string_value(json_object_get(event, "vm")), vm)))
			continue;
		is_more = json_array_size(events) == CHRONICLE_TOLD;
		if (is_more)
			continue;
		json_array_append(events, event);
		last = number_of(event);
	}
	return json_pack("{s:o, s:I, s:b}", "events", events, "last", (json_int_t)last, "more",
	                 is_more);
}
