/* One request to remusd, and its reply. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/control/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define START_DAEMON "systemctl status remusd; systemctl start remusd"

static int connect_to(const char *path, unsigned int seconds)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = seconds };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int send_all(int fd, const char *line)
{
	size_t left = strlen(line);

	while (left) {
		ssize_t sent = send(fd, line, left, MSG_NOSIGNAL);

		if (sent < 0)
			return -errno;
		line += sent;
		left -= (size_t)sent;
	}
	return 0;
}

/* The bytes of a line without its newline. */
static ssize_t receive_line(int fd, char *line)
{
	size_t used = 0;

	while (used < CONTROL_REPLY_MAX) {
		ssize_t got = recv(fd, line + used, CONTROL_REPLY_MAX - used, 0);
		char *end;

		if (got <= 0)
			return got ? -errno : -EPIPE;
		end = memchr(line + used, '\n', (size_t)got);
		if (end)
			return end - line;
		used += (size_t)got;
	}
	return -EMSGSIZE;
}

static json_t *receive_reply(int fd)
{
	char *line = malloc(CONTROL_REPLY_MAX);
	ssize_t length = line ? receive_line(fd, line) : -ENOMEM;
	json_t *reply = length >= 0 ? control_parse(line, (size_t)length) : NULL;
	const json_t *error;

	free(line);
	if (reply && (control_result(reply, &error) || error))
		return reply;
	json_decref(reply);
	return control_refusal(CONTROL_BAD_REPLY, START_DAEMON,
	                       "remusd did not answer as it should%s%s", length < 0 ? ": " : "",
	                       length < 0 ? strerror((int)-length) : "");
}

json_t *control_ask(const char *socket_path, const json_t *request, unsigned int seconds)
{
	char *line = control_line(request, CONTROL_LINE_MAX);
	json_t *reply;
	int fd, err;

	if (!line)
		return control_refusal(CONTROL_USAGE, "remusctl help", "that is too long to ask");
	fd = connect_to(socket_path, seconds);
	if (fd < 0) {
		free(line);
		if (fd == -EACCES || fd == -EPERM)
			return control_refusal(CONTROL_NO_PERMISSION, "sudo remusctl ...",
			                       "only root may ask remusd");
		return control_refusal(CONTROL_NO_DAEMON, START_DAEMON,
		                       "remusd cannot be reached at %s: %s", socket_path,
		                       strerror(-fd));
	}
	err = send_all(fd, line);
	reply = err ? control_refusal(CONTROL_NO_DAEMON, START_DAEMON, "remusd does not listen: %s",
	                              strerror(-err))
	            : receive_reply(fd);
	free(line);
	close(fd);
	return reply;
}
