/* The checkpoint hypercall belongs to dom0: whatever a guest asks of it, the answer is one and the same. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/checkpoint.h"
#include "lib/guest.h"

const char test_name[] = "checkpoint";

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));

static uint64_t random_state = 0x2545f4914f6cdd1du;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void ask(const void *op)
{
	long result = hypercall(HYPERCALL_CHECKPOINT_OP, (uint64_t)op, random_word(), 0, 0, 0);

	if (result != -X_EPERM)
		failed("checkpoint_op: %ld", result);
}

static void well_formed(void)
{
	const domid_t targets[] = { 0, own_id(), (domid_t)(own_id() + 1), DOMID_SELF };

	for (uint32_t operation = 0; operation < 16; operation++)
		for (unsigned i = 0; i < COUNT(targets); i++) {
			struct checkpoint_op op = {
				.version = CHECKPOINT_VERSION,
				.operation = operation,
				.domain = targets[i],
			};

			op.u.fetch.count = 1;
			op.u.fetch.pages = op.u.fetch.contents = (uint64_t)page;
			ask(&op);
		}
}

static void junk(void)
{
	for (unsigned round = 0; round < 1000; round++) {
		struct checkpoint_op op;

		for (unsigned i = 0; i < sizeof(op) / 8; i++)
			((uint64_t *)&op)[i] = random_word();
		ask(&op);
		ask((void *)random_word());
	}
	ask(NULL);
}

void test_main(void)
{
	well_formed();
	junk();
}
