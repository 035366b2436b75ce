/* The door of a guest's backend worker: its socket, and messages through it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/hold/door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that wait to be looked at. */
#define BACKLOG 4

static void make_address(struct sockaddr_un *address, unsigned int domid)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	door_path(address->sun_path, domid);
}

void door_path(char *path, unsigned int domid)
{
	snprintf(path, DOOR_PATH_BYTES, DOOR_FOLDER "/backend-%u.door", domid);
}

int door_listen(unsigned int domid)
{
	struct sockaddr_un address;
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (listener < 0)
		return -errno;
	make_address(&address, domid);
	unlink(address.sun_path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(listener, BACKLOG) == 0)
		return listener;
	err = -errno;
	close(listener);
	return err;
}

int door_connect(unsigned int domid)
{
	struct sockaddr_un address;
	int door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (door < 0)
		return -errno;
	make_address(&address, domid);
	if (connect(door, (struct sockaddr *)&address, sizeof(address)) == 0)
		return door;
	err = -errno;
	close(door);
	return err;
}

/* Room for one descriptor beside a message, aligned as the system wants it. */
union control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

int door_send(int socket, const struct door_message *message, int fd)
{
	/* The interface has one type for both directions; this is only read. */
	struct iovec part = { (void *)(uintptr_t)message, sizeof(*message) };
	union control control = { .bytes = { 0 } };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int descriptor_of(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int fd = -1;

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS &&
	    control->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}

int door_receive(int socket, struct door_message *message, int *fd)
{
	struct iovec part = { message, sizeof(*message) };
	union control control;
	struct msghdr header = { .msg_iov = &part,
		                 .msg_iovlen = 1,
		                 .msg_control = &control,
		                 .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (got < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (got == 0)
		return -EPIPE;
	*fd = descriptor_of(&header);
	if (got == sizeof(*message) && !(header.msg_flags & MSG_TRUNC) &&
	    message->version == DOOR_VERSION)
		return 0;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -EPROTO;
}
