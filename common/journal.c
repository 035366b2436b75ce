/* The journal as the place where log lines go, with what they are about as fields. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "common/journal.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

static const char *program;

static void put_number(char fields[JOURNAL_FIELDS_MAX][JOURNAL_FIELD_SIZE], unsigned int *count,
                       const char *name, uint64_t value)
{
	if (value)
		snprintf(fields[(*count)++], JOURNAL_FIELD_SIZE, "%s=%" PRIu64, name, value);
}

static void put_text(char fields[JOURNAL_FIELDS_MAX][JOURNAL_FIELD_SIZE], unsigned int *count,
                     const char *name, const char *value)
{
	if (value)
		snprintf(fields[(*count)++], JOURNAL_FIELD_SIZE, "%s=%s", name, value);
}

unsigned int journal_fields(char fields[JOURNAL_FIELDS_MAX][JOURNAL_FIELD_SIZE],
                            enum log_level level, const char *text,
                            const struct log_subject *subject)
{
	unsigned int count = 0;

	put_text(fields, &count, "MESSAGE", text);
	put_number(fields, &count, "PRIORITY", level);
	put_text(fields, &count, "SYSLOG_IDENTIFIER", program);
	put_text(fields, &count, "REMUS_VM", subject->vm);
	put_text(fields, &count, "REMUS_EVENT", subject->event);
	put_number(fields, &count, "REMUS_GENERATION", subject->generation);
	put_number(fields, &count, "REMUS_ROUND", subject->round);
	put_number(fields, &count, "REMUS_EPOCH", subject->epoch);
	return count;
}

static int send_fields(enum log_level level, const char *text, const struct log_subject *subject)
{
	char fields[JOURNAL_FIELDS_MAX][JOURNAL_FIELD_SIZE];
	struct iovec parts[JOURNAL_FIELDS_MAX];
	unsigned int count = journal_fields(fields, level, text, subject);

	for (unsigned int i = 0; i < count; i++)
		parts[i] = (struct iovec){ fields[i], strlen(fields[i]) };
	return sd_journal_sendv(parts, (int)count);
}

/* JOURNAL_STREAM is inherited by what has redirected its stderr, too: it names the file that the journal reads. */
static bool is_read_by_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat facts;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &facts) && facts.st_dev == device && facts.st_ino == inode;
}

void journal_open(const char *name)
{
	program = name;
	if (is_read_by_journal())
		log_to(send_fields);
}
