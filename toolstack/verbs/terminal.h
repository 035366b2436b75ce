/* What is printed for people, as their terminal can show it. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_VERBS_TERMINAL_H
#define TOOLSTACK_VERBS_TERMINAL_H

#include <stdbool.h>

/* Whether stdout is one. */
bool terminal_is_on(void);

/* Columns of it; 80 if that is not known. */
int terminal_columns(void);
/* Its lines; 24. */
int terminal_rows(void);

/* One line, of at most 511 bytes; on a terminal cut to its width. */
void terminal_print(const char *line);

/* Whether colours are wanted: on a terminal, unless NO_COLOR is set or TERM is "dumb". */
bool terminal_has_colour(void);

#endif
