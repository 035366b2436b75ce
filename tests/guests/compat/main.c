/* A 64-bit kernel that calls from compatibility mode now and then: the width is that of the code, call by call. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/narrow.h"
#include "lib/guest.h"

const char test_name[] = "compat";

#define HOLE_GFN 0x90000UL

/* Calls from the 32-bit code segment at level 0; all addresses here are below 4 GiB. */
uint32_t narrow_call(uint32_t number, uint32_t a, uint32_t b, uint32_t c);
asm(".text\n"
    "narrow_call:\n"
    "	push %rbx\n"
    "	mov %edi, %eax\n"
    "	mov %esi, %ebx\n"
    "	xchg %ecx, %edx\n"
    "	ljmp *to_narrow\n"
    "	.code32\n"
    "1:	cmpb $0, is_amd\n"
    "	je 2f\n"
    "	vmmcall\n"
    "	ljmp $0x10, $3f\n"
    "2:	vmcall\n"
    "	ljmp $0x10, $3f\n"
    "	.code64\n"
    "3:	pop %rbx\n"
    "	ret\n"
    "	.data\n"
    "to_narrow: .long 1b\n"
    "	.word 0x08\n"
    "	.text\n");

static uint32_t address(const void *object)
{
	return (uint32_t)(uintptr_t)object;
}

static evtchn_port_t send_to_self(void)
{
	struct evtchn_bind_ipi bind = { .vcpu = 0 };
	struct evtchn_send send;

	CHECK(!hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &bind));
	send.port = bind.port;
	CHECK(!narrow_call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, address(&send), 0));
	return bind.port;
}

/* What is shared goes on to look as the kernel showed it, whatever mode it calls from. */
static void shared_stays_wide(void)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_shared_info,
		.gpfn = HOLE_GFN,
	};
	volatile struct shared_info *shared = (void *)(HOLE_GFN * PAGE_SIZE);
	evtchn_port_t port;

	CHECK(!hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	do
		port = send_to_self();
	while (port < 64);
	CHECK(shared->vcpu_info[0].evtchn_pending_sel == 3);
	CHECK(shared->evtchn_pending[1] == 1);
	CHECK(shared->wc_sec && !shared->wc_sec_hi);
}

void test_main(void)
{
	struct narrow_memory_reservation none = { .domid = DOMID_SELF };
	struct narrow_vcpu_runstate_info runstate[2] = { { .state = -1 }, { .state = 77 } };
	static char junk[PAGE_SIZE];

	CHECK(narrow_call(__HYPERVISOR_xen_version, XENVER_version, 0, 0) == 0x40011);
	CHECK(narrow_call(999, 0, 0, 0) == (uint32_t)-X_ENOSYS);
	CHECK(narrow_call(__HYPERVISOR_domctl, address(junk), 0, 0) == (uint32_t)-X_EPERM);
	CHECK(narrow_call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, address(&none), 0) == 0);
	CHECK(!narrow_call(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, address(runstate)));
	CHECK(runstate[0].state == RUNSTATE_running && runstate[1].state == 77);
	CHECK(hypercall2(__HYPERVISOR_xen_version, XENVER_version, NULL) == 0x40011);
	shared_stays_wide();
}
