/* A test guest's reports: formatted, by the PV console's ring, and its end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

#include <stdarg.h>
#include <xen/io/console.h>

#define FAILURES_SHOWN 20
#define PATIENCE       1000000 /* yields until nobody is thought to read the console */

static unsigned failures;

uint64_t hvm_param(uint32_t index)
{
	struct xen_hvm_param param = { .domid = DOMID_SELF, .index = index };
	long err = hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &param);

	return err ? (uint64_t)err : param.value;
}

static void yield(void)
{
	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

static volatile struct xencons_interface *ring(void)
{
	static volatile struct xencons_interface *console;

	if (!console)
		console = (volatile struct xencons_interface *)((unsigned long)hvm_param(
									HVM_PARAM_CONSOLE_PFN) *
		                                                PAGE_SIZE);
	return console;
}

static void tell(void)
{
	static struct evtchn_send send;

	if (!send.port)
		send.port = (evtchn_port_t)hvm_param(HVM_PARAM_CONSOLE_EVTCHN);
	hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

static void put(const char *text)
{
	volatile struct xencons_interface *console = ring();
	unsigned waited = 0;

	for (; *text; text++) {
		while (console->out_prod - console->out_cons >= sizeof(console->out)) {
			tell();
			yield();
			if (++waited > PATIENCE)
				return;
		}
		console->out[MASK_XENCONS_IDX(console->out_prod, console->out)] = *text;
		asm volatile("" ::: "memory");
		console->out_prod++;
	}
	tell();
}

static void drain(void)
{
	for (unsigned i = 0; i < PATIENCE && ring()->out_cons != ring()->out_prod; i++)
		yield();
}

struct line {
	unsigned length;
	char text[240];
};

static void add(struct line *line, char c)
{
	if (line->length < sizeof(line->text) - 1)
		line->text[line->length++] = c;
}

static void add_number(struct line *line, unsigned long value, unsigned base)
{
	char digits[20];
	unsigned n = 0;

	do
		digits[n++] = "0123456789abcdef"[value % base];
	while (value /= base);
	while (n)
		add(line, digits[--n]);
}

static void add_signed(struct line *line, long value)
{
	if (value < 0)
		add(line, '-');
	add_number(line, value < 0 ? -(unsigned long)value : (unsigned long)value, 10);
}

/* %s, %d, %u and %x, the latter with # and l. */
static void add_format(struct line *line, const char *format, va_list args)
{
	for (; *format; format++) {
		bool is_long = false, prefix = false;

		if (*format != '%') {
			add(line, *format);
			continue;
		}
		for (format++; *format == 'l' || *format == '#'; format++) {
			is_long |= *format == 'l';
			prefix |= *format == '#';
		}
		if (prefix) {
			add(line, '0');
			add(line, 'x');
		}
		if (*format == 's')
			for (const char *s = va_arg(args, const char *); *s; s++)
				add(line, *s);
		else if (*format == 'd')
			add_signed(line, is_long ? va_arg(args, long) : va_arg(args, int));
		else
			add_number(line,
			           is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned),
			           *format == 'x' ? 16 : 10);
	}
}

static void add_text(struct line *line, const char *text)
{
	while (*text)
		add(line, *text++);
}

static void say(const char *kind, const char *format, va_list args)
{
	struct line line = { 0, { 0 } };

	add_text(&line, "guest: ");
	add_text(&line, test_name);
	add_text(&line, ": ");
	add_text(&line, kind);
	add_format(&line, format, args);
	line.text[line.length++] = '\n'; /* add() left room for it, and the zero is there */
	put(line.text);
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("note ", format, args);
	va_end(args);
}

void failed(const char *format, ...)
{
	va_list args;

	if (failures++ >= FAILURES_SHOWN)
		return;
	va_start(args, format);
	say("FAILED ", format, args);
	va_end(args);
}

static void say_ok(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("", format, args);
	va_end(args);
}

void report(void)
{
	if (!failures)
		say_ok("ok");
	else
		say_ok("%u failures", failures);
	drain();
}

void finish(void)
{
	struct sched_shutdown shutdown = { .reason = SHUTDOWN_poweroff };

	report();
	for (;;)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown);
}
