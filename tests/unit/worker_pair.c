/* Both workers of a simulated VM in one loop, over real TLS. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replication/transport/tls.h"
#include "tests/unit/certificates.h"
#include "tests/unit/worker_pair.h"

/* --- what the simulation asks of its test --- */

struct sim_world world;
static struct pair *current;

/* I1: what leaves was sent before the end of an epoch that the standby has whole. */
void world_packet(uint64_t number, bool is_held)
{
	const struct sim_snapshot *snapshot;

	SIM_CHECK(!world.is_quiet, "a packet of a VM that runs elsewhere");
	SIM_CHECK(number == world.arrived, "packets are lost, doubled or out of order");
	world.arrived++;
	if (!is_held || !world.standby)
		return;
	snapshot = guest_snapshot(&current->guest, standby_states_of(world.standby)->whole);
	SIM_CHECK(snapshot && number < snapshot->state.sent,
	          "a packet before its epoch was acknowledged");
}

static uint64_t seed = 1;

void sim_seed(uint64_t value)
{
	seed = value;
}

uint64_t sim_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

bool sim_once_in(uint32_t times)
{
	return sim_random() % times == 0;
}

void sim_fail(const char *what, const char *file, int line)
{
	printf("%s:%d: %s\n", file, line, what);
	abort();
}

static uint64_t draw(void *data)
{
	(void)data;
	return sim_random() | 1;
}

/* --- the pair --- */

static void fill_hello(struct wire_hello *hello, enum wire_role role)
{
	hello_init(hello);
	hello->role = role;
	hello->memory_pages = role == WIRE_PRIMARY ? SIM_PAGES : 0;
	hello->staged_max = role == WIRE_STANDBY ? 1u << 20 : 0;
	hello->generation = 1;
	hello->vm[0] = 1;
	strcpy(hello->name, "web");
	strcpy(hello->host, role == WIRE_PRIMARY ? "a" : "b");
	hello->disks = 1;
	hello->disk_sectors[0] = SIM_SECTORS;
}

static struct contact_settings contact_of(const struct pair *pair, enum wire_role role)
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
		.who = is_primary ? "primary web" : "standby web",
		.address = "127.0.0.1",
		.port = pair->port,
		.is_listening = !is_primary,
		.retry = 0.05,
	};
}

void start_standby(struct pair *pair)
{
	struct contact_settings contact = contact_of(pair, WIRE_STANDBY);
	char why[TRANSPORT_WHY_MAX] = "";

	assert_int_equal(standby_worker_open(&pair->standby, pair->loop, &pair->shadow.sink,
	                                     &pair->standby_settings, &contact,
	                                     certificates_path("standby.control"), why),
	                 0);
	pair->port = contact_port(pair->standby.contact);
	world.standby = pair->standby.standby;
}

void start_primary(struct pair *pair)
{
	struct contact_settings contact = contact_of(pair, WIRE_PRIMARY);
	char why[TRANSPORT_WHY_MAX] = "";

	pair->primary_settings.last = pair->guest.open - 1;
	pair->primary_settings.is_held = pair->guest.is_holding;
	assert_int_equal(primary_worker_open(&pair->primary, pair->loop, &pair->guest.vm,
	                                     &pair->primary_settings, &contact,
	                                     certificates_path("primary.control"),
	                                     pair->is_arbitrated, why),
	                 0);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct pair *pair = timer->data;

	(void)loop;
	(void)events;
	for (int i = 0; pair->is_running && i < 3; i++)
		guest_step(&pair->guest);
}

static int set_up_with(void **state, unsigned int threads)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	pair->loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&pair->tick, on_tick, 0.002, 0.002);
	pair->tick.data = pair;
	ev_timer_start(pair->loop, &pair->tick);
	pair->is_running = true;
	world = (struct sim_world){ 0 };
	current = pair;
	guest_init(&pair->guest);
	shadow_init(&pair->shadow);
	pair->primary_settings = (struct primary_settings){
		.who = "primary web",
		.pace = { .longest = 20000000, .shortest = 1000000, .in_flight = 3 },
		.kept_bytes = 1u << 20,
		.small_pages = SIM_PAGES,
		.encode_threads = threads,
		.draw = draw,
	};
	fill_hello(&pair->primary_settings.hello, WIRE_PRIMARY);
	pair->standby_settings = (struct standby_settings){ .who = "standby web" };
	fill_hello(&pair->standby_settings.hello, WIRE_STANDBY);
	start_standby(pair);
	start_primary(pair);
	*state = pair;
	return 0;
}

int set_up(void **state)
{
	return set_up_with(state, 0);
}

int set_up_threads(void **state)
{
	return set_up_with(state, 3);
}

int tear_down(void **state)
{
	struct pair *pair = *state;

	if (pair->primary.primary)
		primary_worker_close(&pair->primary);
	if (pair->standby.standby)
		standby_worker_close(&pair->standby);
	ev_loop_destroy(pair->loop);
	free(pair);
	return 0;
}

enum primary_state primary_is(const struct pair *pair)
{
	return primary_states_of(pair->primary.primary)->machine.current;
}

static enum standby_state standby_is(const struct pair *pair)
{
	return standby_states_of(pair->standby.standby)->machine.current;
}

uint64_t acked(const struct pair *pair)
{
	return primary_states_of(pair->primary.primary)->acked;
}

void wait_in_sync(struct pair *pair)
{
	uint64_t sent;

	UNTIL(primary_is(pair) == PRIMARY_RUNNING && standby_is(pair) == STANDBY_READY);
	sent = pair->guest.state.sent;
	UNTIL(world.arrived > sent);
}
