/* A domain and its shadow on two fake hypervisors, replicated by both workers over TLS: memory, state and disk arrive. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: common/log.c common/states.c replication/domain/devices.c replication/domain/images.c replication/domain/domain_sink.c replication/domain/domain_vm.c replication/domain/notes.c replication/capture/capture.c replication/apply/own_pages.c replication/hyper/hyper.c replication/hold/door.c replication/hold/record_log.c replication/main/contact.c replication/main/primary_worker.c replication/main/standby_worker.c replication/main/worker_events.c replication/transport/channel.c replication/transport/queue.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/wire/body.c replication/wire/disk.c replication/wire/frame.c replication/wire/hello.c replication/wire/pages.c replication/encode/encode.c replication/encode/pool.c replication/encode/decode.c replication/encode/lines.c replication/epoch/pace.c replication/epoch/primary_states.c replication/epoch/standby_states.c replication/stage/stage.c replication/primary/collect.c replication/primary/flush.c replication/primary/in_flight.c replication/primary/primary.c replication/primary/push.c replication/standby/standby.c toolstack/control/answer.c toolstack/control/codes.c toolstack/control/message.c toolstack/control/server.c   tests/unit/certificates.c tests/unit/fake_hyper.c replication/marks/marks_file.c replication/domain/pairing.c common/exempt.c */
/* libs: -lev -lssl -lcrypto -llz4 -lxxhash -ljansson */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "replication/domain/domain_sink.h"
#include "replication/domain/domctl.h"
#include "replication/domain/domain_vm.h"
#include "replication/encode/pool.h"
#include "replication/main/primary_worker.h"
#include "replication/main/standby_worker.h"
#include "replication/transport/tls.h"
#include "tests/unit/certificates.h"
#include "tests/unit/fake_hyper.h"
#include "tests/unit/until.h"

#define DOMAIN       1u
#define PAGES        700u /* of the guest, at first */
#define DISK_SECTORS 2000u

struct host {
	struct fake_hyper fake;
	struct hyper hyper;
	struct images disks;
	char image[32];
};

struct pair {
	struct ev_loop *loop;
	ev_timer tick;
	bool is_running;
	unsigned int steps;
	struct host a, b;
	struct domain_vm vm;
	struct domain_sink sink;
	struct primary_settings primary_settings;
	struct standby_settings standby_settings;
	struct primary_worker primary;
	struct standby_worker standby;
};

/* --- the shadow's memory as dom0 maps it: here, as the fake has it --- */

static struct fake_domain *shadow;

int shadow_memory_open(struct shadow_memory *memory, uint16_t domain)
{
	(void)memory;
	(void)domain;
	return 0;
}

void shadow_memory_close(struct shadow_memory *memory)
{
	(void)memory;
}

int shadow_memory_read(struct shadow_memory *memory, uint64_t gfn, uint8_t *page)
{
	(void)memory;
	if (gfn < FAKE_GFNS && shadow->pages[gfn])
		memcpy(page, shadow->pages[gfn], HYPER_PAGE_SIZE);
	else
		memset(page, 0, HYPER_PAGE_SIZE);
	return 0;
}

void shadow_memory_changes(struct shadow_memory *memory, uint64_t gfn, int is_there)
{
	(void)memory;
	(void)gfn;
	(void)is_there;
}

int domctl_pause(uint16_t domain)
{
	(void)domain;
	return 0;
}

int domctl_unpause(uint16_t domain)
{
	(void)domain;
	return 0;
}

uint64_t domctl_bytes(uint16_t domain)
{
	(void)domain;
	return (uint64_t)PAGES * HYPER_PAGE_SIZE;
}

/* --- the pair --- */

static uint64_t draw(void *data)
{
	static uint64_t last = 1000;

	(void)data;
	return ++last;
}

/* The VM's xenstore is a number that counts its steps; it is told when it has changed, as its host would. */
static struct estate_source estate_source;
static struct estate_heir estate_heir;
static struct {
	unsigned int now, taken, told, kept, attached;
	bool is_due, was_paused;
} estate;

static void estate_renew(struct estate_source *source)
{
	estate.is_due = true;
}

static int estate_take(struct estate_source *source)
{
	estate.is_due |= estate.taken != estate.now;
	estate.taken = estate.now;
	return 0;
}

static void estate_tell(struct estate_source *source, enum wire_state_kind kind, const void **bytes,
                        uint32_t *size)
{
	*size = kind == WIRE_STATE_STORE && estate.is_due ? sizeof(estate.told) : 0;
	estate.told = estate.taken;
	*bytes = &estate.told;
}

static int estate_keep(struct estate_heir *heir, enum wire_state_kind kind, const void *bytes,
                       uint32_t size)
{
	assert_int_equal(kind, WIRE_STATE_STORE);
	assert_int_equal(size, sizeof(estate.kept));
	memcpy(&estate.kept, bytes, size);
	return 0;
}

static int estate_attach(struct estate_heir *heir)
{
	estate.attached = estate.kept;
	estate.was_paused = shadow->is_paused;
	return 0;
}

static const struct estate_source_ops source_ops = { estate_renew, estate_take, estate_tell };
static const struct estate_heir_ops heir_ops = { estate_keep, estate_attach };

static void guest_step(struct pair *pair)
{
	struct fake_domain *guest = fake_domain(&pair->a.fake, DOMAIN);
	unsigned int gfn = pair->steps * 37 % PAGES;

	estate.now = ++pair->steps;
	memcpy(guest->state, &pair->steps, sizeof(pair->steps));
	if (pair->steps % 50 == 0)
		fake_balloon(guest, gfn);
	else
		fake_write(guest, gfn, (uint8_t)pair->steps);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct pair *pair = timer->data;

	(void)loop;
	(void)events;
	for (int i = 0; pair->is_running && i < 5; i++)
		guest_step(pair);
}

#define UNTIL(condition) UNTIL_IN(pair->loop, condition)

static void open_host(struct host *host, bool is_standby)
{
	const char *failed;
	int file;

	fake_open(&host->fake, &host->hyper);
	strcpy(host->image, "/tmp/remus-test-XXXXXX");
	file = mkstemp(host->image);
	assert_int_equal(ftruncate(file, DISK_SECTORS * WIRE_SECTOR), 0);
	if (!is_standby)
		assert_int_equal(pwrite(file, "the disk", 8, 700 * WIRE_SECTOR), 8);
	else
		assert_int_equal(pwrite(file, "stale", 5, 10 * WIRE_SECTOR), 5);
	close(file);
	assert_int_equal(images_add(&host->disks, host->image, 51712), 0);
	assert_int_equal(images_open(&host->disks, is_standby, &failed), 0);
}

static void close_host(struct host *host)
{
	images_close(&host->disks);
	unlink(host->image);
	fake_close(&host->fake, &host->hyper);
}

static struct contact_settings contact_of(enum wire_role role)
{
	bool is_primary = role == WIRE_PRIMARY;

	return (struct contact_settings){
		.ops = &tls_transport,
		.transport = { .ca = certificates_path("ca.pem"),
		               .certificate = certificates_path(is_primary ? "a.pem" : "b.pem"),
		               .key = certificates_path(is_primary ? "a.key" : "b.key"),
		               .peer = is_primary ? "b" : "a",
		               .queue_max = 4u << 20,
		               .open_timeout = 10.,
		               .silence_ms = 10000 },
		.channel = { .keepalive = 0.1, .silence = 10. },
		.who = is_primary ? "primary" : "standby",
		.address = "127.0.0.1",
		.is_listening = !is_primary,
		.retry = 0.05,
	};
}

static void fill_hello(struct wire_hello *hello, enum wire_role role, const struct images *disks)
{
	hello_init(hello);
	hello->role = role;
	hello->memory_pages = role == WIRE_PRIMARY ? FAKE_GFNS : 0;
	hello->staged_max = role == WIRE_STANDBY ? 16u << 20 : 0;
	hello->generation = 1;
	hello->vm[0] = 1;
	strcpy(hello->name, "web");
	images_tell(disks, hello);
}

/* The state is there, and the domain does not run yet. */
static void start(struct pair *pair)
{
	struct contact_settings contact = contact_of(WIRE_STANDBY);
	char why[TRANSPORT_WHY_MAX];

	assert_int_equal(domain_sink_open(&pair->sink, &pair->b.hyper, &pair->b.disks, DOMAIN), 0);
	assert_int_equal(standby_worker_open(&pair->standby, pair->loop, &pair->sink.sink,
	                                     &pair->standby_settings, &contact, NULL, why),
	                 0);
	contact = contact_of(WIRE_PRIMARY);
	contact.port = contact_port(pair->standby.contact);
	assert_int_equal(domain_vm_open(&pair->vm, &pair->a.hyper, &pair->a.disks, DOMAIN, false,
	                                false, 1024),
	                 0);
	domain_vm_keep(&pair->vm, ENCODE_JOBS(pair->primary_settings.encode_threads));
	pair->vm.estate = &estate_source;
	pair->sink.heir = &estate_heir;
	pair->primary_settings.last = pair->vm.epoch - 1;
	assert_int_equal(primary_worker_open(&pair->primary, pair->loop, &pair->vm.vm,
	                                     &pair->primary_settings, &contact, NULL, false, why),
	                 0);
}

static int set_up_with(void **state, unsigned int threads)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	pair->loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&pair->tick, on_tick, 0.002, 0.002);
	pair->tick.data = pair;
	ev_timer_start(pair->loop, &pair->tick);
	open_host(&pair->a, false);
	open_host(&pair->b, true);
	for (unsigned int gfn = 0; gfn < PAGES; gfn++)
		fake_write(fake_domain(&pair->a.fake, DOMAIN), gfn, (uint8_t)gfn);
	/* The shadow was made with other memory, more of it. */
	shadow = fake_domain(&pair->b.fake, DOMAIN);
	for (unsigned int gfn = 0; gfn < FAKE_GFNS; gfn++)
		fake_write(shadow, gfn, 0x77);
	shadow->is_paused = true;
	memset(&estate, 0, sizeof(estate));
	estate_source.ops = &source_ops;
	estate_heir.ops = &heir_ops;
	pair->is_running = true;
	pair->primary_settings = (struct primary_settings){
		.who = "primary",
		.pace = { .longest = 20000000, .shortest = 1000000, .in_flight = 3 },
		.kept_bytes = 4u << 20,
		.small_pages = 100,
		.encode_threads = threads,
		.draw = draw,
	};
	fill_hello(&pair->primary_settings.hello, WIRE_PRIMARY, &pair->a.disks);
	pair->standby_settings = (struct standby_settings){ .who = "standby" };
	fill_hello(&pair->standby_settings.hello, WIRE_STANDBY, &pair->b.disks);
	start(pair);
	*state = pair;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, 0);
}

/* Each batch goes through them. */
static int set_up_threads(void **state)
{
	return set_up_with(state, 3);
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	if (pair->primary.primary)
		primary_worker_close(&pair->primary);
	standby_worker_close(&pair->standby);
	domain_vm_close(&pair->vm);
	domain_sink_close(&pair->sink);
	close_host(&pair->a);
	close_host(&pair->b);
	ev_loop_destroy(pair->loop);
	free(pair);
	return 0;
}

static const struct primary_states *primary_of(const struct pair *pair)
{
	return primary_states_of(pair->primary.primary);
}

/* The guest stands still; what it is then has been acknowledged. */
static void settle(struct pair *pair)
{
	uint64_t epoch;

	UNTIL(primary_of(pair)->machine.current == PRIMARY_RUNNING);
	pair->is_running = false;
	epoch = primary_of(pair)->cut;
	UNTIL(primary_of(pair)->acked > epoch);
}

static void assert_same_memory(struct pair *pair)
{
	const struct fake_domain *guest = fake_domain(&pair->a.fake, DOMAIN);

	for (unsigned int gfn = 0; gfn < FAKE_GFNS; gfn++) {
		assert_int_equal(fake_read(shadow, gfn), fake_read(guest, gfn));
		if (guest->pages[gfn])
			assert_memory_equal(shadow->pages[gfn], guest->pages[gfn], HYPER_PAGE_SIZE);
	}
	assert_memory_equal(shadow->state, guest->state, FAKE_STATE);
}

static void assert_same_disk(struct pair *pair)
{
	int a = open(pair->a.image, O_RDONLY), b = open(pair->b.image, O_RDONLY);
	uint8_t here[WIRE_SECTOR], there[WIRE_SECTOR];

	for (unsigned int i = 0; i < DISK_SECTORS; i++) {
		assert_int_equal(read(a, here, WIRE_SECTOR), WIRE_SECTOR);
		assert_int_equal(read(b, there, WIRE_SECTOR), WIRE_SECTOR);
		assert_memory_equal(here, there, WIRE_SECTOR);
	}
	close(a);
	close(b);
}

static void a_shadow_becomes_the_vm(void **state)
{
	struct pair *pair = *state;

	UNTIL(pair->steps > 400);
	settle(pair);
	primary_worker_close(&pair->primary);
	assert_int_equal(standby_worker_activate(&pair->standby, 0), 0);
	assert_same_memory(pair);
	assert_same_disk(pair);
	/* It inherited what the VM had at the end, before it ran. */
	assert_true(estate.now > 10);
	assert_int_equal(estate.attached, estate.now);
	assert_true(estate.was_paused);
	assert_false(shadow->is_paused);
	assert_true(shadow->state[0] || shadow->state[1]);
}

/* Any call of either hypervisor may fail once: it begins anew, and arrives. */
static void a_failing_hypervisor_is_survived(void **state)
{
	struct pair *pair = *state;

	for (int round = 0; round < 6; round++) {
		struct host *host = round % 2 ? &pair->b : &pair->a;

		pair->is_running = true;
		host->fake.fail = -ENOMEM;
		host->fake.fail_at = host->fake.calls + 5 + round * 3;
		UNTIL(host->fake.calls > host->fake.fail_at);
		settle(pair);
	}
	primary_worker_close(&pair->primary);
	assert_int_equal(standby_worker_activate(&pair->standby, 0), 0);
	assert_same_memory(pair);
	assert_same_disk(pair);
}

/* What threads have of an epoch then is dropped, and its pages are freed under nobody's eyes. */
static void a_link_is_lost_in_the_midst(void **state)
{
	struct pair *pair = *state;

	for (int round = 0; round < 12; round++) {
		UNTIL(contact_is_up(pair->primary.contact) &&
		      standby_has_peer(pair->standby.standby));
		for (int i = 0; i < round * 3; i++)
			ev_run(pair->loop, EVRUN_ONCE);
		standby_lost(pair->standby.standby, "cut by the test");
		UNTIL(!contact_is_up(pair->primary.contact));
	}
	settle(pair);
	primary_worker_close(&pair->primary);
	assert_int_equal(standby_worker_activate(&pair->standby, 0), 0);
	assert_same_memory(pair);
	assert_same_disk(pair);
}

static void log_of_a_killed_worker_is_given_up(void **state)
{
	struct pair *pair = *state;

	fake_domain(&pair->a.fake, DOMAIN)->is_attached = true;
	settle(pair);
	primary_worker_close(&pair->primary);
	assert_int_equal(standby_worker_activate(&pair->standby, 0), 0);
	assert_same_memory(pair);
}

static void nothing_whole_does_not_run(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(standby_worker_activate(&pair->standby, 0), -ENODATA);
	assert_true(shadow->is_paused);
	settle(pair);
}

/* An epoch that may last for 16 s ends when what the hypervisor tells of it is over the budget. */
static void a_budget_ends_an_epoch(void **state)
{
	const struct pace_limits careful = {
		.longest = 16000000000, .shortest = 1000000, .dirty_pages = 64, .in_flight = 3
	};
	struct pair *pair = *state;
	ev_tstamp began;
	uint64_t epoch;

	settle(pair);
	primary_set(pair->primary.primary, &careful, 4u << 20);
	UNTIL(primary_of(pair)->acked == primary_of(pair)->cut);
	epoch = primary_of(pair)->cut;
	began = ev_time();
	for (unsigned int gfn = 0; gfn < 64; gfn++)
		fake_write(fake_domain(&pair->a.fake, DOMAIN), gfn, 0x42);
	UNTIL(primary_of(pair)->cut > epoch);
	assert_true(ev_time() - began < 14.);
}

/* --- a first copy of a disk beside writes that the kernel has not done yet --- */

static void note_write(struct record_log *log, uint64_t sector, uint64_t sectors, int fill)
{
	struct door_write write = { .disk = 51712, .sector = sector, .sectors = sectors };
	size_t bytes = fill < 0 ? 0 : (size_t)sectors * WIRE_SECTOR;
	uint8_t *to = record_log_reserve(log, fill < 0 ? NOTE_DISCARD : NOTE_WRITE, 3,
	                                 sizeof(write) + bytes);

	memcpy(to, &write, sizeof(write));
	memset(to + sizeof(write), fill < 0 ? 0 : fill, bytes);
	record_log_publish(log);
}

static uint8_t copied[DISK_SECTORS][WIRE_SECTOR];

static void apply(const struct disk_write *write)
{
	if (write->op == WIRE_DISK_ZERO)
		memset(copied[write->sector], 0, write->sectors * WIRE_SECTOR);
	else
		memcpy(copied[write->sector], write->data, write->size);
}

static void what_was_told_is_not_undone_by_an_older_block(void **state)
{
	struct pair *pair = *state;
	struct vm *vm = &pair->vm.vm;
	struct devices *devices = &pair->vm.devices;
	struct disk_write write;

	/* As if a worker had been taken: nothing of this has reached the image. */
	devices->memory = mmap(NULL, (size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES,
	                       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(record_log_open(&devices->log,
	                                 (uint8_t *)devices->memory + DOOR_LOG_OFFSET,
	                                 DOOR_LOG_BYTES, false),
	                 0);
	note_write(&devices->log, 100, 8, 'a');
	note_write(&devices->log, 510, 8, 'b'); /* over the edge of two blocks */
	note_write(&devices->log, 700, 1, -1);
	images_rewind(&pair->a.disks);
	while (vm->ops->write(vm, 3, &write) > 0)
		apply(&write);
	note_write(&devices->log, 1000, 1, 'c'); /* not told yet */
	while (vm->ops->sync(vm, &write) > 0)
		apply(&write);
	assert_int_equal(copied[100][0], 'a');
	assert_int_equal(copied[107][511], 'a');
	assert_int_equal(copied[108][0], 0);
	assert_int_equal(copied[510][0], 'b');
	assert_int_equal(copied[517][511], 'b');
	assert_int_equal(copied[700][0], 0); /* it was "the disk" */
	assert_int_equal(copied[1000][0], 0);
	devices_leave(devices);
}

#define DOMAIN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define THREADS_TEST(name)                                                                         \
	{                                                                                          \
#name " (threads)", name, set_up_threads, tear_down, NULL                          \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOMAIN_TEST(a_shadow_becomes_the_vm),
		DOMAIN_TEST(a_failing_hypervisor_is_survived),
		DOMAIN_TEST(a_link_is_lost_in_the_midst),
		DOMAIN_TEST(log_of_a_killed_worker_is_given_up),
		DOMAIN_TEST(nothing_whole_does_not_run),
		DOMAIN_TEST(a_budget_ends_an_epoch),
		DOMAIN_TEST(what_was_told_is_not_undone_by_an_older_block),
		THREADS_TEST(a_shadow_becomes_the_vm),
		THREADS_TEST(a_failing_hypervisor_is_survived),
		THREADS_TEST(a_link_is_lost_in_the_midst),
	};

	log_open("test_domain", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, certificates_of_two_hosts, certificates_remove);
}
