/* EtherTypes whose frames are not held (D7), by name: what an operator exempts of a VM's output. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "common/exempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_AT  12u
#define TYPE_MIN 0x0600u /* below it the field is a length */

static const struct known {
	const char *name;
	uint16_t type;
	bool is_refused;
} known[] = {
	{ "arp", 0x0806, false },   { "rarp", 0x8035, false },
	{ "lldp", 0x88cc, false },  { "lacp", 0x8809, false },
	{ "eapol", 0x888e, false }, { "ipv4", 0x0800, true },
	{ "ipv6", 0x86dd, true },   { "vlan", 0x8100, true },
	{ "qinq", 0x88a8, true },   { "vlan-9100", 0x9100, true },
	{ "mpls", 0x8847, true },   { "mpls-multicast", 0x8848, true },
	{ "pppoe", 0x8864, true },  { "macsec", 0x88e5, true },
};
#define KNOWN_COUNT (sizeof(known) / sizeof(known[0]))

static const struct known *find(uint16_t type)
{
	for (unsigned int i = 0; i < KNOWN_COUNT; i++) {
		if (known[i].type == type)
			return &known[i];
	}
	return NULL;
}

static bool may_be(uint16_t type)
{
	const struct known *found = find(type);

	return type >= TYPE_MIN && (!found || !found->is_refused);
}

static bool has_type(const struct exempt *exempt, uint16_t type)
{
	for (unsigned int i = 0; i < EXEMPT_MAX && exempt->types[i]; i++) {
		if (exempt->types[i] == type)
			return true;
	}
	return false;
}

/* "arp" or "0x0806"; 0: neither. */
static uint16_t read_type(const char *word, size_t length)
{
	char digits[8] = "";

	for (unsigned int i = 0; i < KNOWN_COUNT; i++) {
		if (strlen(known[i].name) == length && !strncmp(known[i].name, word, length))
			return known[i].type;
	}
	if (length < 3 || length > 6 || word[0] != '0' || word[1] != 'x')
		return 0;
	memcpy(digits, word + 2, length - 2);
	if (strspn(digits, "0123456789abcdefABCDEF") != length - 2)
		return 0;
	return (uint16_t)strtoul(digits, NULL, 16);
}

static const char *add(struct exempt *exempt, unsigned int count, const char *word, size_t length)
{
	uint16_t type = read_type(word, length);

	if (!type)
		return "an EtherType is arp, rarp, lldp, lacp, eapol, or as 0x88cc";
	if (!may_be(type))
		return type < TYPE_MIN ? "an EtherType is 0x0600 or more"
		                       : "IP, and what carries or hides it, is always held";
	if (has_type(exempt, type))
		return "one EtherType twice";
	if (count == EXEMPT_MAX)
		return "more EtherTypes than 8";
	exempt->types[count] = type;
	return NULL;
}

const char *exempt_parse(struct exempt *exempt, const char *text)
{
	struct exempt read = { .types = { 0 } };
	const char *wrong = NULL;
	unsigned int count = 0;

	if (!strcmp(text, "none")) {
		*exempt = read;
		return NULL;
	}
	do {
		size_t length = strcspn(text, ",");

		wrong = add(&read, count++, text, length);
		text += length;
	} while (!wrong && *text++);
	if (!wrong)
		*exempt = read;
	return wrong;
}

const char *exempt_write(const struct exempt *exempt, char text[EXEMPT_TEXT_SIZE])
{
	size_t used = 0;

	strcpy(text, "none");
	for (unsigned int i = 0; i < EXEMPT_MAX && exempt->types[i]; i++) {
		const struct known *found = find(exempt->types[i]);
		const char *comma = i ? "," : "";
		int length = found ? snprintf(text + used, EXEMPT_TEXT_SIZE - used, "%s%s", comma,
		                              found->name)
		                   : snprintf(text + used, EXEMPT_TEXT_SIZE - used, "%s0x%04x",
		                              comma, exempt->types[i]);

		used += (size_t)length;
	}
	return text;
}

bool exempt_is_none(const struct exempt *exempt)
{
	return !exempt->types[0];
}

bool exempt_is_sound(const struct exempt *exempt)
{
	struct exempt before = { .types = { 0 } };

	for (unsigned int i = 0; i < EXEMPT_MAX; i++) {
		uint16_t type = exempt->types[i];

		if (!type)
			continue;
		if (!may_be(type) || has_type(&before, type) || (i && !exempt->types[i - 1]))
			return false;
		before.types[i] = type;
	}
	return true;
}

bool exempt_has(const struct exempt *exempt, const uint8_t *frame, size_t length)
{
	uint16_t type;

	if (exempt_is_none(exempt) || length < TYPE_AT + 2)
		return false;
	type = (uint16_t)(frame[TYPE_AT] << 8 | frame[TYPE_AT + 1]);
	return type && has_type(exempt, type);
}
