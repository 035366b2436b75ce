/* dom0's way to the hypervisor's console: text out to the serial port, keys in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

#include "hw/console.h"

#define CHUNK         128   /* bytes copied at once */
#define BYTES_AT_ONCE 1024U /* a serial port may be slow: interrupts get their chance in between */

static long console_out(struct hypercall *call, uint32_t count, uint64_t buffer)
{
	uint32_t now = MIN(count, BYTES_AT_ONCE);

	for (uint32_t done = 0; done < now;) {
		char text[CHUNK];
		uint32_t length = MIN(now - done, (uint32_t)sizeof(text));
		long err = copy_from_guest(call->caller, text, buffer + done, length);

		if (err)
			return err;
		console_write(text, length);
		done += length;
	}
	call->args[1] = count - now;
	call->args[2] = buffer + now;
	call->again = count > now;
	return 0;
}

static long console_in(struct hypercall *call, uint32_t count, uint64_t buffer)
{
	char text[CHUNK];
	size_t length = console_input(text, MIN(count, sizeof(text)));
	long err = copy_to_guest(call->caller, buffer, text, length);

	return err ? err : (long)length;
}

/* args: operation, bytes, the text's address. */
long hypercall_console_io(struct hypercall *call)
{
	uint32_t count = call->args[1];

	if (!call->caller->domain->privileged)
		return -EPERM;
	switch (call->args[0]) {
	case CONSOLEIO_write:
		return console_out(call, count, call->args[2]);
	case CONSOLEIO_read:
		return console_in(call, count, call->args[2]);
	default:
		return -ENOSYS;
	}
}
