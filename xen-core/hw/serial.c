/* The first serial port, COM1: polled both ways, so that it works whatever else does not. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/serial.h"

#include "hw/cpu.h"
#include "hw/port.h"

#define COM1 0x3f8

enum uart_register {
	UART_DATA = COM1,
	UART_INTERRUPTS = COM1 + 1,
	UART_DIVISOR_LOW = COM1, /* both while LINE_DIVISOR is set */
	UART_DIVISOR_HIGH = COM1 + 1,
	UART_FIFO = COM1 + 2, /* reading: interrupt identification */
	UART_LINE = COM1 + 3,
	UART_MODEM = COM1 + 4,
	UART_STATUS = COM1 + 5,
	UART_SCRATCH = COM1 + 7,
};

#define LINE_8_BITS     0x03
#define LINE_DIVISOR    0x80
#define FIFO_ON_CLEARED 0x07
#define FIFO_WORKS      0xc0
#define MODEM_DTR_RTS   0x03
#define STATUS_RECEIVED 0x01
#define STATUS_EMPTY    0x20 /* the FIFO */
#define STATUS_IDLE     0x40 /* the line as well */
#define STATUS_NO_PORT  0xff

#define FIFO_SIZE    16
#define DIVISOR_BASE 115200

/* Some ten times what a full FIFO takes at 1200 baud; then the port is taken for broken. */
#define POLLS 1000000

static bool present;
static unsigned room; /* bytes that still fit into the transmitter */
static unsigned room_when_empty;

static bool answers(void)
{
	outb(UART_SCRATCH, 0x5a);
	return inb(UART_SCRATCH) == 0x5a && inb(UART_STATUS) != STATUS_NO_PORT;
}

void serial_flush(void)
{
	for (unsigned i = 0; present && i < POLLS && !(inb(UART_STATUS) & STATUS_IDLE); i++)
		cpu_relax();
}

void serial_init(unsigned baud)
{
	uint16_t divisor = (uint16_t)(DIVISOR_BASE / baud);

	serial_flush();
	present = answers();
	if (!present)
		return;
	outb(UART_INTERRUPTS, 0);
	outb(UART_LINE, LINE_DIVISOR);
	outb(UART_DIVISOR_LOW, (uint8_t)divisor);
	outb(UART_DIVISOR_HIGH, (uint8_t)(divisor >> 8));
	outb(UART_LINE, LINE_8_BITS);
	outb(UART_FIFO, FIFO_ON_CLEARED);
	outb(UART_MODEM, MODEM_DTR_RTS);
	room_when_empty = (inb(UART_FIFO) & FIFO_WORKS) == FIFO_WORKS ? FIFO_SIZE : 1;
	room = 0;
}

void serial_stop(void)
{
	present = false;
}

static void wait_for_room(void)
{
	for (unsigned i = 0; i < POLLS; i++) {
		if (inb(UART_STATUS) & STATUS_EMPTY) {
			room = room_when_empty;
			return;
		}
		cpu_relax();
	}
	present = false;
}

static void send(char c)
{
	if (!room)
		wait_for_room();
	if (!present)
		return;
	outb(UART_DATA, (uint8_t)c);
	room--;
}

void serial_write(const char *text, size_t length)
{
	for (size_t i = 0; i < length && present; i++) {
		if (text[i] == '\n')
			send('\r');
		send(text[i]);
	}
}

bool serial_read(char *c)
{
	if (!present || !(inb(UART_STATUS) & STATUS_RECEIVED))
		return false;
	*c = (char)inb(UART_DATA);
	return true;
}
