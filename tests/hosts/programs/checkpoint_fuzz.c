/* Throws junk at each operation of the checkpoint hypercall, and broken records at its load. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint_fuzz DOMID ROUNDS SEED: DOMID runs and is captured; a shadow of it takes what is thrown. Lines
 * of what the answers were; "fuzz: FAILED ..." for each surprise. Exit status 0: there was none.
 */
#include "checkpoint.h"

#define ERRORS_MAX 150

static uint64_t random_state;
static uint16_t victim, shadow;
static unsigned failures;
static unsigned answers[16][ERRORS_MAX];

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static unsigned below(unsigned limit)
{
	return (unsigned)(random_word() >> 20) % limit;
}

static void failed(const char *what, long a, long b)
{
	printf("fuzz: FAILED %s: %ld %ld\n", what, a, b);
	failures++;
}

static uint64_t junk_word(void)
{
	const uint64_t places[] = { (uint64_t)(uintptr_t)pages, (uint64_t)(uintptr_t)contents,
		                    (uint64_t)(uintptr_t)state,
		                    (uint64_t)(uintptr_t)contents + CHECKPOINT_PAGES_MAX * PAGE -
		                            8 };

	switch (below(7)) {
	case 0:
		return 0;
	case 1:
		return below(300);
	case 2:
		return 1ull << below(64);
	case 3:
		return ~0ull - below(5000);
	case 4:
		return random_word();
	case 5:
		return below(300) | (uint64_t)below(300) << 32;
	default:
		return places[below(4)];
	}
}

/* The shadow is not to run: it would not be there for the rest. */
static void junk_operation(void)
{
	const uint16_t domains[] = { victim, shadow, shadow, 0, (uint16_t)random_word() };
	uint32_t operation = below(13);
	uint64_t *words = (uint64_t *)&op->u;
	long err;

	prepare(domains[below(5)], operation);
	for (unsigned i = 0; i < sizeof(op->u) / sizeof(*words); i++)
		words[i] = junk_word();
	if (!below(20))
		op->version = (uint32_t)random_word();
	if (!below(20))
		op->reserved[below(3)] = (uint16_t)junk_word();
	if (operation == CHECKPOINT_ACTIVATE)
		op->u.activate.deadline = 1;
	for (unsigned i = 0; i < CHECKPOINT_PAGES_MAX; i++)
		pages[i] = (struct checkpoint_page){ junk_word(), below(4) ? below(2) : below(9),
			                             below(8) ? 0 : below(2) };
	err = hypercall_checkpoint(op);
	if (-err >= ERRORS_MAX || err > 0)
		failed("an answer that is none", operation, err);
	else
		answers[operation][-err]++;
}

struct chain {
	unsigned count;
	struct checkpoint_record *records[4096];
	uint32_t size;
};

static void walk(struct chain *chain, uint8_t *buffer, uint32_t size)
{
	chain->count = 0;
	chain->size = size;
	for (uint32_t at = 0;
	     at + sizeof(struct checkpoint_record) <= size && chain->count < 4096;) {
		struct checkpoint_record *record = (void *)(buffer + at);

		chain->records[chain->count++] = record;
		at += sizeof(*record) + record->length;
	}
}

/* Its own time goes on while it stands. */
static void mask(uint8_t *buffer, uint32_t size)
{
	static struct chain chain;

	walk(&chain, buffer, size);
	for (unsigned i = 0; i < chain.count; i++) {
		void *content = chain.records[i] + 1;
		struct state_header *header = content;
		struct state_vcpu *vcpu = content;
		struct state_lapic *lapic = content;

		if (chain.records[i]->type == STATE_HEADER)
			header->time = header->tsc = 0;
		if (chain.records[i]->type == STATE_VCPU)
			memset(vcpu->runstate_times, 0, sizeof(vcpu->runstate_times));
		if (chain.records[i]->type == STATE_LAPIC)
			lapic->counted = 0;
	}
}

/* All that the shadow is. */
static uint32_t look(uint8_t *copy, struct checkpoint_hash *sum)
{
	struct checkpoint_cut result;
	uint32_t size, left;
	long err = attach(shadow, 0, 0);

	for (left = 1; !err && left;) {
		err = fetch(shadow, 32, &size);
		left = op->u.fetch.left;
	}
	if (!err)
		err = cut(shadow, &result);
	if (!err)
		err = get_state(shadow, &size);
	if (!err)
		err = hash(shadow, sum);
	if (!err)
		err = detach(shadow);
	if (err) {
		failed("look at the shadow", op->operation, err);
		exit(1);
	}
	memcpy(copy, state, size);
	mask(copy, size);
	return size;
}

static void change_bytes(struct checkpoint_record *record)
{
	uint8_t *content = (uint8_t *)(record + 1);

	if (!record->length)
		return;
	switch (below(4)) {
	case 0:
		content[below(record->length)] ^= (uint8_t)(1u << below(8));
		break;
	case 1:
		((uint64_t *)content)[below(record->length / 8)] = junk_word();
		break;
	case 2:
		((uint32_t *)content)[below(record->length / 4)] = (uint32_t)junk_word();
		break;
	default:
		for (unsigned i = 0; i < record->length; i++)
			content[i] = (uint8_t)random_word();
	}
}

/* Of a chain in buffer: what comes after a record moves. */
static uint32_t drop(struct chain *chain, unsigned i, uint8_t *buffer)
{
	struct checkpoint_record *record = chain->records[i];
	uint32_t length = (uint32_t)sizeof(*record) + record->length;
	uint8_t *after = (uint8_t *)record + length;

	memmove(record, after, chain->size - (size_t)(after - buffer));
	return chain->size - length;
}

static uint32_t twice(struct chain *chain, unsigned i, uint8_t *buffer)
{
	struct checkpoint_record *record = chain->records[i];
	uint32_t length = (uint32_t)sizeof(*record) + record->length;
	uint8_t *after = (uint8_t *)record + length;

	memmove(after + length, after, chain->size - (size_t)(after - buffer));
	memcpy(after, record, length);
	return chain->size + length;
}

static uint32_t mutate(uint8_t *buffer, uint32_t size, unsigned round)
{
	static struct chain chain;
	struct checkpoint_record *record;
	unsigned i;

	walk(&chain, buffer, size);
	i = round % chain.count;
	record = chain.records[i];
	switch (below(10)) {
	case 0:
		record->type = (uint32_t)junk_word();
		break;
	case 1:
		record->instance = (uint32_t)junk_word();
		break;
	case 2:
		record->length = below(2) ? (uint32_t)junk_word() : record->length + 8;
		break;
	case 3:
		return drop(&chain, i, buffer);
	case 4:
		return twice(&chain, i, buffer);
	case 5:
		return below(size);
	default:
		change_bytes(record);
	}
	return size;
}

/* A refused load has changed nothing; after one that was taken up the first is loaded again. */
static void load_broken(const uint8_t *good, uint32_t good_size, unsigned rounds)
{
	static uint8_t before[1 << 20], after[1 << 20];
	uint8_t *buffer = shared_memory(2 << 20);
	struct checkpoint_hash sums[2];
	unsigned refused = 0, taken = 0;

	for (unsigned round = 0; round < rounds; round++) {
		uint32_t size, sizes[2];
		long err;

		memcpy(buffer, good, good_size);
		size = mutate(buffer, good_size, round);
		sizes[0] = look(before, &sums[0]);
		err = load(shadow, buffer, size);
		if (!err) {
			taken++;
			err = load(shadow, good, good_size);
			if (err)
				failed("a good load after a strange one", round, err);
			continue;
		}
		refused++;
		if (err != -EINVAL)
			failed("a refusal with a reason of its own", round, err);
		sizes[1] = look(after, &sums[1]);
		if (sizes[0] != sizes[1] || memcmp(before, after, sizes[0]))
			failed("a refused load changed the state", round, err);
		if (!same(&sums[0], &sums[1]))
			failed("a refused load changed the memory", round, err);
	}
	printf("loads: %u refused, %u taken up\n", refused, taken);
	if (!refused || !taken)
		failed("too easy", refused, taken);
}

/* The pages that a state names. */
static uint64_t named[4096];
static unsigned named_count;

static void name_page(uint64_t gfn)
{
	if (gfn != STATE_NO_GFN && named_count < 4096)
		named[named_count++] = gfn;
}

static int is_named(uint64_t gfn)
{
	for (unsigned i = 0; i < named_count; i++)
		if (named[i] == gfn)
			return 1;
	return 0;
}

/* Timers would fire in a shadow that is being looked at: they go. */
static void prepare_chain(uint8_t *good, uint32_t size)
{
	static struct chain chain;

	named_count = 0;
	walk(&chain, good, size);
	for (unsigned i = 0; i < chain.count; i++) {
		void *content = chain.records[i] + 1;
		struct state_vcpu *vcpu = content;
		struct state_lapic *lapic = content;
		struct state_events *events = content;
		struct state_queues *queues = content;

		switch (chain.records[i]->type) {
		case STATE_VCPU:
			vcpu->singleshot = vcpu->period = vcpu->periodic = 0;
			name_page(vcpu->info_gfn);
			break;
		case STATE_LAPIC:
			lapic->initial_count = 0;
			break;
		case STATE_EVENTS:
			for (uint32_t page = 0; page < events->pages; page++)
				name_page(events->gfns[page]);
			break;
		case STATE_QUEUES:
			name_page(queues->control_gfn);
			break;
		default:
			break;
		}
	}
}

/* To the shadow go all pages or those that are named. */
static long give_pages(int all)
{
	uint32_t count, kept;
	long err;

	do {
		err = fetch(victim, CHECKPOINT_PAGES_MAX, &count);
		kept = 0;
		for (uint32_t i = 0; !err && i < count; i++) {
			if (!all && !is_named(pages[i].gfn))
				continue;
			memmove(&contents[kept * PAGE], &contents[i * PAGE], PAGE);
			pages[kept++] = pages[i];
		}
		if (!err)
			err = apply(shadow, kept);
	} while (!err && count);
	return err;
}

static uint8_t *capture(uint32_t *size, int all)
{
	uint8_t *good = shared_memory(1 << 20);
	struct checkpoint_cut result;
	long err = attach(victim, 1024, 0);

	if (!err)
		err = give_pages(all);
	if (!err)
		err = cut(victim, &result);
	if (!err)
		err = get_state(victim, size);
	memcpy(good, state, *size);
	if (!err)
		prepare_chain(good, *size);
	if (!err)
		err = give_pages(all);
	if (!err)
		err = detach(victim);
	if (err) {
		failed("capture", op->operation, err);
		exit(1);
	}
	return good;
}

/* Started with a state that was taken up but is not right: it may do what it wants. */
static void run_wild(xc_interface *xc, const uint8_t *good, uint32_t good_size, unsigned rounds)
{
	uint8_t *buffer = shared_memory(2 << 20);
	unsigned started = 0;

	for (unsigned round = 0; round < rounds; round++) {
		uint32_t size;

		memcpy(buffer, good, good_size);
		size = mutate(buffer, good_size, 2 + round % 8);
		if (round) /* at first it has not been started yet */
			xc_domain_pause(xc, shadow);
		if (!load(shadow, buffer, size))
			started++;
		if (activate(shadow))
			failed("activate", round, errno);
		usleep(20000);
	}
	printf("wild: %u starts\n", started);
}

int main(int argc, char **argv)
{
	xc_interface *xc = xc_interface_open(NULL, NULL, 0);
	uint32_t size;
	uint8_t *good;
	unsigned rounds;

	if (argc != 4 || !xc)
		return 2;
	victim = (uint16_t)atoi(argv[1]);
	rounds = (unsigned)atoi(argv[2]);
	random_state = strtoull(argv[3], NULL, 0) | 1;
	checkpoint_open();
	shadow = make_shadow(xc, victim);
	capture(&size, 0); /* which pages; then those */
	good = capture(&size, 0);
	if (load(shadow, good, size))
		failed("a good load", op->operation, size);
	load_broken(good, size, rounds);
	good = capture(&size, 1);
	run_wild(xc, good, size, rounds / 20);
	xc_domain_pause(xc, shadow);
	for (unsigned round = 0; round < rounds * 20; round++)
		junk_operation();
	detach(victim);
	xc_domain_destroy(xc, shadow);
	for (unsigned i = 0; i < 12; i++) {
		printf("operation %u:", i);
		for (unsigned e = 0; e < ERRORS_MAX; e++)
			if (answers[i][e])
				printf(" %u x %s", answers[i][e], e ? strerror((int)e) : "done");
		printf("\n");
	}
	printf("fuzz: %u failures\n", failures);
	return failures != 0;
}
