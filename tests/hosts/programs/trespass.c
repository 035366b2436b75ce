/* Tries, from dom0's user space, to reach memory that is not dom0's: /dev/mem and hypercalls. */
/* SPDX-License-Identifier: Apache-2.0 */

/*
 *	trespass memory START END	reads and marks all pages between, through /dev/mem
 *	trespass hypercalls FRAME	asks the hypervisor in every way to be given that frame
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define __XEN_TOOLS__             1
#define __XEN_INTERFACE_VERSION__ 0x00041100

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/sys/privcmd.h>
#include <xen/version.h>

#include "mark.h"

#define PAGE              4096UL
#define NOTHING           0xffffffffu          /* what reading where nothing is gives */
#define SPARE_FRAME       0x3f0000UL           /* a guest frame beyond dom0's memory */
#define DIRECT_MAP        0xffff800000000000UL /* the hypervisor's own, where it has all memory */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static sigjmp_buf refused;

static void on_fault(int signal_number)
{
	(void)signal_number;
	siglongjmp(refused, 1);
}

struct tally {
	unsigned mapped, readable, faults;
};

static void try_page(int fd, uint64_t address, struct tally *tally)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd,
	                  (off_t)address);

	if (page == MAP_FAILED)
		return;
	tally->mapped++;
	for (uintptr_t at = 0; at < PAGE; at += MARK_STEP) {
		tally->readable += mark_read((uintptr_t)page + at) != NOTHING;
		mark_write((uintptr_t)page + at, mark_of(address + at));
	}
	/* Neither what is not a plain move, nor a jump there. */
	if (!sigsetjmp(refused, 1))
		__atomic_fetch_add((uint32_t *)page, 1, __ATOMIC_SEQ_CST);
	else
		tally->faults++;
	if (!sigsetjmp(refused, 1))
		((void (*)(void))page)();
	else
		tally->faults++;
	munmap(page, PAGE);
}

static int try_memory(uint64_t start, uint64_t end)
{
	struct tally tally = { 0 };
	int fd = open("/dev/mem", O_RDWR | O_SYNC);

	if (fd < 0) {
		perror("/dev/mem");
		return 2;
	}
	for (uint64_t address = start; address < end; address += PAGE)
		try_page(fd, address, &tally);
	printf("mapped %u readable %u faults %u\n", tally.mapped, tally.readable, tally.faults);
	return 0;
}

/* Each way below answers 0 if it was let in, or -errno. */

static long hypercall(int fd, unsigned long op, unsigned long first, const void *second,
                      unsigned long third)
{
	struct privcmd_hypercall call = { .op = op, .arg = { first, (uintptr_t)second, third } };
	int result = ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call);

	return result < 0 ? -errno : 0;
}

static long map_batch(int fd, uint64_t frame, domid_t domid, unsigned space)
{
	int error = 0;
	xen_ulong_t index = frame;
	xen_pfn_t at = SPARE_FRAME;
	struct xen_add_to_physmap_batch batch = {
		.domid = DOMID_SELF, .space = (uint16_t)space, .size = 1, .u.foreign_domid = domid
	};
	long result;

	set_xen_guest_handle(batch.idxs, &index);
	set_xen_guest_handle(batch.gpfns, &at);
	set_xen_guest_handle(batch.errs, &error);
	result = hypercall(fd, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &batch, 0);
	return result ? result : error;
}

static long map_one(int fd, uint64_t frame, domid_t domid, unsigned space)
{
	struct xen_add_to_physmap add = {
		.domid = domid, .space = space, .idx = frame, .gpfn = SPARE_FRAME
	};

	return hypercall(fd, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add, 0);
}

/* The way of libxenforeignmemory: the kernel asks on our behalf, and would map it here. */
static long map_by_kernel(int fd, uint64_t frame, domid_t domid, unsigned unused)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	xen_pfn_t pfn = frame;
	int error = 0;
	struct privcmd_mmapbatch_v2 batch = {
		.num = 1, .dom = domid, .addr = (uintptr_t)at, .arr = &pfn, .err = &error
	};
	long result = ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) < 0 ? -errno : error;

	(void)unused;
	munmap(at, PAGE);
	return result;
}

/* As for a device's memory. */
static long map_device(int fd, uint64_t frame, domid_t domid, unsigned unused)
{
	struct xen_domctl request = {
		.cmd = XEN_DOMCTL_memory_mapping,
		.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
		.domain = domid,
		.u.memory_mapping = { .first_gfn = SPARE_FRAME,
		                      .first_mfn = frame,
		                      .nr_mfns = 1,
		                      .add_mapping = DPCI_ADD_MAPPING },
	};

	(void)unused;
	return hypercall(fd, __HYPERVISOR_domctl, (uintptr_t)&request, NULL, 0);
}

/* The hypervisor is told to write where it itself has the frame. */
static long write_by_pointer(int fd, uint64_t frame, domid_t domid, unsigned unused)
{
	(void)domid;
	(void)unused;
	return hypercall(fd, __HYPERVISOR_xen_version, XENVER_extraversion,
	                 (void *)(DIRECT_MAP + frame * PAGE), 0);
}

static const struct way {
	const char *name;
	long (*attempt)(int fd, uint64_t frame, domid_t domid, unsigned space);
} ways[] = {
	{ "add_to_physmap_batch", map_batch }, { "add_to_physmap", map_one },
	{ "mmapbatch", map_by_kernel },        { "memory_mapping", map_device },
	{ "pointer", write_by_pointer },
};

static int try_hypercalls(uint64_t frame)
{
	static const domid_t domains[] = { 0,         1,          2,
		                           0x7fef,    DOMID_SELF, DOMID_IO,
		                           DOMID_XEN, DOMID_COW,  DOMID_INVALID,
		                           DOMID_IDLE };
	static const unsigned spaces[] = { XENMAPSPACE_gmfn, XENMAPSPACE_gmfn_range,
		                           XENMAPSPACE_gmfn_foreign, XENMAPSPACE_dev_mmio, 99 };
	int fd = open("/dev/xen/privcmd", O_RDWR);
	unsigned tries = 0, let_in = 0;

	if (fd < 0) {
		perror("/dev/xen/privcmd");
		return 2;
	}
	for (unsigned w = 0; w < ARRAY_SIZE(ways); w++)
		for (unsigned d = 0; d < ARRAY_SIZE(domains); d++)
			for (unsigned s = 0; s < ARRAY_SIZE(spaces); s++) {
				tries++;
				if (ways[w].attempt(fd, frame, domains[d], spaces[s]))
					continue;
				let_in++;
				printf("let in: %s, domain %u, space %u\n", ways[w].name,
				       domains[d], spaces[s]);
			}
	printf("tries %u let in %u\n", tries, let_in);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_fault };

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	if (argc == 4 && !strcmp(argv[1], "memory"))
		return try_memory(strtoul(argv[2], NULL, 0), strtoul(argv[3], NULL, 0));
	if (argc == 3 && !strcmp(argv[1], "hypercalls"))
		return try_hypercalls(strtoul(argv[2], NULL, 0));
	fprintf(stderr, "usage: trespass memory START END | hypercalls FRAME\n");
	return 2;
}
