/* Tries, from dom0, to reach memory that is not dom0's: through /dev/mem and by hypercalls. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
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

#define __XEN_TOOLS__ 1
#define __XEN_INTERFACE_VERSION__ 0x00041100

#include <xen/xen.h>

#include <xen/memory.h>
#include <xen/sys/privcmd.h>

#define PAGE 4096UL

static sigjmp_buf refused;

static void on_fault(int signal_number)
{
	(void)signal_number;
	siglongjmp(refused, 1);
}

/* One page, by 8-byte moves: counts those in which anything but ones can be read, then writes it. */
static void try_page(int fd, off_t address, unsigned *mapped, unsigned *readable)
{
	volatile uint64_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, address);
	int seen = 0;

	if (page == MAP_FAILED)
		return;
	(*mapped)++;
	if (!sigsetjmp(refused, 1)) {
		for (unsigned i = 0; i < PAGE / 8; i += 64)
			seen |= page[i] != ~0UL;
		for (unsigned i = 0; i < PAGE / 8; i += 64)
			page[i] = 0x5452455350415353;
	}
	*readable += seen != 0;
	munmap((void *)page, PAGE);
}

static int try_memory(off_t start, off_t end)
{
	unsigned mapped = 0, readable = 0;
	int fd = open("/dev/mem", O_RDWR | O_SYNC);

	if (fd < 0) {
		perror("/dev/mem");
		return 2;
	}
	for (off_t address = start; address < end; address += (off_t)PAGE)
		try_page(fd, address, &mapped, &readable);
	printf("mapped %u readable %u\n", mapped, readable);
	return 0;
}

/* Through multicall, as memory_op's result does not fit an ioctl's; here errors are small: direct. */
static long memory_op(int fd, unsigned long op, void *argument)
{
	struct privcmd_hypercall call = {
		.op = __HYPERVISOR_memory_op, .arg = {op, (uintptr_t)argument}};

	return ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call) < 0 ? -errno : 0;
}

/* Maps frame `frame` of domain `domid` at a guest frame that nothing uses. 0: it was let in. */
static int map_foreign(int fd, domid_t domid, xen_ulong_t frame, xen_pfn_t at)
{
	int error = 0;
	struct xen_add_to_physmap_batch batch = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = 1,
		.u.foreign_domid = domid,
	};
	long result;

	set_xen_guest_handle(batch.idxs, &frame);
	set_xen_guest_handle(batch.gpfns, &at);
	set_xen_guest_handle(batch.errs, &error);
	result = memory_op(fd, XENMEM_add_to_physmap_batch, &batch);
	return result ? (int)result : error;
}

static int try_hypercalls(xen_ulong_t frame)
{
	static const domid_t domains[] = {0, 1, 2, 0x7fef, DOMID_SELF, DOMID_IO, DOMID_XEN,
					  DOMID_COW, DOMID_INVALID, DOMID_IDLE};
	static const unsigned spaces[] = {XENMAPSPACE_gmfn, XENMAPSPACE_gmfn_range,
					  XENMAPSPACE_gmfn_foreign, XENMAPSPACE_dev_mmio, 99};
	int fd = open("/dev/xen/privcmd", O_RDWR), let_in = 0, tries = 0;

	if (fd < 0) {
		perror("/dev/xen/privcmd");
		return 2;
	}
	for (unsigned i = 0; i < sizeof(domains) / sizeof(domains[0]); i++, tries++)
		let_in += !map_foreign(fd, domains[i], frame, 0x3f0000 + i);
	for (unsigned i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++, tries++) {
		struct xen_add_to_physmap add = {.domid = DOMID_SELF,
						 .space = spaces[i],
						 .idx = frame,
						 .gpfn = 0x3f0100 + i};

		let_in += !memory_op(fd, XENMEM_add_to_physmap, &add);
	}
	printf("tries %d let in %d\n", tries, let_in);
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	if (argc == 4 && !strcmp(argv[1], "memory"))
		return try_memory(strtol(argv[2], NULL, 0), strtol(argv[3], NULL, 0));
	if (argc == 3 && !strcmp(argv[1], "hypercalls"))
		return try_hypercalls(strtoul(argv[2], NULL, 0));
	fprintf(stderr, "usage: trespass memory START END | hypercalls FRAME\n");
	return 2;
}
