/* Domains: their list, life and end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/domain.h"

#include "domain/clock.h"
#include "domain/unit.h"
#include "hw/cpu.h"
#include "hw/ipi.h"
#include "hw/percpu.h"
#include "irq/vlapic.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/host_map.h"
#include "sched/sched.h"
#include "vcpu/loaded.h"
#include "vcpu/ops.h"
#include "vcpu/xstate.h"

#define SHUTDOWN_NONE    255
#define RELINQUISH_PAGES 16384 /* at once, before the caller's interrupts get their chance */

struct domain *dom0;

static struct list domains = LIST_INIT(domains); /* by rising id */
static struct lock domains_lock = LOCK_INIT(LOCK_DOMAINS);
static void (*exit_hook)(struct domain *domain);

struct vcpu *this_vcpu(void)
{
	return this_cpu()->current;
}

void domain_set_exit_hook(void (*hook)(struct domain *domain))
{
	exit_hook = hook;
}

static struct domain *find_from(domid_t id)
{
	LIST_FOR_EACH(item, &domains) {
		struct domain *domain = LIST_ENTRY(item, struct domain, link);

		if (domain->id >= id)
			return domain;
	}
	return NULL;
}

/* One that is being made, or taken apart, has no references: it is there for nobody else. */
static bool hold_if_complete(struct domain *domain)
{
	uint32_t references = __atomic_load_n(&domain->references, __ATOMIC_RELAXED);

	while (references)
		if (__atomic_compare_exchange_n(&domain->references, &references, references + 1,
		                                false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			return true;
	return false;
}

struct domain *domain_get_next(domid_t id)
{
	struct domain *domain;

	lock_take(&domains_lock);
	do {
		domain = find_from(id);
		if (domain)
			id = (domid_t)(domain->id + 1);
	} while (domain && !hold_if_complete(domain));
	lock_release(&domains_lock);
	return domain;
}

struct domain *domain_get(domid_t id, struct vcpu *caller)
{
	domid_t wanted = id == DOMID_SELF ? caller->domain->id : id;
	struct domain *domain = domain_get_next(wanted);

	if (domain && domain->id != wanted) {
		domain_put(domain);
		return NULL;
	}
	return domain;
}

/* Ids are handed out in turn, so that one is not used again at once: who still means the domain before
 * would meet another. */
static domid_t unused_id(void)
{
	static domid_t last;
	struct domain *next;

	do {
		last = last < DOMID_FIRST_RESERVED - 1 ? (domid_t)(last + 1) : 1;
		next = find_from(last);
	} while (next && next->id == last);
	return last;
}

static int insert(struct domain *domain, domid_t wanted)
{
	struct domain *next;

	lock_take(&domains_lock);
	if (wanted == DOMID_INVALID)
		wanted = unused_id();
	next = find_from(wanted);
	if (wanted >= DOMID_FIRST_RESERVED || (next && next->id == wanted)) {
		lock_release(&domains_lock);
		return next && next->id == wanted ? -EEXIST : -EINVAL;
	}
	domain->id = wanted;
	list_insert_before(next ? &next->link : &domains, &domain->link);
	lock_release(&domains_lock);
	return 0;
}

static void remove(struct domain *domain)
{
	lock_take(&domains_lock);
	list_remove(&domain->link);
	lock_release(&domains_lock);
}

static int shared_info_create(struct domain *domain)
{
	mfn_t mfn = frame_alloc(0, DOMID_XEN);

	if (mfn_is_none(mfn))
		return -ENOMEM;
	domain->shared_info = mfn_to_virt(mfn);
	domain->shared_info_gfn = GFN_NONE;
	return 0;
}

static void units_destroy(struct domain *domain, unsigned created)
{
	while (created--)
		if (domain_units[created]->domain_destroy)
			domain_units[created]->domain_destroy(domain);
}

static int units_create(struct domain *domain, const struct domain_config *config)
{
	for (unsigned i = 0; i < domain_unit_count; i++) {
		int err = domain_units[i]->domain_create
		                  ? domain_units[i]->domain_create(domain, config)
		                  : 0;

		if (err) {
			units_destroy(domain, i);
			return err;
		}
	}
	return 0;
}

static void config_apply(struct domain *domain, const struct domain_config *config)
{
	domain->privileged = config->privileged;
	domain->vcpu_count = config->max_vcpus;
	domain->ssidref = config->ssidref;
	domain->create_flags = config->create_flags;
	domain->emulation_flags = config->emulation_flags;
	domain->controller_pauses = 1;
	domain->shutdown_code = SHUTDOWN_NONE;
	domain->layout = &layout_wide; /* until the kernel shows that it has 32 bits */
	memcpy(domain->handle, config->handle, sizeof(domain->handle));
	sched_share_init(&domain->share);
	lock_init(&domain->lock, LOCK_DOMAIN);
}

int domain_create(const struct domain_config *config, struct domain **created)
{
	struct domain *domain;
	int err;

	if (!config->max_vcpus || config->max_vcpus > DOMAIN_MAX_VCPUS)
		return -EINVAL;
	domain = heap_alloc(sizeof(*domain));
	if (!domain)
		return -ENOMEM;
	config_apply(domain, config);
	err = insert(domain, config->id);
	if (err)
		goto free_domain;
	err = p2m_init(&domain->p2m, domain->id);
	if (err)
		goto remove_domain;
	err = shared_info_create(domain);
	if (err)
		goto destroy_p2m;
	err = units_create(domain, config);
	if (err)
		goto free_shared_info;
	domain_clock_publish_wall(domain);
	__atomic_store_n(&domain->references, 1, __ATOMIC_SEQ_CST);
	*created = domain;
	return 0;

free_shared_info:
	frame_put(virt_to_mfn(domain->shared_info));
destroy_p2m:
	p2m_destroy(&domain->p2m);
remove_domain:
	remove(domain);
free_domain:
	heap_free(domain);
	return err;
}

static void vcpu_free(struct vcpu *vcpu)
{
	vlapic_destroy(vcpu);
	if (vcpu->backend)
		vcpu_ops->destroy(vcpu);
	xstate_destroy(vcpu);
	heap_free(vcpu);
}

static struct vcpu *vcpu_alloc(struct domain *domain, unsigned id)
{
	struct vcpu *vcpu = heap_alloc(sizeof(*vcpu));

	if (!vcpu)
		return NULL;
	vcpu->id = id;
	vcpu->apic_id = id * 2; /* as libxl writes it into a guest's MADT */
	vcpu->domain = domain;
	vcpu->p2m = &domain->p2m;
	vcpu->policy = domain->policy;
	vcpu->layout = domain->layout;
	vcpu->info = id < XEN_LEGACY_MAX_VCPUS ? &domain->shared_info->vcpu_info[id]
	                                       : &vcpu->early_info;
	lock_init(&vcpu->event_lock, LOCK_VCPU);
	if (xstate_create(vcpu) || vcpu_ops->create(vcpu) || vlapic_create(vcpu)) {
		vcpu_free(vcpu);
		return NULL;
	}
	return vcpu;
}

static void vcpu_units_destroy(struct vcpu *vcpu, unsigned created)
{
	while (created--)
		if (domain_units[created]->vcpu_destroy)
			domain_units[created]->vcpu_destroy(vcpu);
}

int domain_vcpu_create(struct domain *domain, unsigned id, struct cpu *cpu)
{
	struct vcpu *vcpu;

	if (id >= domain->vcpu_count)
		return -EINVAL;
	if (domain->vcpus[id])
		return -EEXIST;
	vcpu = vcpu_alloc(domain, id);
	if (!vcpu)
		return -ENOMEM;
	vcpu->pauses = domain->controller_pauses != 0;
	sched_vcpu_init(vcpu, cpu, &domain->share);
	for (unsigned i = 0; i < domain_unit_count; i++) {
		int err = domain_units[i]->vcpu_create ? domain_units[i]->vcpu_create(vcpu) : 0;

		if (err) {
			vcpu_units_destroy(vcpu, i);
			vcpu_free(vcpu);
			return err;
		}
	}
	domain->vcpus[id] = vcpu;
	domain_clock_publish(vcpu);
	return 0;
}

static void destroy(struct domain *domain)
{
	remove(domain);
	for (unsigned i = 0; i < domain->vcpu_count; i++) {
		if (!domain->vcpus[i])
			continue;
		vcpu_unload(domain->vcpus[i]);
		vcpu_units_destroy(domain->vcpus[i], domain_unit_count);
		sched_vcpu_destroy(domain->vcpus[i]);
		access_unpin(&domain->vcpus[i]->info_pin);
		vcpu_free(domain->vcpus[i]);
	}
	units_destroy(domain, domain_unit_count);
	p2m_destroy(&domain->p2m);
	frame_put(virt_to_mfn(domain->shared_info));
	if (exit_hook)
		exit_hook(domain);
	heap_free(domain->e820);
	heap_free(domain->policy);
	heap_free(domain);
}

/* Lines of an interrupt controller are no way in here: only a vector is, anything else means none. */
void domain_callback_from_param(struct domain *domain)
{
	uint64_t value = domain->params[HVM_PARAM_CALLBACK_IRQ];

	domain->callback_vector = value >> 56 == HVM_PARAM_CALLBACK_TYPE_VECTOR ? (uint8_t)value
	                                                                        : 0;
}

void domain_put(struct domain *domain)
{
	if (!__atomic_sub_fetch(&domain->references, 1, __ATOMIC_SEQ_CST))
		destroy(domain);
}

void domain_pause(struct domain *domain)
{
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		if (domain->vcpus[i])
			sched_pause(domain->vcpus[i]);
}

void domain_unpause(struct domain *domain)
{
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		if (domain->vcpus[i])
			sched_unpause(domain->vcpus[i]);
}

/* While a vCPU that is paused in a hypercall waits for this CPU, this CPU has to answer. */
void domain_stop(struct domain *domain)
{
	domain_pause(domain);
	for (unsigned i = 0; i < domain->vcpu_count; i++) {
		struct vcpu *vcpu = domain->vcpus[i];

		if (!vcpu)
			continue;
		while (__atomic_load_n(&vcpu->running, __ATOMIC_ACQUIRE)) {
			ipi_serve(this_cpu());
			cpu_relax();
		}
		vcpu_unload(vcpu);
	}
}

void domain_controller_pause(struct domain *domain)
{
	bool first;

	lock_take(&domain->lock);
	first = !domain->controller_pauses++;
	lock_release(&domain->lock);
	if (first)
		domain_pause(domain);
}

int domain_controller_unpause(struct domain *domain)
{
	bool was_paused, last;

	lock_take(&domain->lock);
	if (domain->state == DOMAIN_BUILDING)
		domain->state = DOMAIN_ALIVE;
	was_paused = domain->controller_pauses;
	last = was_paused && !--domain->controller_pauses;
	lock_release(&domain->lock);
	if (last)
		domain_unpause(domain);
	return was_paused ? 0 : -EINVAL;
}

void domain_shutdown(struct domain *domain, unsigned code)
{
	bool first;

	lock_take(&domain->lock);
	first = !domain->shut_down;
	if (first) {
		domain->shut_down = true;
		if (domain->shutdown_code == SHUTDOWN_NONE) /* the guest may have said it before */
			domain->shutdown_code = code;
	}
	lock_release(&domain->lock);
	if (!first)
		return;
	log_info("domain %u shuts down, code %u\n", domain->id, domain->shutdown_code);
	domain_pause(domain);
	if (exit_hook)
		exit_hook(domain);
}

void domain_resume(struct domain *domain)
{
	bool was_down;

	lock_take(&domain->lock);
	was_down = domain->shut_down && domain->state < DOMAIN_DYING;
	if (was_down) {
		domain->shut_down = false;
		domain->shutdown_code = SHUTDOWN_NONE;
	}
	lock_release(&domain->lock);
	if (was_down)
		domain_unpause(domain);
}

/* True when no vCPU is on a CPU any more; they have been told to leave. */
static bool all_off(const struct domain *domain)
{
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		if (domain->vcpus[i] && domain->vcpus[i]->running)
			return false;
	return true;
}

bool domain_kill(struct domain *domain)
{
	bool first;

	lock_take(&domain->lock);
	first = domain->state != DOMAIN_DYING && domain->state != DOMAIN_DEAD;
	if (first)
		domain->state = DOMAIN_DYING;
	lock_release(&domain->lock);
	if (first)
		domain_pause(domain);
	if (!all_off(domain))
		return false;
	for (unsigned i = domain_unit_count; i--;)
		if (domain_units[i]->domain_relinquish &&
		    !domain_units[i]->domain_relinquish(domain))
			return false;
	if (!p2m_relinquish(&domain->p2m, RELINQUISH_PAGES))
		return false;
	lock_take(&domain->lock);
	first = domain->state == DOMAIN_DYING; /* two callers may have come as far */
	domain->state = DOMAIN_DEAD;
	lock_release(&domain->lock);
	if (first) {
		domain_put(domain); /* the list's; the caller's own keeps it until he is done */
		if (exit_hook)
			exit_hook(domain);
	}
	return true;
}
