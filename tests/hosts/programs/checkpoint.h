/* The checkpoint hypercall from dom0, for tests: bare, so that anything can be asked of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_HOSTS_PROGRAMS_CHECKPOINT_H
#define TESTS_HOSTS_PROGRAMS_CHECKPOINT_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>

#include "abi/checkpoint.h"
#include "abi/checkpoint_state.h"

#define PAGE 4096ul

struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};
#define PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* Memory that hypercalls can reach at any time; never freed. */
static inline void *shared_memory(size_t size)
{
	static int device = -1;
	void *at;

	if (device < 0)
		device = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	if (at == MAP_FAILED)
		die("/dev/xen/hypercall");
	return at;
}

static inline long hypercall_checkpoint(const void *op)
{
	static int device = -1;
	struct privcmd_hypercall call = { HYPERCALL_CHECKPOINT_OP, { (uint64_t)(uintptr_t)op } };

	if (device < 0)
		device = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (device < 0)
		die("/dev/xen/privcmd");
	return ioctl(device, PRIVCMD_HYPERCALL, &call) < 0 ? -errno : 0;
}

/* What the calls below share: one operation at a time. */
static struct checkpoint_op *op;
static struct checkpoint_page *pages;
static uint8_t *contents, *state;

static inline void checkpoint_open(void)
{
	op = shared_memory(PAGE);
	pages = shared_memory(CHECKPOINT_PAGES_MAX * sizeof(*pages));
	contents = shared_memory(CHECKPOINT_PAGES_MAX * PAGE);
	state = shared_memory(1 << 20);
}

static inline struct checkpoint_op *prepare(uint16_t domain, uint32_t operation)
{
	memset(op, 0, sizeof(*op));
	op->version = CHECKPOINT_VERSION;
	op->operation = operation;
	op->domain = domain;
	return op;
}

static inline long attach(uint16_t domain, uint32_t twins, uint32_t flags)
{
	prepare(domain, CHECKPOINT_ATTACH);
	op->u.attach.twins = twins;
	op->u.attach.flags = flags;
	return hypercall_checkpoint(op);
}

static inline long detach(uint16_t domain)
{
	return hypercall_checkpoint(prepare(domain, CHECKPOINT_DETACH));
}

static inline long cut(uint16_t domain, struct checkpoint_cut *result)
{
	long err = hypercall_checkpoint(prepare(domain, CHECKPOINT_CUT));

	*result = op->u.cut;
	return err;
}

/* At most so many pages, to pages and contents; count says how many there were. */
static inline long fetch(uint16_t domain, uint32_t room, uint32_t *count)
{
	long err;

	prepare(domain, CHECKPOINT_FETCH);
	op->u.fetch.count = room;
	op->u.fetch.pages = (uint64_t)(uintptr_t)pages;
	op->u.fetch.contents = (uint64_t)(uintptr_t)contents;
	err = hypercall_checkpoint(op);
	*count = err ? 0 : op->u.fetch.count;
	return err;
}

static inline long apply(uint16_t domain, uint32_t count)
{
	for (uint32_t done = 0; done < count; done += op->u.apply.count) {
		long err;

		prepare(domain, CHECKPOINT_APPLY);
		op->u.apply.count = count - done;
		op->u.apply.pages = (uint64_t)(uintptr_t)(pages + done);
		op->u.apply.contents = (uint64_t)(uintptr_t)(contents + done * PAGE);
		err = hypercall_checkpoint(op);
		if (err)
			return err;
	}
	return 0;
}

/* All that is left of the ended epoch goes to the other domain. */
static inline long mirror(uint16_t from, uint16_t to, uint32_t *count)
{
	uint32_t some;

	*count = 0;
	for (;;) {
		long err = fetch(from, CHECKPOINT_PAGES_MAX, &some);

		if (err || !some)
			return err;
		*count += some;
		err = apply(to, some);
		if (err)
			return err;
	}
}

/* The state at the last cut, to state. */
static inline long get_state(uint16_t domain, uint32_t *size)
{
	long err;

	prepare(domain, CHECKPOINT_STATE);
	op->u.state.size = 1 << 20;
	op->u.state.buffer = (uint64_t)(uintptr_t)state;
	err = hypercall_checkpoint(op);
	*size = op->u.state.size;
	return err;
}

static inline long load(uint16_t domain, const void *buffer, uint32_t size)
{
	prepare(domain, CHECKPOINT_LOAD);
	op->u.load.size = size;
	op->u.load.buffer = (uint64_t)(uintptr_t)buffer;
	return hypercall_checkpoint(op);
}

static inline long activate(uint16_t domain)
{
	return hypercall_checkpoint(prepare(domain, CHECKPOINT_ACTIVATE));
}

static inline long hash(uint16_t domain, struct checkpoint_hash *sum)
{
	long err = 0;

	prepare(domain, CHECKPOINT_HASH);
	while (!err && op->u.hash.gfn != CHECKPOINT_HASH_DONE)
		err = hypercall_checkpoint(op);
	*sum = op->u.hash;
	return err;
}

static inline int same(const struct checkpoint_hash *a, const struct checkpoint_hash *b)
{
	return a->hash == b->hash && a->pages == b->pages;
}

/* A paused domain like another, without memory. Nobody else holds anything of it. */
static inline uint16_t make_shadow(xc_interface *xc, uint16_t of)
{
	struct xen_domctl_createdomain config = {
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
		.max_evtchn_port = 1023,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = 1,
		.arch.emulation_flags = XEN_X86_EMU_LAPIC,
	};
	xc_domaininfo_t info;
	uint32_t domid = 0;

	if (xc_domain_getinfolist(xc, of, 1, &info) != 1 || info.domain != of)
		die("no such domain");
	config.max_vcpus = info.max_vcpu_id + 1;
	if (xc_domain_create(xc, &domid, &config) ||
	    xc_domain_max_vcpus(xc, domid, config.max_vcpus) ||
	    xc_domain_setmaxmem(xc, domid, info.max_pages * 4))
		die("create the shadow");
	return (uint16_t)domid;
}

#endif
