/* Interrupts of dom0's devices on their way to dom0. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "irq/physical.h"

#include "hw/apic.h"
#include "hw/interrupt.h"
#include "hw/percpu.h"
#include "irq/vlapic.h"
#include "lib/bits.h"

/*
 * dom0 programs the real IO-APIC and MSIs, so a vector means to the CPU what it means to the vCPU.
 * An edge is ended at once. A level stays in service at the real APIC until dom0 has served the
 * device, or it would come again for ever. The real APIC ends the highest vector in service, dom0 may
 * end them in another order: an end is noted, and done when its vector is the highest.
 */
struct device_interrupts {
	struct vcpu *vcpu;
	unsigned long in_service[4]; /* level vectors not yet ended at the real APIC */
	unsigned long ended[4];      /* those of them that the guest has ended */
};

static struct device_interrupts devices[MAX_CPUS]; /* each used by its own CPU only */

static int highest(const unsigned long *words)
{
	for (int i = 3; i >= 0; i--)
		if (words[i])
			return i * BITS_PER_LONG + (int)bit_highest(words[i]);
	return -1;
}

static void device_interrupt(uint8_t vector)
{
	struct device_interrupts *device = &devices[this_cpu()->id];
	bool level = apic_is_level(vector);
	bool wanted = device->vcpu && device->vcpu->up;

	if (level && wanted)
		bit_set(vector, device->in_service);
	else
		apic_eoi();
	if (wanted)
		vlapic_raise(device->vcpu, vector);
}

static void end_in_order(struct device_interrupts *device)
{
	for (int top = highest(device->in_service); top >= 0; top = highest(device->in_service)) {
		if (!bit_test((unsigned)top, device->ended))
			return;
		bit_clear((unsigned)top, device->in_service);
		bit_clear((unsigned)top, device->ended);
		apic_eoi();
	}
}

void physical_end(struct vcpu *vcpu, uint8_t vector)
{
	struct device_interrupts *device = &devices[this_cpu()->id];

	if (device->vcpu != vcpu || !bit_test(vector, device->in_service))
		return;
	bit_set(vector, device->ended);
	end_in_order(device);
}

void physical_end_all(struct vcpu *vcpu)
{
	struct device_interrupts *device = &devices[this_cpu()->id];

	if (device->vcpu != vcpu)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(device->ended); i++)
		device->ended[i] = device->in_service[i];
	end_in_order(device);
}

void physical_attach(struct cpu *cpu, struct vcpu *vcpu)
{
	devices[cpu->id].vcpu = vcpu;
}

void physical_init(void)
{
	interrupt_set_device_sink(device_interrupt);
}
