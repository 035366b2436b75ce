/* What is printed for people, as their terminal can show it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/verbs/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_OTHERWISE 80
#define ROWS_OTHERWISE    24

bool terminal_is_on(void)
{
	return isatty(STDOUT_FILENO);
}

int terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return COLUMNS_OTHERWISE;
	return size.ws_col;
}

int terminal_rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row)
		return ROWS_OTHERWISE;
	return size.ws_row;
}

/* A letter takes a column, and in UTF-8 its further bytes none. */
static size_t bytes_of_columns(const char *line, int columns)
{
	size_t at = 0;

	for (int used = 0; line[at]; at++) {
		if (((unsigned char)line[at] & 0xc0) != 0x80 && used++ == columns)
			break;
	}
	return at;
}

void terminal_print(const char *line)
{
	size_t length = strlen(line);

	if (terminal_is_on())
		length = bytes_of_columns(line, terminal_columns());
	while (length && line[length - 1] == ' ')
		length--;
	printf("%.*s\n", (int)length, line);
}

bool terminal_has_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return terminal_is_on() && !(no && *no) && term && strcmp(term, "dumb");
}
