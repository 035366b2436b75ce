/* The journal as the place where log lines go, with what they are about as fields. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef COMMON_JOURNAL_H
#define COMMON_JOURNAL_H

#include "common/log.h"

/* After log_open(): if the journal reads our stderr, it is spoken to directly from now on. */
void journal_open(const char *program);

/* The lines "NAME=value" of an entry, for sd_journal_sendv(): as many as were made. */
#define JOURNAL_FIELDS_MAX 8
#define JOURNAL_FIELD_SIZE 640
unsigned int journal_fields(char fields[JOURNAL_FIELDS_MAX][JOURNAL_FIELD_SIZE],
                            enum log_level level, const char *text,
                            const struct log_subject *subject);

#endif
