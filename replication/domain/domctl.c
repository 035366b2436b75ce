/* What dom0 asks of the hypervisor about a domain as `xl` would: that it stand still, how large it is. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/domain/domctl.h"

#include <errno.h>
#include <stddef.h>

#include <xenctrl.h>

static int order(int (*what)(xc_interface *xc, uint32_t domain), uint16_t domain)
{
	xc_interface *xc = xc_interface_open(NULL, NULL, 0);
	int err;

	if (!xc)
		return errno ? -errno : -EIO;
	err = what(xc, domain) ? -errno : 0;
	xc_interface_close(xc);
	return err;
}

int domctl_pause(uint16_t domain)
{
	return order(xc_domain_pause, domain);
}

int domctl_unpause(uint16_t domain)
{
	return order(xc_domain_unpause, domain);
}

uint64_t domctl_bytes(uint16_t domain)
{
	xc_interface *xc = xc_interface_open(NULL, NULL, 0);
	xc_domaininfo_t info;
	uint64_t bytes = 0;

	if (!xc)
		return 0;
	if (xc_domain_getinfolist(xc, domain, 1, &info) == 1 && info.domain == domain)
		bytes = info.tot_pages * XC_PAGE_SIZE;
	xc_interface_close(xc);
	return bytes;
}
