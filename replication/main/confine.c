/* What a worker may still do after it has started: least power, by capabilities and a system call filter. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Disk requests go to the kernel by io_uring, past this filter: image.c restricts that queue by itself.
 */

#include "replication/main/confine.h"

#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/evtchn.h>
#include <xen/gntdev.h>

#include "replication/main/capabilities.h"

static const int kept_capabilities[] = {
	CAP_NET_ADMIN, /* to make and take up taps, also those of cards plugged in later */
};

static const int allowed_calls[] = {
	/* the loop, and what it waits for */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	/* event channels, taps, the xenstore's socket, the log */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(poll),
	/* the door of the guest's output */
	SCMP_SYS(accept4),
	SCMP_SYS(shutdown),
	/* the xenstore library's reading thread */
	SCMP_SYS(futex),
	SCMP_SYS(sched_yield),
	/* disks: handing requests over */
	SCMP_SYS(io_uring_enter),
	/* images, taps and journals of devices plugged in later */
	SCMP_SYS(openat),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fcntl),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64), /* marks of disks */
	SCMP_SYS(fallocate),
	SCMP_SYS(ftruncate),
	SCMP_SYS(unlink),
	SCMP_SYS(clock_nanosleep),
	/* rings, buffers, the heap */
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	/* signals and the end */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* ioctl reaches everything, so it is allowed by request. */
static const unsigned long allowed_requests[] = {
	/* event channels: bind, notify, unbind */
	IOCTL_EVTCHN_BIND_INTERDOMAIN,
	IOCTL_EVTCHN_NOTIFY,
	IOCTL_EVTCHN_UNBIND,
	/* grants: map rings, copy data */
	IOCTL_GNTDEV_MAP_GRANT_REF,
	IOCTL_GNTDEV_UNMAP_GRANT_REF,
	IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR,
	IOCTL_GNTDEV_GRANT_COPY,
	/* taps */
	TUNSETIFF,
	TUNSETPERSIST,
	TUNSETOFFLOAD,
	TUNSETSNDBUF,
	TUNSETCARRIER,
	SIOCGIFINDEX,
	/* sizes of block devices */
	BLKGETSIZE64,
	BLKSSZGET,
	BLKPBSZGET,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int confine_capabilities(void)
{
	return capabilities_keep(kept_capabilities, COUNT(kept_capabilities));
}

static int fill_filter(scmp_filter_ctx filter)
{
	int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	for (unsigned int i = 0; i < COUNT(allowed_calls) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_calls[i], 0);
	for (unsigned int i = 0; i < COUNT(allowed_requests) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		                       SCMP_A1_64(SCMP_CMP_MASKED_EQ, UINT32_MAX,
		                                  allowed_requests[i]));
	/* The C library asks for the index of an interface by a socket that goes nowhere. */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
		                       SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	return err;
}

int confine_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err;

	if (!filter)
		return -ENOMEM;
	err = fill_filter(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
