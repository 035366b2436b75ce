/* Options of the configuration, one by one: what is not of their form is complained of, with its line. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/config/reading.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void reading_complain(struct reading *reading, unsigned int line, const char *format, ...)
{
	va_list args;
	int used;

	if (reading->is_wrong)
		return;
	reading->is_wrong = true;
	used = line ? snprintf(reading->error, CONFIG_ERROR_SIZE, "line %u: ", line) : 0;
	va_start(args, format);
	vsnprintf(reading->error + used, CONFIG_ERROR_SIZE - (size_t)used, format, args);
	va_end(args);
}

unsigned int reading_line(const config_setting_t *setting)
{
	return config_setting_source_line(setting);
}

/* Only the options that are named here may stand in a group. */
void reading_check(struct reading *reading, const config_setting_t *group, const char *const *known)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *member = config_setting_get_elem(group, (unsigned int)i);
		const char *name = config_setting_name(member);
		const char *const *option = known;

		while (*option && strcmp(*option, name))
			option++;
		if (!*option)
			reading_complain(reading, reading_line(member),
			                 "there is no option %.40s here", name);
	}
}

/* A text that must be there and fit. */
void reading_text(struct reading *reading, const config_setting_t *group, const char *name,
                  char *text, size_t size)
{
	const config_setting_t *member = config_setting_get_member(group, name);
	const char *value = member ? config_setting_get_string(member) : NULL;

	if (!member)
		reading_complain(reading, reading_line(group), "%s is missing", name);
	else if (!value || !*value)
		reading_complain(reading, reading_line(member), "%s must be a text in quotes",
		                 name);
	else if (strlen(value) >= size)
		reading_complain(reading, reading_line(member), "%s is too long", name);
	else
		strcpy(text, value);
}

void reading_name(struct reading *reading, const config_setting_t *group,
                  char name[CONFIG_NAME_SIZE])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

	reading_text(reading, group, "name", name, CONFIG_NAME_SIZE);
	if (!reading->is_wrong && name[strspn(name, letters)])
		reading_complain(reading, reading_line(config_setting_get_member(group, "name")),
		                 "a host's name has letters, digits, '-', '_' and '.' only");
}

/* Kept as inet_ntop() writes it, so that equal addresses are equal texts. */
void reading_address(struct reading *reading, const config_setting_t *group, const char *name,
                     char text[INET6_ADDRSTRLEN])
{
	unsigned char bytes[sizeof(struct in6_addr)];

	reading_text(reading, group, name, text, INET6_ADDRSTRLEN);
	if (reading->is_wrong)
		return;
	if (inet_pton(AF_INET, text, bytes) == 1)
		inet_ntop(AF_INET, bytes, text, INET6_ADDRSTRLEN);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		inet_ntop(AF_INET6, bytes, text, INET6_ADDRSTRLEN);
	else
		reading_complain(reading, reading_line(config_setting_get_member(group, name)),
		                 "%s must be an IPv4 or IPv6 address", name);
}

void reading_path(struct reading *reading, const config_setting_t *group, const char *name,
                  char path[CONFIG_PATH_SIZE])
{
	reading_text(reading, group, name, path, CONFIG_PATH_SIZE);
	if (!reading->is_wrong && path[0] != '/')
		reading_complain(reading, reading_line(config_setting_get_member(group, name)),
		                 "%s must be an absolute path", name);
}

uint32_t reading_number(struct reading *reading, const config_setting_t *group, const char *name,
                        uint32_t least, uint32_t most, uint32_t otherwise)
{
	const config_setting_t *member = group ? config_setting_get_member(group, name) : NULL;
	int type = member ? config_setting_type(member) : 0;
	long long value = member ? config_setting_get_int64(member) : otherwise;

	if (member && ((type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) || value < least ||
	               value > most)) {
		reading_complain(reading, reading_line(member), "%s must be a number from %u to %u",
		                 name, least, most);
		return otherwise;
	}
	return (uint32_t)value;
}

/* NULL if it is not there, or no group; `must`: complain if it is not there. */
const config_setting_t *reading_group(struct reading *reading, const config_setting_t *root,
                                      const char *name, const char *const *options, bool must)
{
	const config_setting_t *group = config_setting_get_member(root, name);

	if (!group && must)
		reading_complain(reading, 0, "%s is missing", name);
	if (!group)
		return NULL;
	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		reading_complain(reading, reading_line(group), "%s must be a group in braces",
		                 name);
		return NULL;
	}
	reading_check(reading, group, options);
	return group;
}

int reading_count(struct reading *reading, const config_setting_t *group, const char *name,
                  unsigned int most)
{
	const config_setting_t *list = config_setting_get_member(group, name);
	int count = !list                                           ? 0
	            : config_setting_type(list) == CONFIG_TYPE_LIST ? config_setting_length(list)
	                                                            : -1;

	if (count >= 0 && (unsigned int)count <= most)
		return count;
	reading_complain(reading, reading_line(list),
	                 "%s must be a list of at most %u, in parentheses", name, most);
	return -1;
}
