/* EtherTypes whose frames are not held (D7), by name: what an operator exempts of a VM's output. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Words as "arp,lldp", "0x88cc" or "none". What carries IP, or hides what it carries, is refused: clients would see of a VM what its
 * standby does not have.
 */

#ifndef COMMON_EXEMPT_H
#define COMMON_EXEMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXEMPT_MAX       8
#define EXEMPT_TEXT_SIZE 64 /* the longest text and its end */

/* Also the layout of a message and of shared memory. */
struct exempt {
	uint16_t types[EXEMPT_MAX]; /* as numbers of the host; 0: there is none from here on */
};

/* NULL, or what is wrong with the text, in a sentence that begins small; *exempt is then as it was. */
const char *exempt_parse(struct exempt *exempt, const char *text);

/* As exempt_parse() takes it: "none" if there is none. */
const char *exempt_write(const struct exempt *exempt, char text[EXEMPT_TEXT_SIZE]);

bool exempt_is_none(const struct exempt *exempt);

/* Whether those that came from elsewhere are such as exempt_parse() gives. */
bool exempt_is_sound(const struct exempt *exempt);

/* Whether an Ethernet frame is of one of them. Behind a VLAN tag nothing is looked for: such a frame is held. */
bool exempt_has(const struct exempt *exempt, const uint8_t *frame, size_t length);

#endif
