/* The options of a fence agent, in a file of their own: they are secrets. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/agent/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(char why[OPTIONS_WHY_SIZE], const char *path, const char *what, int err)
{
	snprintf(why, OPTIONS_WHY_SIZE, "%.100s: %s", path, what);
	return err;
}

/* A file of ours alone; a negative errno. */
static int open_own(const char *path, char why[OPTIONS_WHY_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *wrong = NULL;
	struct stat facts;

	if (fd < 0)
		return refuse(why, path, strerror(errno), -errno);
	if (fstat(fd, &facts) || !S_ISREG(facts.st_mode))
		wrong = "it is no file";
	else if (facts.st_uid != geteuid())
		wrong = "it belongs to another user";
	else if (facts.st_mode & 077)
		wrong = "it is open to others: chmod 0600";
	if (!wrong)
		return fd;
	close(fd);
	return refuse(why, path, wrong, -EPERM);
}

/* 0: it does not fit. */
static size_t add_line(char *to, size_t used, const char *line, size_t length)
{
	if (used + length + 2 > AGENT_OPTIONS_SIZE)
		return 0;
	memcpy(to + used, line, length);
	memcpy(to + used + length, "\n", 2);
	return used + length + 1;
}

static int take_lines(struct agent *agent, const char *text)
{
	size_t used = 0;

	agent->options[0] = 0;
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length && *text != '#') {
			used = add_line(agent->options, used, text, length);
			if (!used)
				return -E2BIG;
		}
		text += length + (text[length] != 0);
	}
	return 0;
}

static int take_text(struct agent *agent, const char *path, const char *text, size_t size,
                     char why[OPTIONS_WHY_SIZE])
{
	const char *wrong;

	if (memchr(text, 0, size))
		return refuse(why, path, "it is no text", -EINVAL);
	if (take_lines(agent, text))
		return refuse(why, path, "it has too many options", -E2BIG);
	wrong = agent_refusal(agent);
	return wrong ? refuse(why, path, wrong, -EINVAL) : 0;
}

int options_read(struct agent *agent, const char *path, char why[OPTIONS_WHY_SIZE])
{
	char text[2 * AGENT_OPTIONS_SIZE] = { 0 };
	int err, fd = open_own(path, why);
	ssize_t size;

	if (fd < 0)
		return fd;
	size = read(fd, text, sizeof(text));
	if (size < 0)
		err = refuse(why, path, strerror(errno), -errno);
	else if ((size_t)size == sizeof(text))
		err = refuse(why, path, "it is too long", -EINVAL);
	else
		err = take_text(agent, path, text, (size_t)size, why);
	close(fd);
	explicit_bzero(text, sizeof(text));
	return err;
}
