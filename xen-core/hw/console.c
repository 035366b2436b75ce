/* The hypervisor's console: a ring of recent text, and the serial port behind it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/console.h"

#include "hw/lock.h"
#include "hw/percpu.h"
#include "hw/serial.h"
#include "hw/timer.h"
#include "lib/options.h"
#include "lib/print.h"

#define POLL_EVERY MILLISECONDS(20)
#define INPUT_SIZE 256 /* a power of two; more than 20 ms can bring at 115200 baud */

static struct lock lock = LOCK_INIT(LOCK_CONSOLE); /* over all below */
static bool lock_is_void;

/* Positions are counted since boot, so that readers can tell what they have seen. */
static char ring[CONSOLE_RING_SIZE];
static uint64_t ring_end, ring_cleared;
static bool in_mid_line;

static char input[INPUT_SIZE];
static unsigned input_first, input_end;

static void (*input_arrived_hook)(void);
static void (*ring_grew_hook)(void);

static void take(void)
{
	if (!lock_is_void)
		lock_take(&lock);
}

static void release(void)
{
	if (!lock_is_void)
		lock_release(&lock);
}

void console_take_over(void)
{
	lock_is_void = true;
}

static void put(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		ring[ring_end++ % CONSOLE_RING_SIZE] = text[i];
	serial_write(text, length);
	if (length)
		in_mid_line = text[length - 1] != '\n';
}

void console_write(const char *text, size_t length)
{
	take();
	put(text, length);
	release();
}

/* The hypervisor's own lines begin at the left margin, even if dom0 has left the cursor elsewhere. */
static void write_line(const char *text, size_t length)
{
	take();
	if (in_mid_line)
		put("\n", 1);
	put(text, length);
	release();
}

size_t console_ring_read(uint64_t *position, char *buffer, size_t size)
{
	uint64_t oldest;
	size_t length = 0;

	take();
	oldest = ring_end > CONSOLE_RING_SIZE ? ring_end - CONSOLE_RING_SIZE : 0;
	oldest = MAX(oldest, ring_cleared);
	*position = MAX(*position, oldest);
	while (*position < ring_end && length < size)
		buffer[length++] = ring[(*position)++ % CONSOLE_RING_SIZE];
	release();
	return length;
}

void console_ring_clear(void)
{
	take();
	ring_cleared = ring_end;
	release();
}

size_t console_input(char *buffer, size_t size)
{
	size_t length = 0;

	take();
	while (input_first != input_end && length < size)
		buffer[length++] = input[input_first++ % INPUT_SIZE];
	release();
	return length;
}

/* What is typed while nobody takes it is lost once the buffer is full. */
static bool poll_input(void)
{
	bool any = false;
	char c;

	take();
	while (serial_read(&c)) {
		if (input_end - input_first < INPUT_SIZE)
			input[input_end++ % INPUT_SIZE] = c;
		any = true;
	}
	release();
	return any;
}

/* The ring's readers are told from here and not from where the text is written: there any lock may
 * be held. */
static void poll_ring(void)
{
	static uint64_t seen;
	uint64_t end = __atomic_load_n(&ring_end, __ATOMIC_RELAXED);

	if (end == seen)
		return;
	seen = end;
	if (ring_grew_hook)
		ring_grew_hook();
}

static void poll(struct timer *timer)
{
	if (poll_input() && input_arrived_hook)
		input_arrived_hook();
	poll_ring();
	timer_set(timer, cpus[0], NANOS(clock_now().v + POLL_EVERY));
}

void console_poll_start(void)
{
	static struct timer timer;

	timer_init(&timer, poll);
	timer_set(&timer, cpus[0], NANOS(clock_now().v + POLL_EVERY));
}

void console_set_hooks(void (*input_arrived)(void), void (*ring_grew)(void))
{
	input_arrived_hook = input_arrived;
	ring_grew_hook = ring_grew;
}

void console_init(void)
{
	serial_init(options.com1_baud);
	print_set_sink(write_line);
}

void console_use_options(void)
{
	take();
	if (options.console_com1)
		serial_init(options.com1_baud);
	else
		serial_stop();
	release();
}
