/* The second half of the boot: choose the vendor backend, build dom0, enter the run loop. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/boot_system.h"

#include "boot/dom0.h"
#include "boot/smp.h"
#include "domain/clock.h"
#include "domain/foreign.h"
#include "event/event.h"
#include "hw/console.h"
#include "hw/ipi.h"
#include "hw/machine.h"
#include "hw/percpu.h"
#include "irq/physical.h"
#include "lib/assert.h"
#include "lib/options.h"
#include "lib/print.h"
#include "run/run.h"
#include "selftest/selftest.h"
#include "vcpu/ops.h"
#include "vcpu/svm/svm.h"

const struct vcpu_ops *vcpu_ops;

static const struct vcpu_ops *const backends[] = { &svm_ops };

static void choose_backend(void)
{
	const char *missing = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(backends); i++) {
		missing = backends[i]->missing();
		if (!missing) {
			vcpu_ops = backends[i];
			log_info("virtualisation: %s\n", vcpu_ops->name);
			return;
		}
	}
	fatal("no virtualisation: %s\n", missing);
}

static void cpu_init(void *unused)
{
	(void)unused;
	run_cpu_init(this_cpu());
}

static void console_input_arrived(void)
{
	event_raise_global_virq(VIRQ_CONSOLE);
}

static void console_ring_grew(void)
{
	event_raise_global_virq(VIRQ_CON_RING);
}

static void domain_ended(struct domain *domain)
{
	if (!domain->privileged) {
		event_raise_global_virq(VIRQ_DOM_EXC);
		return;
	}
	if (domain->shutdown_code == SHUTDOWN_poweroff)
		machine_power_off();
	if (domain->shutdown_code == SHUTDOWN_watchdog)
		fatal("dom0 hangs\n");
	if (domain->shutdown_code != SHUTDOWN_reboot)
		fatal("dom0 has crashed\n");
	machine_restart();
}

void boot_system(void)
{
	choose_backend();
	cpu_init(NULL); /* the first makes what all share */
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i] != this_cpu())
			ipi_call(BIT(i), cpu_init, NULL);
	domain_clock_init();
	physical_init();
	if (options.selftest)
		selftest_run();
	domain_set_exit_hook(domain_ended);
	domain_foreign_init();
	dom0_build();
	console_set_hooks(console_input_arrived, console_ring_grew);
	smp_release(run_cpu);
	run_cpu(this_cpu());
}
