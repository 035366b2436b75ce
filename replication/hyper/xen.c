/* Hypercalls by libxencall, which keeps what it allocates in memory. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/hyper/hyper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xencall.h>

static int make_call(void *world, struct checkpoint_op *op)
{
	int result = xencall1(world, HYPERCALL_CHECKPOINT_OP, (uint64_t)(uintptr_t)op);

	return result < 0 ? -errno : result;
}

/* Zeroed: the pages are there before the hypervisor looks at them. */
static void *alloc(void *world, size_t bytes)
{
	void *memory = xencall_alloc_buffer(world, bytes);

	return memory ? memset(memory, 0, bytes) : NULL;
}

static void release(void *world, void *memory, size_t bytes)
{
	(void)bytes;
	xencall_free_buffer(world, memory);
}

static void close_calls(void *world)
{
	xencall_close(world);
}

static const struct hyper_calls calls = { make_call, alloc, release, close_calls };

int hyper_open(struct hyper *hyper)
{
	xencall_handle *handle = xencall_open(NULL, 0);

	*hyper = (struct hyper){ 0 };
	return handle ? hyper_open_with(hyper, &calls, handle) : -errno;
}
