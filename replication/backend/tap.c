/* The tap device vifD.N: where a guest's frames enter and leave the host's network. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

/* Bytes a guest may have under way beyond the tap before it has to wait: some milliseconds of a fast
 * link, and a few large segments whatever the link. */
#define SEND_BUFFER_BYTES (1 << 20)

int tap_open(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int send_buffer = SEND_BUFFER_BYTES;
	int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err;

	if (tap < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(tap, TUNSETIFF, &request) || ioctl(tap, TUNSETPERSIST, 1) ||
	    ioctl(tap, TUNSETSNDBUF, &send_buffer))
		goto close_tap;
	return tap;

close_tap:
	err = -errno;
	close(tap);
	return err;
}

int tap_set_offloads(int tap, struct tap_offloads offloads)
{
	unsigned int features = 0;

	/* The tap knows one switch for checksums of both families: a frontend that cannot take those of IPv6 gets
	 * none left blank. */
	if (offloads.checksum_ipv4 && offloads.checksum_ipv6) {
		features |= TUN_F_CSUM;
		features |= offloads.segments_ipv4 ? TUN_F_TSO4 | TUN_F_TSO_ECN : 0;
		features |= offloads.segments_ipv6 ? TUN_F_TSO6 | TUN_F_TSO_ECN : 0;
	}
	return ioctl(tap, TUNSETOFFLOAD, features) ? -errno : 0;
}

int tap_set_carrier(int tap, bool is_on)
{
	int carrier = is_on;

	return ioctl(tap, TUNSETCARRIER, &carrier) ? -errno : 0;
}

void tap_close(int tap, bool is_final)
{
	if (is_final)
		ioctl(tap, TUNSETPERSIST, 0);
	close(tap);
}

ssize_t tap_read(int tap, struct virtio_net_hdr *header, void *frame, size_t bytes)
{
	struct iovec parts[] = { { header, sizeof(*header) }, { frame, bytes } };
	ssize_t got = readv(tap, parts, 2);

	if (got < 0)
		return -errno;
	return got < (ssize_t)sizeof(*header) ? -EIO : got - (ssize_t)sizeof(*header);
}

ssize_t tap_write(int tap, const struct virtio_net_hdr *header, const void *frame, size_t length)
{
	/* The interface has one type for reading and writing; these are only read. */
	struct iovec parts[] = { { (void *)(uintptr_t)header, sizeof(*header) },
		                 { (void *)(uintptr_t)frame, length } };

	return writev(tap, parts, 2) < 0 ? -errno : (ssize_t)length;
}
