/* The hypervisor's command line: a table of known options, each with its parser. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/options.h"

#include "lib/print.h"
#include "lib/string.h"

#define WORD_MAX 128

struct options options = {
	.console_com1 = true,
	.com1_baud = 115200,
};

char options_text[1024];

/* Each parser takes what stands behind the '=', NULL without one; false: it makes no sense. */

static bool parse_flag(const char *text, void *value)
{
	if (text)
		return false;
	*(bool *)value = true;
	return true;
}

/* Digits up to `end`, which is set to what follows them. */
static bool parse_digits(const char *text, uint64_t *value, const char **end)
{
	uint64_t number = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(number, 10UL, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return false;
	*value = number;
	*end = text;
	return true;
}

static bool parse_unsigned(const char *text, void *value)
{
	const char *end;
	uint64_t number;

	if (!text || !parse_digits(text, &number, &end) || *end || number > UINT32_MAX)
		return false;
	*(unsigned *)value = (unsigned)number;
	return true;
}

static bool parse_baud(const char *text, void *value)
{
	unsigned baud;

	if (!parse_unsigned(text, &baud) || !baud || 115200 % baud)
		return false;
	*(unsigned *)value = baud;
	return true;
}

/* As Xen has it: a number without a unit is in KiB. */
static bool parse_size(const char *text, void *value)
{
	static const char units[] = "BKMGT";
	unsigned unit = 1;
	const char *end, *letter;
	uint64_t number;

	if (!text || !parse_digits(text, &number, &end))
		return false;
	if (*end) {
		letter = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
		if (!letter || end[1])
			return false;
		unit = (unsigned)(letter - units);
	}
	if (number > UINT64_MAX >> 10 * unit)
		return false;
	*(uint64_t *)value = number << 10 * unit;
	return true;
}

static bool parse_console(const char *text, void *value)
{
	bool com1 = text && strcmp(text, "com1") == 0;

	if (!com1 && (!text || strcmp(text, "none") != 0))
		return false;
	*(bool *)value = com1;
	return true;
}

static bool parse_level(const char *text, void *value)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	for (unsigned i = 0; text && i < ARRAY_SIZE(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*(enum log_level *)value = i;
			return true;
		}
	return false;
}

static const struct option {
	const char *name;
	bool (*parse)(const char *text, void *value);
	void *value;
} known[] = {
	{ "com1", parse_baud, &options.com1_baud },
	{ "console", parse_console, &options.console_com1 },
	{ "dom0_max_vcpus", parse_unsigned, &options.dom0_max_vcpus },
	{ "dom0_mem", parse_size, &options.dom0_mem },
	{ "dom0_verbose", parse_flag, &options.dom0_verbose },
	{ "loglvl", parse_level, &log_limit },
	{ "maxcpus", parse_unsigned, &options.maxcpus },
	{ "noreboot", parse_flag, &options.noreboot },
	{ "selftest", parse_flag, &options.selftest },
	{ "spare_boot_cpu", parse_flag, &options.spare_boot_cpu },
};

static const struct option *find_option(const char *word, size_t length)
{
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == length && strncmp(known[i].name, word, length) == 0)
			return &known[i];
	return NULL;
}

/* One word, ended by a NUL. */
static void parse_word(const char *word)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct option *option = find_option(word, length);

	if (!option)
		log_error("unknown option '%.*s'\n", (int)length, word);
	else if (!option->parse(equals ? equals + 1 : NULL, option->value))
		log_error("option '%s' makes no sense\n", word);
}

/* Copies the next word of *text, cut to its space; false if there is none. */
static bool next_word(const char **text, char word[WORD_MAX])
{
	size_t length = 0;

	while (**text == ' ' || **text == '\t')
		(*text)++;
	for (; **text && **text != ' ' && **text != '\t'; (*text)++)
		if (length < WORD_MAX - 1)
			word[length++] = **text;
	word[length] = '\0';
	return length > 0;
}

void options_parse(const char *command_line)
{
	char word[WORD_MAX];

	snprintf(options_text, sizeof(options_text), "%s", command_line);
	while (next_word(&command_line, word))
		parse_word(word);
}
