/* The hypervisor's messages for dom0 to read, and keys that make it write some. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/sysctl.h"

#include "hw/console.h"
#include "lib/print.h"
#include "mm/frame.h"

#define CHUNK    256
#define KEYS_MAX 32 /* in one call */

/* With an index the caller goes on where it was; without, it gets all that there is. */
long sysctl_readconsole(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_readconsole *request = &op->u.readconsole;
	uint64_t to = (uint64_t)(uintptr_t)request->buffer.p;
	uint64_t position = request->incremental ? request->index : 0;
	uint32_t limit = MIN(request->count, (uint32_t)CONSOLE_RING_SIZE);
	uint32_t done = 0;

	while (done < limit) {
		char text[CHUNK];
		size_t length = console_ring_read(&position, text,
		                                  MIN((size_t)(limit - done), sizeof(text)));

		if (!length)
			break;
		if (copy_to_guest(call->caller, to + done, text, length))
			return -EFAULT;
		done += (uint32_t)length;
	}
	if (request->clear)
		console_ring_clear();
	request->count = done;
	request->index = (uint32_t)position;
	return 0;
}

static void print_domain(const struct domain *domain)
{
	print("domain %u: %llu of %llu pages, paused %u, shut down %u (%u), dying %u\n", domain->id,
	      (unsigned long long)domain->pages, (unsigned long long)domain->max_pages,
	      domain->controller_pauses, domain->shut_down, domain->shutdown_code,
	      domain->state >= DOMAIN_DYING);
	for (unsigned i = 0; i < DOMAIN_MAX_VCPUS; i++) {
		const struct vcpu *vcpu = domain->vcpus[i];

		if (vcpu)
			print("  vcpu %u: up %u, blocked %u, running %u, pauses %u, rip %llx, upcall %u\n",
			      i, vcpu->up, vcpu->blocked, vcpu->running, vcpu->pauses,
			      (unsigned long long)vcpu->regs.rip,
			      vcpu->info->evtchn_upcall_pending);
	}
}

static void print_domains(void)
{
	struct domain *domain, *next;

	for (domain = domain_get_next(0); domain; domain = next) {
		print_domain(domain);
		next = domain_get_next(domain->id + 1);
		domain_put(domain);
	}
}

static void print_memory(void)
{
	print("memory: %llu of %llu pages free\n", (unsigned long long)frames_free(),
	      (unsigned long long)frames_total());
}

static void print_help(void);

static const struct key {
	char key;
	const char *says;
	void (*act)(void);
} keys[] = {
	{ 'h', "this list", print_help },
	{ 'q', "domains and their vCPUs", print_domains },
	{ 'm', "memory", print_memory },
};

static void print_help(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		print("key '%c': %s\n", keys[i].key, keys[i].says);
}

static void press(char key)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].key == key) {
			keys[i].act();
			return;
		}
	}
	print("no key '%c'; try 'h'\n", key);
}

long sysctl_debug_keys(struct hypercall *call, struct xen_sysctl *op)
{
	uint32_t count = op->u.debug_keys.nr_keys;
	char pressed[KEYS_MAX];

	if (count > KEYS_MAX)
		return -EINVAL;
	if (copy_from_guest(call->caller, pressed, (uint64_t)(uintptr_t)op->u.debug_keys.keys.p,
	                    count))
		return -EFAULT;
	for (uint32_t i = 0; i < count; i++)
		press(pressed[i]);
	return 0;
}
