/* Unit tests of the way into a hypercall: registers by the caller's width, refusals, and going on half way. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/hypercall/table.c xen-core/hypercall/width.c xen-core/vcpu/layout.c xen-core/lib/shape.c */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "abi/checkpoint.h"
#include "event/event.h"
#include "hw/cpu.h"
#include "hypercall/hypercall.h"
#include "hypercall/width.h"
#include "vcpu/ops.h"

static struct hypercall seen; /* what the handler was called with */
static long answer;
static bool stop_half_way;
static const struct shared_layout *latched;

static long handle(struct hypercall *call)
{
	seen = *call;
	call->again = stop_half_way;
	for (unsigned i = 0; stop_half_way && i < HYPERCALL_ARGS; i++)
		call->args[i] += 0x10;
	return answer;
}

#define HANDLER(name)                                                                              \
	long hypercall_##name(struct hypercall *call)                                              \
	{                                                                                          \
		return handle(call);                                                               \
	}
HANDLER(memory_op)
HANDLER(multicall)
HANDLER(event_channel_op)
HANDLER(xen_version)
HANDLER(console_io)
HANDLER(grant_table_op)
HANDLER(vm_assist)
HANDLER(vcpu_op)
HANDLER(sched_op)
HANDLER(hvm_op)
HANDLER(physdev_op)
HANDLER(platform_op)
HANDLER(domctl)
HANDLER(sysctl)
HANDLER(checkpoint_op)

int event_layout_change(struct domain *domain, const struct shared_layout *layout)
{
	(void)domain;
	latched = layout;
	return 0;
}

static uint16_t code_attributes;

static void get_segment(struct vcpu *vcpu, enum segment_name name, struct segment *segment)
{
	(void)vcpu;
	assert_int_equal(name, SEGMENT_CS);
	*segment = (struct segment){ .attributes = code_attributes };
}

static const struct vcpu_ops ops = { .get_segment = get_segment };
const struct vcpu_ops *vcpu_ops = &ops;

static struct domain domain;
static struct vcpu vcpu;

#define UPPER 0xffffffff00000000UL /* what a 32-bit caller's registers may have left from before */

static int setup(void **state)
{
	(void)state;
	domain = (struct domain){ .privileged = false };
	vcpu = (struct vcpu){ .domain = &domain };
	vcpu.control.cr0 = CR0_PE;
	vcpu.regs = (struct guest_regs){ .rax = UPPER | __HYPERVISOR_memory_op,
		                         .rbx = UPPER | 1,
		                         .rcx = UPPER | 2,
		                         .rdx = UPPER | 3,
		                         .rsi = UPPER | 4,
		                         .rdi = UPPER | 5,
		                         .r10 = 10,
		                         .r8 = 8 };
	memset(&seen, 0, sizeof(seen));
	answer = 0;
	stop_half_way = false;
	return 0;
}

static void become_wide(void)
{
	vcpu.control.efer = EFER_LMA;
	code_attributes = SEGMENT_LONG;
	vcpu.regs.rax = __HYPERVISOR_memory_op;
}

static void narrow_registers(void **state)
{
	(void)state;
	answer = -EINVAL;
	assert_true(hypercall_from_guest(&vcpu));
	assert_true(seen.narrow);
	assert_int_equal(seen.number, __HYPERVISOR_memory_op);
	for (unsigned i = 0; i < HYPERCALL_ARGS; i++)
		assert_int_equal(seen.args[i], i + 1);
	assert_int_equal(vcpu.regs.rax, (uint32_t)-EINVAL);
	assert_int_equal(vcpu.regs.rbx, UPPER | 1);
}

static void wide_registers(void **state)
{
	(void)state;
	become_wide();
	answer = -EINVAL;
	assert_true(hypercall_from_guest(&vcpu));
	assert_false(seen.narrow);
	assert_int_equal(seen.args[0], UPPER | 5);
	assert_int_equal(seen.args[1], UPPER | 4);
	assert_int_equal(seen.args[2], UPPER | 3);
	assert_int_equal(seen.args[3], 10);
	assert_int_equal(seen.args[4], 8);
	assert_int_equal(vcpu.regs.rax, -EINVAL);
}

static void half_way(void **state)
{
	(void)state;
	stop_half_way = true;
	assert_false(hypercall_from_guest(&vcpu));
	assert_int_equal(vcpu.regs.rax, UPPER | __HYPERVISOR_memory_op);
	assert_int_equal(vcpu.regs.rbx, 0x11);
	assert_int_equal(vcpu.regs.rcx, 0x12);
	assert_int_equal(vcpu.regs.rdi, 0x15);
	assert_int_equal(vcpu.regs.r10, 10);
	stop_half_way = false;
	assert_true(hypercall_from_guest(&vcpu));
	assert_int_equal(seen.args[0], 0x11);
}

static void modes(void **state)
{
	(void)state;
	assert_int_equal(width_of(&vcpu), WIDTH_NARROW);
	vcpu.control.efer = EFER_LMA;
	code_attributes = SEGMENT_DEFAULT_32;
	assert_int_equal(width_of(&vcpu), WIDTH_NARROW);
	code_attributes = SEGMENT_LONG;
	assert_int_equal(width_of(&vcpu), WIDTH_WIDE);
	width_latch(&vcpu);
	assert_ptr_equal(latched, &layout_wide);
	code_attributes = SEGMENT_DEFAULT_32;
	width_latch(&vcpu);
	assert_ptr_equal(latched, &layout_narrow);
}

static void refused(long error, bool served)
{
	assert_true(hypercall_from_guest(&vcpu));
	assert_int_equal((int32_t)vcpu.regs.rax, error);
	assert_int_equal(seen.caller == &vcpu, served);
}

static void refusals(void **state)
{
	(void)state;
	vcpu.control.cpl = 3;
	refused(-EPERM, false);
	vcpu.control.cpl = 0;
	vcpu.control.cr0 = 0;
	refused(-EPERM, false);
	vcpu.control.cr0 = CR0_PE;
	vcpu.regs.rax = 999;
	refused(-ENOSYS, false);
	become_wide();
	vcpu.regs.rax = 1UL << 32 | __HYPERVISOR_memory_op;
	refused(-ENOSYS, false);
}

static void toolstack(void **state)
{
	static const unsigned numbers[] = { __HYPERVISOR_platform_op, __HYPERVISOR_sysctl,
		                            __HYPERVISOR_domctl, HYPERCALL_CHECKPOINT_OP };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		vcpu.regs.rax = numbers[i];
		refused(-EPERM, false);
		domain.privileged = true;
		vcpu.regs.rax = numbers[i];
		refused(-ENOSYS, false);
		domain.privileged = false;
	}
	become_wide();
	vcpu.regs.rax = __HYPERVISOR_domctl;
	refused(0, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(narrow_registers, setup),
		cmocka_unit_test_setup(wide_registers, setup),
		cmocka_unit_test_setup(half_way, setup),
		cmocka_unit_test_setup(modes, setup),
		cmocka_unit_test_setup(refusals, setup),
		cmocka_unit_test_setup(toolstack, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
