/* The tap device vifD.N: where a guest's frames enter and leave the host's network. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * The device is persistent: it stays a port of its bridge while no process serves it, and a new one takes it up by
 * name. It goes when its vif goes.
 */

#ifndef REPLICATION_BACKEND_TAP_H
#define REPLICATION_BACKEND_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/virtio_net.h>

/* The largest frame that a tap gives or takes: 64 KiB of IP packet and its Ethernet header with tags. */
#define TAP_FRAME_BYTES_MAX (65536u + 32u)

/* What may be left undone in frames that the guest is given. */
struct tap_offloads {
	bool checksum_ipv4, checksum_ipv6;
	bool segments_ipv4, segments_ipv6;
};

/* Open the tap of that name, making it if there is none. The descriptor, or a negative errno. */
int tap_open(const char *name);

int tap_set_offloads(int tap, struct tap_offloads offloads);

/* Without carrier the bridge sends nothing here: nobody would take it. */
int tap_set_carrier(int tap, bool is_on);

/* Let go of the tap; with it goes the device if is_final. */
void tap_close(int tap, bool is_final);

/* One frame. The bytes of the frame, or -EAGAIN when there is none or no room for it. */
ssize_t tap_read(int tap, struct virtio_net_hdr *header, void *frame, size_t bytes);
ssize_t tap_write(int tap, const struct virtio_net_hdr *header, const void *frame, size_t length);

#endif
