/* The end of a hopeless run: say why, stop all CPUs, restart the machine. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/panic.h"

#include "hw/console.h"
#include "hw/cpu.h"
#include "hw/interrupt.h"
#include "hw/ipi.h"
#include "hw/machine.h"
#include "hw/percpu.h"
#include "hw/port.h"
#include "lib/assert.h"
#include "lib/options.h"
#include "lib/print.h"

/* Reads of a port that takes about a microsecond: a moment to read the screen by. */
#define PAUSE_READS 1000000

static struct cpu *panicking;
static bool again;

static void halt_here(void)
{
	for (;;)
		asm volatile("cli; hlt");
}

void panic_begin(void)
{
	struct cpu *nobody = NULL;

	interrupts_off();
	if (!__atomic_compare_exchange_n(&panicking, &nobody, this_cpu(), false, __ATOMIC_SEQ_CST,
	                                 __ATOMIC_SEQ_CST)) {
		if (panicking != this_cpu() || again)
			halt_here();
		again = true;
		print("it went wrong again while that was reported\n");
		panic_end();
	}
	ipi_stop_others();
	console_take_over();
}

void panic_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line("PANIC: ", format, args);
	va_end(args);
}

void panic_end(void)
{
	if (options.noreboot) {
		print("halted\n");
		machine_halt();
	}
	print("restarting\n");
	for (unsigned i = 0; i < PAUSE_READS; i++)
		inb(0x80);
	machine_restart();
}

void panic(const char *format, ...)
{
	const uint64_t *frame = __builtin_frame_address(0); /* the caller's RBP, where it goes on */
	va_list args;

	panic_begin();
	va_start(args, format);
	print_line("PANIC: ", format, args);
	va_end(args);
	backtrace_print(frame[1], frame[0]);
	panic_end();
}

void fatal(const char *format, ...)
{
	va_list args;

	panic_begin();
	va_start(args, format);
	print_line("FATAL: ", format, args);
	va_end(args);
	panic_end();
}
