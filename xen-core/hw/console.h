/* The hypervisor's console: a ring of recent text, and the serial port behind it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_CONSOLE_H
#define XEN_CORE_HW_CONSOLE_H

#include "lib/types.h"

#define CONSOLE_RING_SIZE 65536 /* a power of two; the oldest text is overwritten */

void console_init(void);        /* installs itself as the sink of lib/print.h */
void console_use_options(void); /* console= and com1= as the operator wants them */
void console_poll_start(void);  /* starts polling for input, once timers work */

/* For panic, when this CPU alone is left: from now on nobody waits for the console's lock. */
void console_take_over(void);

/* Text to the serial port and the ring, raw; the ABI's console_io write also ends here. */
void console_write(const char *text, size_t length);

/*
 * Copies text from absolute position *position (counted since boot; moved up if overwritten)
 * and returns the bytes copied; *position is advanced past them.
 */
size_t console_ring_read(uint64_t *position, char *buffer, size_t size);
void console_ring_clear(void); /* what is there now will not be read again with position 0 */

/* Bytes typed on the serial port: moved to the buffer, count returned. */
size_t console_input(char *buffer, size_t size);

/* Called when input has arrived; and when text was added to the ring. From the poll, each 20 ms at
 * most: in interrupt context on CPU 0, no lock held. */
void console_set_hooks(void (*input_arrived)(void), void (*ring_grew)(void));

#endif
