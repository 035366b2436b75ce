/* The configuration of a host on this machine, with one peer and certificates of certificates.h. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/peer_config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/certificates.h"

static void need(int is_right)
{
	if (!is_right)
		abort();
}

uint16_t peer_config_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	need(!bind(fd, (struct sockaddr *)&address, sizeof(address)));
	need(!getsockname(fd, (struct sockaddr *)&address, &size));
	close(fd);
	return ntohs(address.sin_port);
}

const char *peer_config(const char *name, const char *address, const char *peer,
                        const char *peer_address, uint16_t port)
{
	static char text[1024];
	char certificate[16], key[16];

	snprintf(certificate, sizeof(certificate), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);
	snprintf(
		text, sizeof(text),
		"name = \"%s\"; listen = \"%s\"; port = %u;"
		"peers = ( { name = \"far\"; address = \"127.0.0.9\"; }, { name = \"%s\"; address = \"%s\"; } );"
		"certificates = { authority = \"%s\"; certificate = \"%s\"; key = \"%s\"; };",
		name, address, port, peer, peer_address, certificates_path("ca.pem"),
		certificates_path(certificate), certificates_path(key));
	return text;
}
