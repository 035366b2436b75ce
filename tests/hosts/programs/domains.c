/* Prints, from dom0, the free frames of the host, and frames and CPU time of every domain. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line "free FRAMES scrub FRAMES", then for each domain "DOMID FRAMES CPU_NANOSECONDS". xl shows
 * the same in MiB and seconds, too coarse for a leak of one frame or a share of a CPU.
 */
#include <stdio.h>
#include <xenctrl.h>

#define DOMAINS_MAX 256

int main(void)
{
	xc_interface *xc = xc_interface_open(NULL, NULL, 0);
	static xc_domaininfo_t list[DOMAINS_MAX];
	xc_physinfo_t host = { 0 };
	int count;

	if (!xc || xc_physinfo(xc, &host)) {
		perror("physinfo");
		return 1;
	}
	printf("free %lu scrub %lu\n", (unsigned long)host.free_pages,
	       (unsigned long)host.scrub_pages);
	count = xc_domain_getinfolist(xc, 0, DOMAINS_MAX, list);
	for (int i = 0; i < count; i++)
		printf("%u %lu %lu\n", list[i].domain, (unsigned long)list[i].tot_pages,
		       (unsigned long)list[i].cpu_time);
	return count < 0;
}
