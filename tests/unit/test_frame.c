/* Frames and the bodies in them: what is sent arrives, however it is cut; what cannot be is refused. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/wire/frame.c replication/wire/body.c replication/wire/disk.c */
/* libs: -lxxhash */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/wire/body.h"
#include "replication/wire/disk.h"

#define STREAM_MAX (8u << 20)

struct stream {
	uint8_t *bytes;
	size_t size;
	uint32_t sequence;
};

static void put(struct stream *stream, enum wire_type type, uint64_t epoch, const void *body,
                uint32_t size)
{
	struct wire_header header;

	frame_seal(&header, type, stream->sequence++, 7, epoch, body, size);
	assert_true(stream->size + sizeof(header) + size <= STREAM_MAX);
	memcpy(stream->bytes + stream->size, &header, sizeof(header));
	if (size)
		memcpy(stream->bytes + stream->size + sizeof(header), body, size);
	stream->size += sizeof(header) + size;
}

static int set_up(void **state)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	stream->bytes = malloc(STREAM_MAX);
	*state = stream;
	return 0;
}

static int tear_down(void **state)
{
	struct stream *stream = *state;

	free(stream->bytes);
	free(stream);
	return 0;
}

/* Gives the reader the stream in pieces of step bytes; checks what comes out by its epoch. */
static int read_all(const struct stream *stream, struct frame_reader *reader, size_t step,
                    const char **why)
{
	struct frame frame;
	size_t at = 0;
	int frames = 0, result = 0;

	while (result >= 0 && at < stream->size) {
		size_t room, size = stream->size - at < step ? stream->size - at : step;
		uint8_t *to = frame_reader_room(reader, &room);

		assert_true(room > 0);
		size = size < room ? size : room;
		memcpy(to, stream->bytes + at, size);
		frame_reader_filled(reader, size);
		at += size;
		while ((result = frame_reader_next(reader, &frame, why)) > 0) {
			assert_int_equal(frame.epoch, frames);
			assert_int_equal(frame.generation, 7);
			for (uint32_t i = 0; i < frame.size; i++)
				assert_int_equal(frame.body[i], (uint8_t)(frames + i));
			frames++;
		}
	}
	return result < 0 ? result : frames;
}

static void put_many(struct stream *stream)
{
	static const uint32_t sizes[] = {
		0, 1, 100, WIRE_BODY_MAX, 0, WIRE_BODY_MAX, 4096, WIRE_BODY_MAX - 1, 17
	};
	uint8_t *body = malloc(WIRE_BODY_MAX);

	for (uint32_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
		for (uint32_t i = 0; i < sizes[n]; i++)
			body[i] = (uint8_t)(n + i);
		put(stream, WIRE_PAGES, n, body, sizes[n]);
	}
	free(body);
}

static void frames_arrive_however_they_are_cut(void **state)
{
	static const size_t steps[] = { 7, 40, 41, 4096, 65536, 3u << 20, STREAM_MAX };
	struct stream *stream = *state;
	const char *why;

	put_many(stream);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct frame_reader *reader = frame_reader_new(WIRE_BODY_MAX);

		assert_int_equal(read_all(stream, reader, steps[i], &why), 9);
		assert_true(frame_reader_is_between(reader));
		frame_reader_free(reader);
	}
}

static void a_frame_that_is_cut_off_is_not_given(void **state)
{
	struct stream *stream = *state;
	struct frame_reader *reader = frame_reader_new(WIRE_BODY_MAX);
	const char *why;

	put_many(stream);
	stream->size -= 1;
	assert_int_equal(read_all(stream, reader, 4096, &why), 8);
	assert_false(frame_reader_is_between(reader));
	frame_reader_free(reader);
}

/* Every bit of header and body matters. */
static void one_changed_bit_is_noticed(void **state)
{
	struct stream *stream = *state;
	uint8_t body[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	const char *why;

	put(stream, WIRE_PAGES, 0, body, sizeof(body));
	for (size_t bit = 0; bit < stream->size * 8; bit++) {
		struct frame_reader *reader = frame_reader_new(WIRE_BODY_MAX);
		int result;

		stream->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		result = read_all(stream, reader, STREAM_MAX, &why);
		/* A greater size only makes the reader wait. */
		assert_true(result < 0 || (result == 0 && bit / 8 >= 8 && bit / 8 < 12));
		stream->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		frame_reader_free(reader);
	}
}

static int read_one(struct stream *stream, uint32_t body_max, const char **why)
{
	struct frame_reader *reader = frame_reader_new(body_max);
	int result = read_all(stream, reader, STREAM_MAX, why);

	if (result < 0) { /* it stays */
		struct frame frame;

		assert_int_equal(frame_reader_next(reader, &frame, why), result);
	}
	frame_reader_free(reader);
	return result;
}

static void frames_that_cannot_be_are_refused_early(void **state)
{
	struct stream *stream = *state;
	struct wire_header *header = (struct wire_header *)stream->bytes;
	const char *why;

	put(stream, WIRE_PAGES, 0, NULL, 0);
	header->size = 1001;
	assert_int_equal(read_one(stream, 1000, &why), -EPROTO);
	assert_string_equal(why, "a frame larger than agreed");
	header->size = UINT32_MAX;
	assert_int_equal(read_one(stream, WIRE_BODY_MAX, &why), -EPROTO);
	header->size = 0;
	header->type = WIRE_TYPES;
	assert_int_equal(read_one(stream, 1000, &why), -EPROTO);
	header->type = 0;
	assert_int_equal(read_one(stream, 1000, &why), -EPROTO);
	header->type = WIRE_PAGES;
	header->version = WIRE_VERSION + 1;
	assert_int_equal(read_one(stream, 1000, &why), -EPROTONOSUPPORT);
	assert_string_equal(why, "a frame of another version");
	header->version = WIRE_VERSION;
	assert_int_equal(read_one(stream, 1000, &why), 1);
}

static void a_hello_of_another_version_is_read(void **state)
{
	struct stream *stream = *state;
	struct wire_header *header = (struct wire_header *)stream->bytes;
	const char *why;

	put(stream, WIRE_HELLO, 0, NULL, 0);
	header->version = 9;
	/* The sum is right for its own version. */
	assert_int_equal(read_one(stream, 1000, &why), -EBADMSG);
}

static void a_doubled_or_missing_frame_is_noticed(void **state)
{
	struct stream *stream = *state;
	const char *why;

	put(stream, WIRE_PAGES, 0, NULL, 0);
	stream->sequence = 0;
	put(stream, WIRE_PAGES, 1, NULL, 0);
	assert_int_equal(read_one(stream, 1000, &why), -EPROTO);
	stream->size = 0;
	stream->sequence = 1;
	put(stream, WIRE_PAGES, 0, NULL, 0);
	assert_int_equal(read_one(stream, 1000, &why), -EPROTO);
	assert_string_equal(why, "a frame out of sequence");
}

static void a_keepalive_is_not_counted(void **state)
{
	struct stream *stream = *state;
	const char *why;

	put(stream, WIRE_PAGES, 0, NULL, 0);
	stream->sequence = 0;
	put(stream, WIRE_KEEPALIVE, 1, NULL, 0);
	put(stream, WIRE_PAGES, 2, NULL, 0);
	assert_int_equal(read_one(stream, 1000, &why), 3);
}

static void a_digest_depends_on_order_and_number(void **state)
{
	uint64_t ab = wire_digest_add(wire_digest_add(0, 1), 2);
	uint64_t ba = wire_digest_add(wire_digest_add(0, 2), 1);

	(void)state;
	assert_true(ab != ba);
	assert_true(ab != wire_digest_add(0, 1));
	assert_true(ab != wire_digest_add(0, 2));
	assert_true(wire_digest_add(0, 0) != 0);
}

static struct frame frame_of(enum wire_type type, uint64_t epoch, const void *body, size_t size)
{
	return (struct frame){ .type = type, .epoch = epoch, .body = body, .size = (uint32_t)size };
}

static void a_begin_is_built_on_an_earlier_epoch(void **state)
{
	struct wire_begin begin = { .base = 4 }, got;
	struct frame frame = frame_of(WIRE_BEGIN, 5, &begin, sizeof(begin));
	const char *why;

	(void)state;
	assert_int_equal(body_parse_begin(&frame, &got, &why), 0);
	assert_int_equal(got.base, 4);
	begin.base = 5;
	assert_int_equal(body_parse_begin(&frame, &got, &why), -EPROTO);
	begin.base = 4;
	begin.flags = WIRE_BEGIN_BASE;
	assert_int_equal(body_parse_begin(&frame, &got, &why), -EPROTO);
	begin.base = 0;
	assert_int_equal(body_parse_begin(&frame, &got, &why), 0);
	begin.flags = 2;
	assert_int_equal(body_parse_begin(&frame, &got, &why), -EPROTO);
	begin.flags = 0;
	frame.size--;
	assert_int_equal(body_parse_begin(&frame, &got, &why), -EPROTO);
}

static void an_ack_cannot_commit_what_it_does_not_have(void **state)
{
	struct wire_ack ack = { .committed = 9 }, got;
	struct frame frame = frame_of(WIRE_ACK, 9, &ack, sizeof(ack));
	const char *why;

	(void)state;
	assert_int_equal(body_parse_ack(&frame, &got, &why), 0);
	frame.epoch = 8;
	assert_int_equal(body_parse_ack(&frame, &got, &why), -EPROTO);
}

static void a_beat_has_numbers_that_can_be_told_on(void **state)
{
	struct wire_beat beat = { 1, 2, 3, WIRE_BEAT_MAX }, got;
	struct frame frame = frame_of(WIRE_BEAT, 0, &beat, sizeof(beat));
	uint64_t *numbers[] = { &beat.generation, &beat.round, &beat.number, &beat.heard };
	const char *why;

	(void)state;
	assert_int_equal(body_parse_beat(&frame, &got, &why), 0);
	assert_memory_equal(&got, &beat, sizeof(got));
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t was = *numbers[i];

		*numbers[i] = (uint64_t)WIRE_BEAT_MAX + 1;
		assert_int_equal(body_parse_beat(&frame, &got, &why), -EPROTO);
		*numbers[i] = was;
	}
	frame.size--;
	assert_int_equal(body_parse_beat(&frame, &got, &why), -EPROTO);
}

static void a_reason_is_made_fit_for_a_log(void **state)
{
	struct reason_body body;
	char text[WIRE_TEXT_MAX + 50];
	struct reason got;
	struct frame frame;
	const char *why;

	(void)state;
	frame = frame_of(WIRE_BYE, 0, &body,
	                 body_make_reason(&body, WIRE_BYE_BUSY, "one\n\x1b[31mtwo\xff"));
	assert_int_equal(body_parse_reason(&frame, &got, &why), 0);
	assert_int_equal(got.reason, WIRE_BYE_BUSY);
	assert_string_equal(got.text, "one??[31mtwo?");

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	frame.size = body_make_reason(&body, WIRE_BYE_BUSY, text);
	assert_int_equal(body_parse_reason(&frame, &got, &why), 0);
	assert_int_equal(strlen(got.text), WIRE_TEXT_MAX);
	body.head.size++;
	assert_int_equal(body_parse_reason(&frame, &got, &why), -EPROTO);
	body.head.size = UINT32_MAX;
	assert_int_equal(body_parse_reason(&frame, &got, &why), -EPROTO);
	frame.size = body_make_reason(&body, WIRE_BYES, "");
	assert_int_equal(body_parse_reason(&frame, &got, &why), -EPROTO);
	frame.size = 7;
	assert_int_equal(body_parse_reason(&frame, &got, &why), -EPROTO);
}

static void a_piece_of_state_lies_within_its_total(void **state)
{
	struct {
		struct wire_state head;
		uint8_t bytes[10];
	} body = { .head = { .kind = WIRE_STATE_STORE, .offset = 5, .total = 15 } };
	struct frame frame = frame_of(WIRE_STATE, 1, &body, sizeof(body.head) + 10);
	struct state_piece piece;
	const char *why;

	(void)state;
	assert_int_equal(body_parse_state(&frame, &piece, &why), 0);
	assert_int_equal(piece.size, 10);
	body.head.total = 14;
	assert_int_equal(body_parse_state(&frame, &piece, &why), -EPROTO);
	body.head.offset = UINT32_MAX - 4;
	assert_int_equal(body_parse_state(&frame, &piece, &why), -EPROTO);
	body.head.offset = 0;
	body.head.total = WIRE_STATE_MAX + 1;
	assert_int_equal(body_parse_state(&frame, &piece, &why), -EPROTO);
	body.head.total = 15;
	body.head.kind = WIRE_STATE_KINDS;
	assert_int_equal(body_parse_state(&frame, &piece, &why), -EPROTO);
	body.head.kind = WIRE_STATE_STORE;
	frame.size = sizeof(body.head);
	assert_int_equal(body_parse_state(&frame, &piece, &why), -EPROTO);
}

static const struct disk_limits limits = { .disks = 2, .sectors = { 1000, 50 } };

static void disk_writes_come_as_they_went(void **state)
{
	uint8_t data[1024] = { 1, 2, 3 }, body[4096];
	struct disk_write one = { .disk = 0,
		                  .op = WIRE_DISK_DATA,
		                  .sector = 998,
		                  .sectors = 2,
		                  .data = data,
		                  .size = 1024 };
	struct disk_write two = { .disk = 1, .op = WIRE_DISK_ZERO, .sector = 0, .sectors = 50 };
	struct disk_write got;
	struct frame frame = frame_of(WIRE_DISK_WRITE, 1, body, 0);
	uint32_t count, offset = 0;
	const char *why;

	(void)state;
	assert_int_equal(disk_put(body, &frame.size, sizeof(body), &one), 0);
	assert_int_equal(disk_put(body, &frame.size, sizeof(body), &two), 0);
	assert_int_equal(disk_put(body, &frame.size, 1500, &one), -ENOSPC);
	assert_int_equal(disk_put(body, &frame.size, frame.size + 23, &two), -ENOSPC);
	assert_int_equal(disk_check(&frame, &limits, &count, &why), 0);
	assert_int_equal(count, 2);
	assert_true(disk_next(body, frame.size, &offset, &got));
	assert_int_equal(got.sector, 998);
	assert_memory_equal(got.data, data, 1024);
	assert_true(disk_next(body, frame.size, &offset, &got));
	assert_int_equal(got.op, WIRE_DISK_ZERO);
	assert_null(got.data);
	assert_false(disk_next(body, frame.size, &offset, &got));

	frame.size--;
	assert_int_equal(disk_check(&frame, &limits, &count, &why), -EPROTO);
	frame.size = 0;
	assert_int_equal(disk_check(&frame, &limits, &count, &why), -EPROTO);
}

static void zeroes_side_by_side_are_one_write(void **state)
{
	struct disk_write zero = { .op = WIRE_DISK_ZERO, .sector = 100, .sectors = 8 };
	struct disk_write got;
	uint8_t body[256];
	uint32_t size = 0, offset = 0;

	(void)state;
	assert_int_equal(disk_put(body, &size, sizeof(body), &zero), 0);
	zero.sector = 109; /* a gap */
	assert_false(disk_join(body, 0, &zero));
	zero.sector = 108;
	zero.disk = 1;
	assert_false(disk_join(body, 0, &zero));
	zero.disk = 0;
	zero.op = WIRE_DISK_DATA;
	assert_false(disk_join(body, 0, &zero));
	zero.op = WIRE_DISK_ZERO;
	assert_true(disk_join(body, 0, &zero));
	zero.sector = 116;
	zero.sectors = DISK_ZERO_SECTORS_MAX - 15;
	assert_false(disk_join(body, 0, &zero));
	assert_true(disk_next(body, size, &offset, &got));
	assert_int_equal(got.sector, 100);
	assert_int_equal(got.sectors, 16);
	assert_false(disk_next(body, size, &offset, &got));
}

static int check_head(struct wire_disk head)
{
	uint8_t body[2048] = { 0 };
	struct frame frame = frame_of(WIRE_DISK_SYNC, 1, body, sizeof(head) + 512);
	uint32_t count;
	const char *why;

	memcpy(body, &head, sizeof(head));
	return disk_check(&frame, &limits, &count, &why);
}

static void disk_writes_that_cannot_be_are_refused(void **state)
{
	const struct wire_disk good = {
		.disk = 1, .op = WIRE_DISK_DATA, .size = 512, .sector = 49, .sectors = 1
	};
	struct wire_disk bad;

	(void)state;
	assert_int_equal(check_head(good), 0);
	bad = good, bad.disk = 2;
	assert_int_equal(check_head(bad), -EPROTO);
	bad = good, bad.op = 3;
	assert_int_equal(check_head(bad), -EPROTO);
	bad = good, bad.sector = 50;
	assert_int_equal(check_head(bad), -EPROTO);
	bad = good, bad.sector = UINT64_MAX;
	assert_int_equal(check_head(bad), -EPROTO);
	bad = good, bad.sectors = 0, bad.size = 0;
	assert_int_equal(check_head(bad), -EPROTO);
	bad = good, bad.sectors = UINT64_MAX;
	assert_int_equal(check_head(bad), -EPROTO);
	bad = good, bad.sectors = (1ull << 55) + 1;
	assert_int_equal(check_head(bad), -EPROTO);
	bad = good, bad.size = 511;
	assert_int_equal(check_head(bad), -EPROTO);
	bad = good, bad.op = WIRE_DISK_ZERO;
	assert_int_equal(check_head(bad), -EPROTO);
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(frames_arrive_however_they_are_cut),
		STREAM_TEST(a_frame_that_is_cut_off_is_not_given),
		STREAM_TEST(one_changed_bit_is_noticed),
		STREAM_TEST(frames_that_cannot_be_are_refused_early),
		STREAM_TEST(a_hello_of_another_version_is_read),
		STREAM_TEST(a_doubled_or_missing_frame_is_noticed),
		STREAM_TEST(a_keepalive_is_not_counted),
		cmocka_unit_test(a_digest_depends_on_order_and_number),
		cmocka_unit_test(a_begin_is_built_on_an_earlier_epoch),
		cmocka_unit_test(an_ack_cannot_commit_what_it_does_not_have),
		cmocka_unit_test(a_beat_has_numbers_that_can_be_told_on),
		cmocka_unit_test(a_reason_is_made_fit_for_a_log),
		cmocka_unit_test(a_piece_of_state_lies_within_its_total),
		cmocka_unit_test(disk_writes_come_as_they_went),
		cmocka_unit_test(zeroes_side_by_side_are_one_write),
		cmocka_unit_test(disk_writes_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
