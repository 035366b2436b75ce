/* A guest of a few instructions, entered and watched by the self-tests. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "selftest/tiny.h"

#include "hw/cpu.h"
#include "hw/percpu.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"
#include "vcpu/loaded.h"
#include "vcpu/ops.h"

struct tiny tiny;

int tiny_map_new_page(paddr_t address, mfn_t *mfn)
{
	*mfn = frame_alloc(0, tiny.domain->id);
	if (mfn_is_none(*mfn))
		return -1;
	return p2m_map(&tiny.domain->p2m, GFN(address >> PAGE_SHIFT), *mfn, P2M_ORDER_4K, P2M_RAM);
}

void tiny_set_flat_mode(void)
{
	struct segment data = { .attributes = 0xc93, .limit = 0xffffffff };
	struct segment code = { .attributes = 0xc9b, .limit = 0xffffffff };
	struct segment table = { .limit = 0 };

	for (enum segment_name name = SEGMENT_ES; name <= SEGMENT_GS; name++)
		vcpu_ops->set_segment(tiny.vcpu, name, name == SEGMENT_CS ? &code : &data);
	vcpu_ops->set_segment(tiny.vcpu, SEGMENT_IDTR, &table);
	vcpu_ops->set_control(tiny.vcpu, CONTROL_CR0, CR0_PE | CR0_ET);
	tiny.vcpu->regs = (struct guest_regs){ .rip = TINY_CODE, .rflags = RFLAGS_FIXED };
}

void tiny_end(void)
{
	domain_put(tiny.domain);
}

const char *tiny_begin(const void *code, size_t length)
{
	struct domain_config config = { .id = DOMID_INVALID, .max_vcpus = 1 };
	mfn_t mfn;

	CHECK(!domain_create(&config, &tiny.domain));
	CHECK(!domain_vcpu_create(tiny.domain, 0, this_cpu()));
	tiny.vcpu = tiny.domain->vcpus[0];
	CHECK(!tiny_map_new_page(TINY_DATA, &mfn));
	CHECK(!tiny_map_new_page(TINY_CODE, &mfn));
	memcpy(mfn_to_virt(mfn), code, length);
	tiny_set_flat_mode();
	vcpu_load(tiny.vcpu);
	return NULL;
}

struct vm_exit tiny_run(void)
{
	struct vm_exit exit;

	do {
		this_cpu()->in_guest = true;
		vcpu_ops->run(tiny.vcpu, &exit);
		this_cpu()->in_guest = false;
		asm volatile("sti; nop; cli" ::: "memory");
	} while (exit.kind == EXIT_INTERRUPT);
	return exit;
}
