/* Measures, inside dom0, what it costs to call upon the hypervisor; prints nanoseconds. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: exits BATCHES
 *
 * A line for each thing measured: its name, the median, the 10th and the 90th percentile of
 * BATCHES batches, in nanoseconds each time. What has a baseline is measured in turns with it,
 * batch by batch, and the same percentile of the baseline is taken off: both have quiet and
 * disturbed batches, and each kind must be compared with its like. bench/exits.py reads the lines.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__

#include <xen/xen.h>

#include <xen/event_channel.h>
#include <xen/evtchn.h>
#include <xen/sys/privcmd.h>
#include <xen/version.h>

#define MAX_BATCHES    10000
#define UNKNOWN_SUB_OP 0x7777
#define UNKNOWN_IOCTL  0x7777
#define SLEEP_NANOS    1000000
#define LEAF           0 /* of CPUID: the one that depends on nothing */

struct cost {
	const char *name;
	void (*work)(void);
	void (*baseline)(void);
	int64_t wanted; /* nanoseconds that the work takes by its nature */
	unsigned times; /* in a batch */
};

static int privcmd, evtchn;
static unsigned notify_port; /* its other end is read */

/* --- what is measured --- */

static void cpuid_leaf(void)
{
	unsigned a, b, c, d;

	__cpuid(LEAF, a, b, c, d);
}

static void rdtsc(void)
{
	__rdtsc();
}

/* Enters and leaves the driver that passes hypercalls on, and no more. */
static void plain_ioctl(void)
{
	if (ioctl(privcmd, UNKNOWN_IOCTL, 0) != -1)
		errx(1, "privcmd knows ioctl %#x", UNKNOWN_IOCTL);
}

static long hypercall(uint64_t op, uint64_t first, uint64_t second)
{
	struct privcmd_hypercall call = { .op = op, .arg = { first, second } };

	return ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);
}

static void xen_version(void)
{
	if (hypercall(__HYPERVISOR_xen_version, XENVER_version, 0) < 0)
		err(1, "xen_version");
}

static void unknown_sub_op(void)
{
	if (hypercall(__HYPERVISOR_xen_version, UNKNOWN_SUB_OP, 0) != -1 || errno != ENOSYS)
		err(1, "xen_version(%#x) is not refused with ENOSYS", UNKNOWN_SUB_OP);
}

/* Sends an event to a port of our own, waits for it and unmasks the port. */
static void event_loop(void)
{
	struct ioctl_evtchn_notify notify = { .port = notify_port };
	uint32_t port;

	if (ioctl(evtchn, IOCTL_EVTCHN_NOTIFY, &notify) != 0)
		err(1, "notify");
	if (read(evtchn, &port, sizeof(port)) != sizeof(port))
		err(1, "read an event");
	if (write(evtchn, &port, sizeof(port)) != sizeof(port))
		err(1, "unmask a port");
}

static void short_sleep(void)
{
	struct timespec time = { .tv_nsec = SLEEP_NANOS };

	nanosleep(&time, NULL);
}

/* --- how --- */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int64_t time_batch(void (*work)(void), unsigned times)
{
	int64_t start = now();

	for (unsigned i = 0; i < times; i++)
		work();
	return (now() - start) / times;
}

static int by_size(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

/* Nanoseconds that a share of the batches did not exceed. */
static int64_t percentile(const int64_t *sorted, unsigned batches, unsigned percent)
{
	return sorted[batches * percent / 100];
}

static void measure(const struct cost *cost, unsigned batches)
{
	static int64_t work[MAX_BATCHES], baseline[MAX_BATCHES];
	static const unsigned percents[] = { 50, 10, 90 };

	time_batch(cost->work, cost->times); /* warms up */
	for (unsigned i = 0; i < batches; i++) {
		work[i] = time_batch(cost->work, cost->times);
		baseline[i] = cost->baseline ? time_batch(cost->baseline, cost->times)
		                             : cost->wanted;
	}
	qsort(work, batches, sizeof(work[0]), by_size);
	qsort(baseline, batches, sizeof(baseline[0]), by_size);
	printf("%s", cost->name);
	for (unsigned i = 0; i < 3; i++)
		printf(" %ld", percentile(work, batches, percents[i]) -
		                       percentile(baseline, batches, percents[i]));
	printf("\n");
	fflush(stdout);
}

static void run_on(unsigned cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
		err(1, "move to CPU %u", cpu);
}

/* Binds two ports of ours to each other; returns the one that is read. */
static unsigned bind_ports(void)
{
	struct ioctl_evtchn_bind_unbound_port unbound = { .remote_domain = DOMID_SELF };
	struct ioctl_evtchn_bind_interdomain bind = { .remote_domain = DOMID_SELF };
	int read_port = ioctl(evtchn, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &unbound);
	int port;

	if (read_port < 0)
		err(1, "allocate a port");
	bind.remote_port = read_port;
	port = ioctl(evtchn, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
	if (port < 0)
		err(1, "bind a port");
	notify_port = port;
	return read_port;
}

/* The vCPU to which the kernel has bound a port. */
static unsigned vcpu_of(unsigned port)
{
	struct evtchn_status *status = aligned_alloc(4096, 4096);
	unsigned vcpu;

	if (!status || mlock(status, sizeof(*status)) != 0)
		err(1, "memory for a hypercall");
	*status = (struct evtchn_status){ .dom = DOMID_SELF, .port = port };
	if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, (uintptr_t)status) < 0)
		err(1, "status of a port");
	vcpu = status->vcpu;
	free(status);
	return vcpu;
}

static int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	static const struct cost calls[] = {
		{ "cpuid", cpuid_leaf, NULL, 0, 100 },
		{ "rdtsc", rdtsc, NULL, 0, 1000 },
		{ "ioctl", plain_ioctl, NULL, 0, 1000 },
		{ "xen_version", xen_version, plain_ioctl, 0, 100 },
		{ "refused", unknown_sub_op, plain_ioctl, 0, 100 },
		{ "sleep", short_sleep, NULL, SLEEP_NANOS, 1 },
	};
	static const struct cost near = { "event_near", event_loop, NULL, 0, 20 };
	static const struct cost far = { "event_far", event_loop, NULL, 0, 20 };
	unsigned batches = argc == 2 ? atoi(argv[1]) : 0;
	unsigned vcpu;

	if (batches < 1 || batches > MAX_BATCHES)
		errx(2, "usage: exits BATCHES (1 to %u)", MAX_BATCHES);
	privcmd = open_device("/dev/xen/privcmd");
	evtchn = open_device("/dev/xen/evtchn");
	vcpu = vcpu_of(bind_ports());

	run_on(vcpu);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		measure(&calls[i], batches);
	measure(&near, batches);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		run_on(!vcpu);
		measure(&far, batches);
	}
	return 0;
}
