/* The first serial port, COM1: a 16550 or nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_SERIAL_H
#define XEN_CORE_HW_SERIAL_H

#include "lib/types.h"

/* The calls are the console's: it sees to it that one CPU at a time makes them. */

/* 8 data bits, no parity. Where there is no port nothing is written or read from then on. */
void serial_init(unsigned baud);
void serial_stop(void); /* as if there was none */

/* Polls the port; "\n" becomes "\r\n". */
void serial_write(const char *text, size_t length);
void serial_flush(void);   /* waits until all of it is out; any CPU, at any time */
bool serial_read(char *c); /* false if nothing was typed */

#endif
