/* The page of hypercall stubs: one of 32 bytes for each number, the same code in any mode. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/hypercall_page.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "vcpu/ops.h"

#define STUB_SIZE 32
#define STUBS     (PAGE_SIZE / STUB_SIZE)

/* mov $number, %eax; the hypercall; ret */
static void stub(uint8_t code[STUB_SIZE], uint32_t number)
{
	static const uint8_t undefined[] = { 0x0f, 0x0b };

	memset(code, 0xcc, STUB_SIZE);
	if (number == __HYPERVISOR_iret) { /* of paravirtual kernels: has no meaning here */
		memcpy(code, undefined, sizeof(undefined));
		return;
	}
	code[0] = 0xb8;
	memcpy(code + 1, &number, sizeof(number));
	memcpy(code + 5, vcpu_ops->hypercall, sizeof(vcpu_ops->hypercall));
	code[8] = 0xc3;
}

int hypercall_page_write(struct vcpu *vcpu, uint64_t value)
{
	paddr_t at = value & PAGE_MASK;
	uint8_t code[STUB_SIZE];

	if (value & ~PAGE_MASK)
		return -EINVAL;
	for (uint32_t number = 0; number < STUBS; number++) {
		stub(code, number);
		if (access_write(vcpu->p2m, at + number * STUB_SIZE, code, sizeof(code)))
			return -EINVAL;
	}
	return 0;
}
