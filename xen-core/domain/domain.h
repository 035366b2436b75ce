/* A domain: its vCPUs, memory and the tables that the floors above keep for it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DOMAIN_DOMAIN_H
#define XEN_CORE_DOMAIN_DOMAIN_H

#include "abi/public.h"
#include "hw/lock.h"
#include "lib/list.h"
#include "p2m/p2m.h"
#include "sched/sched.h"
#include "vcpu/vcpu.h"

#define DOMAIN_MAX_VCPUS 128 /* of the ABI's two-level events 64 bits; dom0 uses one per CPU */

struct event_table;
struct grant_table;
struct watchdog;

enum domain_state { DOMAIN_BUILDING, DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_DEAD };

/* An entry of the memory map as the BIOS call 0x15/0xe820 and the ABI lay it out. */
struct e820_entry {
	uint64_t address, size;
	uint32_t type;
} __attribute__((packed));

#define E820_MAX 128 /* entries, as many as the ABI's callers ever pass */

struct domain {
	domid_t id;
	bool privileged; /* dom0 */
	enum domain_state state;
	uint32_t references; /* the list's and each finder's (atomic); 0: cannot be found */
	struct list link;    /* in the list of domains, by rising id */
	struct lock lock;    /* LOCK_DOMAIN: state, shutdown, pause, parameters */
	xen_domain_handle_t handle;
	uint32_t ssidref;
	uint32_t create_flags;    /* XEN_DOMCTL_CDF_* */
	uint32_t emulation_flags; /* XEN_X86_EMU_*: echoed by getdomaininfo */

	struct p2m p2m;
	uint64_t max_pages; /* limit, in 4 KiB pages */
	uint64_t pages;     /* allocated (atomic) */

	struct sched_share share;
	unsigned vcpu_count;
	struct vcpu *vcpus[DOMAIN_MAX_VCPUS];
	unsigned controller_pauses; /* domctl pausedomain */
	bool shut_down;             /* all vCPUs stopped for shutdown_code */
	unsigned shutdown_code;     /* SHUTDOWN_*; 255: none */

	struct shared_info *shared_info;    /* a frame of the hypervisor's */
	gfn_t shared_info_gfn;              /* where the guest has it; GFN_NONE: nowhere */
	const struct shared_layout *layout; /* of it: changed by event_layout_change alone */
	uint64_t params[HVM_NR_PARAMS];
	uint8_t callback_vector;   /* HVM_PARAM_CALLBACK_IRQ type 2; 0: none */
	bool runstate_update_flag; /* vm_assist 5 */
	int64_t time_offset_seconds;
	uint32_t e820_count;
	struct cpu_policy *policy; /* vcpu/policy.h; NULL: the default */
	struct e820_entry *e820;   /* what memory_map tells; from the heap, NULL: none */

	struct watchdog *watchdogs;    /* domain/watchdog.c */
	struct event_table *events;    /* event/ */
	struct grant_table *grants;    /* grant/ */
	struct checkpoint *checkpoint; /* checkpoint/; NULL: not attached */
	bool checkpoint_busy;          /* an operation is under way (atomic) */
};

struct domain_config {
	domid_t id; /* DOMID_INVALID: choose */
	bool privileged;
	unsigned max_vcpus;
	unsigned max_event_ports;  /* highest port number allowed; 0: the default */
	unsigned max_grant_frames; /* 0: the default */
	xen_domain_handle_t handle;
	uint32_t ssidref, create_flags, emulation_flags;
};

/* Walks the units (domain/unit.h), unwinding on failure. The domain starts paused by the controller. */
int domain_create(const struct domain_config *config, struct domain **created);

/* With its lock held: HVM_PARAM_CALLBACK_IRQ has been changed. */
void domain_callback_from_param(struct domain *domain);

/* NULL if the domain has no such vCPU; any number may be asked for. */
static inline struct vcpu *domain_vcpu(const struct domain *domain, uint64_t id)
{
	return id < DOMAIN_MAX_VCPUS ? domain->vcpus[id] : NULL;
}

/* A reference (domain_put it), or NULL. DOMID_SELF is the caller's own. */
struct domain *domain_get(domid_t id, struct vcpu *caller);

/* Another reference, for one who has one. */
static inline void domain_hold(struct domain *domain)
{
	__atomic_fetch_add(&domain->references, 1, __ATOMIC_SEQ_CST);
}

/* The number that DOMID_SELF stands for. */
static inline domid_t domain_id(domid_t id, const struct vcpu *caller)
{
	return id == DOMID_SELF ? caller->domain->id : id;
}

/* The first domain with an id >= the one given, with a reference; NULL after the last. */
struct domain *domain_get_next(domid_t id);
void domain_put(struct domain *domain);

extern struct domain *dom0;

int domain_vcpu_create(struct domain *domain, unsigned id, struct cpu *cpu);

void domain_pause(struct domain *domain); /* counted; on return no vCPU is in guest mode */
void domain_unpause(struct domain *domain);

/* domain_pause, and on return each vCPU stands between two instructions with its registers in memory.
 * (A pause alone may find one in the middle of a hypercall.) Not for the caller's own domain. */
void domain_stop(struct domain *domain);

/* The toolstack's pauses, counted: -EINVAL if there is none to end. The first end starts the domain's life. */
void domain_controller_pause(struct domain *domain);
int domain_controller_unpause(struct domain *domain);

/* The guest ends itself or is ended: stops its vCPUs; dom0's end is the machine's. Raises
 * VIRQ_DOM_EXC through the hook that event/ installs. */
void domain_shutdown(struct domain *domain, unsigned code);

/* Its vCPUs go on from where they shut down. Nothing if it has not, or is dying. */
void domain_resume(struct domain *domain);

/* One step of a domain's end: true when its memory and its ties to others are gone, and it leaves the
 * list with its last reference; until then call again. Not for dom0. */
bool domain_kill(struct domain *domain);

/* sets how the end of a domain is told (VIRQ_DOM_EXC to dom0): event/ is a floor above. */
void domain_set_exit_hook(void (*hook)(struct domain *domain));

#endif
