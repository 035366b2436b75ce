/* A standby that is sent anything by its primary: it takes what is whole, and never breaks. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/standby/standby.c replication/stage/stage.c replication/epoch/standby_states.c replication/wire/frame.c replication/wire/hello.c replication/wire/body.c replication/wire/pages.c replication/wire/disk.c replication/encode/decode.c replication/encode/lines.c common/log.c common/states.c */
/* libs: -llz4 -lxxhash */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "replication/standby/standby.h"
#include "replication/wire/pages.h"

#define PAGES   64u
#define SECTORS 64u

static uint8_t memory[PAGES][WIRE_PAGE_SIZE];
static uint8_t disk[SECTORS][WIRE_SECTOR];

/* --- a shadow that checks what it is given --- */

static uint64_t paired;

static int reset(struct sink *sink, uint64_t pairing)
{
	(void)sink;
	paired = pairing;
	return 0;
}

static uint64_t pairing_of(struct sink *sink)
{
	(void)sink;
	return paired;
}

static uint32_t marks(struct sink *sink, uint32_t number, uint8_t *bits)
{
	(void)sink;
	if (number)
		abort();
	memset(bits, 0x55, 504);
	return 504;
}

static int settle(struct sink *sink)
{
	(void)sink;
	return 0;
}

static int read_page(struct sink *sink, uint64_t gfn, uint8_t *page)
{
	(void)sink;
	memcpy(page, memory[gfn % PAGES], WIRE_PAGE_SIZE);
	return 0;
}

static int apply(struct sink *sink, const struct sink_page *pages, uint32_t count)
{
	(void)sink;
	for (uint32_t i = 0; i < count; i++) {
		if (pages[i].gfn >= PAGES)
			abort();
		if (pages[i].contents)
			memcpy(memory[pages[i].gfn], pages[i].contents, WIRE_PAGE_SIZE);
	}
	return 0;
}

static int state(struct sink *sink, enum wire_state_kind kind, const void *bytes, uint32_t size)
{
	uint8_t last;

	(void)sink;
	(void)kind;
	memcpy(&last, (const uint8_t *)bytes + size - 1, 1);
	return last == 0xff ? -5 : 0;
}

static int write_disk(struct sink *sink, const struct disk_write *write)
{
	(void)sink;
	if (write->sector >= SECTORS || write->sectors > SECTORS - write->sector)
		abort();
	if (write->op == WIRE_DISK_DATA)
		memcpy(disk[write->sector], write->data, write->size);
	return write->sector == 13 ? -5 : 0;
}

static int flush(struct sink *sink)
{
	(void)sink;
	return 0;
}

static int activate(struct sink *sink, uint64_t epoch, uint64_t until)
{
	(void)sink;
	(void)until;
	return epoch ? 0 : -22;
}

static const struct sink_ops sink_ops = { .reset = reset,
	                                  .pairing = pairing_of,
	                                  .marks = marks,
	                                  .settle = settle,
	                                  .read = read_page,
	                                  .apply = apply,
	                                  .state = state,
	                                  .write = write_disk,
	                                  .flush = flush,
	                                  .activate = activate };

/* --- a peer that takes everything --- */

static int send_frame(struct peer *peer, const struct wire_header *header, const void *body)
{
	(void)peer;
	(void)body;
	return header->size > WIRE_BODY_MAX;
}

static void close_peer(struct peer *peer)
{
	(void)peer;
}

static const struct peer_ops peer_ops = { send_frame, close_peer };

/* --- what is sent: a byte says what, the next ones what is in it --- */

struct input {
	const uint8_t *bytes;
	size_t left;
};

static void take(struct input *input, void *to, size_t size)
{
	size_t part = size < input->left ? size : input->left;

	memset(to, 0, size);
	memcpy(to, input->bytes, part);
	input->bytes += part;
	input->left -= part;
}

static struct wire_hello hello_of(enum wire_role role)
{
	struct wire_hello hello;

	hello_init(&hello);
	hello.role = role;
	hello.memory_pages = role == WIRE_PRIMARY ? PAGES : 0;
	hello.staged_max = role == WIRE_STANDBY ? 1u << 20 : 0;
	hello.generation = 1;
	hello.series = role == WIRE_PRIMARY ? 7 : 0;
	hello.vm[0] = 1;
	strcpy(hello.name, "vm");
	strcpy(hello.host, "host");
	hello.disks = 1;
	hello.disk_sectors[0] = SECTORS;
	return hello;
}

/* An END that fits what was sent, so that the rest is reached. */
struct sent {
	uint64_t digest, frames, pages, writes;
};

static void count(struct sent *sent, const struct frame *frame)
{
	struct disk_limits limits = { 1, { SECTORS } };
	struct page_batch batch;
	uint32_t writes;
	const char *why;

	if (frame->type == WIRE_BEGIN)
		*sent = (struct sent){ 0 };
	sent->digest = wire_digest_add(sent->digest, frame->sum);
	sent->frames++;
	if (frame->type == WIRE_PAGES &&
	    pages_parse(frame->body, frame->size, PAGES, WIRE_CODECS, &batch, &why) == 0)
		sent->pages += batch.count;
	if ((frame->type == WIRE_DISK_WRITE || frame->type == WIRE_DISK_SYNC) &&
	    disk_check(frame, &limits, &writes, &why) == 0)
		sent->writes += writes;
}

static void send_body(struct standby *standby, struct sent *sent, enum wire_type type,
                      uint64_t epoch, const void *body, uint32_t size)
{
	struct wire_header header;
	struct frame frame = {
		.type = type, .generation = 1, .epoch = epoch, .body = body, .size = size
	};

	frame_seal(&header, type, 0, 1, epoch, body, size);
	frame.sum = header.sum;
	if (type != WIRE_END)
		count(sent, &frame);
	standby_frame(standby, &frame);
}

static void send_end(struct standby *standby, struct sent *sent, uint64_t epoch)
{
	struct wire_end end = { .digest = sent->digest,
		                .frames = sent->frames,
		                .pages = sent->pages,
		                .disk_writes = sent->writes };

	send_body(standby, sent, WIRE_END, epoch, &end, sizeof(end));
}

/* Bodies that are right but for the bytes of the input in them. */
static uint32_t make_page(uint8_t *body, struct input *input)
{
	struct wire_pages head = { .count = 1 };
	uint8_t gfn, how;
	uint16_t size;
	uint64_t entry;

	take(input, &gfn, 1);
	take(input, &how, 1);
	take(input, &size, 2);
	size %= 512;
	entry = page_entry(gfn, how % (WIRE_PAGE_HOWS + 1), size);
	memcpy(body, &head, sizeof(head));
	memcpy(body + sizeof(head), &entry, sizeof(entry));
	take(input, body + sizeof(head) + sizeof(entry), size);
	return (uint32_t)(sizeof(head) + sizeof(entry)) + size;
}

static uint32_t make_state(uint8_t *body, struct input *input)
{
	struct wire_state head = { .kind = WIRE_STATE_DOMAIN };
	uint8_t size;

	take(input, &size, 1);
	head.total = size + 1u;
	memcpy(body, &head, sizeof(head));
	take(input, body + sizeof(head), head.total);
	return (uint32_t)sizeof(head) + head.total;
}

static uint32_t make_write(uint8_t *body, struct input *input)
{
	struct disk_write write = { .op = WIRE_DISK_ZERO };
	uint8_t place[2];
	uint32_t size = 0;

	take(input, place, sizeof(place));
	write.sector = place[0];
	write.sectors = place[1];
	disk_put(body, &size, 4096, &write);
	return size;
}

static void send_one(struct standby *standby, struct input *input, struct sent *sent)
{
	static uint8_t body[4096];
	const struct standby_states *states = standby_states_of(standby);
	struct wire_begin begin = { 0 };
	uint8_t head[3];

	take(input, head, sizeof(head));
	switch (head[0] % 8) {
	case 0:
		begin.flags = WIRE_BEGIN_BASE;
		send_body(standby, sent, WIRE_BEGIN, head[1], &begin, sizeof(begin));
		break;
	case 1:
	case 2:
		begin.base = states->whole;
		send_body(standby, sent, WIRE_BEGIN, states->whole + 1 + head[1] % 2, &begin,
		          sizeof(begin));
		break;
	case 3:
		send_end(standby, sent, states->staging);
		break;
	case 4:
		send_body(standby, sent, WIRE_PAGES, states->staging, body, make_page(body, input));
		break;
	case 5:
		send_body(standby, sent, WIRE_STATE, states->staging, body,
		          make_state(body, input));
		break;
	case 6:
		send_body(standby, sent, WIRE_DISK_WRITE, states->staging, body,
		          make_write(body, input));
		break;
	default:
		take(input, body, head[2] * 8u);
		send_body(standby, sent, head[1] % WIRE_TYPES,
		          head[1] < 128 ? states->staging : head[1] % 16, body, head[2] * 8u);
	}
}

static void connect_again(struct standby *standby, struct peer *peer)
{
	struct wire_hello hello = hello_of(WIRE_PRIMARY);
	struct frame frame = { .type = WIRE_HELLO,
		               .generation = 1,
		               .body = (const uint8_t *)&hello,
		               .size = sizeof(hello) };

	if (standby_has_peer(standby))
		return;
	standby_connected(standby, peer);
	standby_frame(standby, &frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct standby_settings settings = { .who = "fuzz", .hello = hello_of(WIRE_STANDBY) };
	struct sink sink = { &sink_ops };
	struct peer peer = { &peer_ops };
	struct input input = { data, size };
	struct sent sent = { 0 };
	struct standby *standby;

	log_open("fuzz", 0);
	standby = standby_new(&sink, &settings);
	while (input.left) {
		connect_again(standby, &peer);
		send_one(standby, &input, &sent);
		if (sent.frames % 3 == 0)
			standby_run(standby);
	}
	standby_activate(standby, 0);
	standby_free(standby);
	return 0;
}
