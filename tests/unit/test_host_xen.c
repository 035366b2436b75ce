/* Which images VMs of this host have, by its xenstore: by any name of one, and never "none" for want of an answer. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/host_xen.c replication/daemon/checks.c replication/daemon/keeper.c replication/daemon/child.c toolstack/control/codes.c toolstack/control/message.c common/log.c */
/* libs: -lxenlight -lxenctrl -ljansson -lev */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/daemon/host_xen.h"

#define DISKS "/local/domain/0/backend/vbd"

static char folder[64], image[80], other[80], alias[80];
static const char *params;  /* of the only disk, of guest 3; NULL: there is none */
static const char *failing; /* what is asked of that path fails */

/* --- the xenstore --- */

static bool fails(const char *path)
{
	errno = failing && !strcmp(path, failing) ? EIO : ENOENT;
	return errno == EIO;
}

char **xs_directory(struct xs_handle *xs, xs_transaction_t transaction, const char *path,
                    unsigned int *count)
{
	const char *name = !strcmp(path, DISKS) ? "3" : !strcmp(path, DISKS "/3") ? "51712" : NULL;
	char **names;

	if (fails(path) || !params || !name)
		return NULL;
	names = malloc(sizeof(*names));
	names[0] = (char *)(uintptr_t)name;
	*count = 1;
	return names;
}

void *xs_read(struct xs_handle *xs, xs_transaction_t transaction, const char *path,
              unsigned int *length)
{
	return fails(path) || !params || strcmp(path, DISKS "/3/51712/params") ? NULL
	                                                                       : strdup(params);
}

/* --- */

static struct host_xen xen;

static int is_used(const char *path, unsigned int but)
{
	return xen.host.ops->is_used(&xen.host, path, but);
}

static void by_any_name(void **state)
{
	params = NULL;
	assert_int_equal(is_used(image, 0), 0);
	params = image;
	assert_int_equal(is_used(image, 0), 1);
	assert_int_equal(is_used(image, 3), 0);
	assert_int_equal(is_used(other, 0), 0);
	params = alias;
	assert_int_equal(is_used(image, 0), 1);
	params = "not a path";
	assert_int_equal(is_used(image, 0), 0);
}

static void not_known_is_not_no(void **state)
{
	static const char *const paths[] = { DISKS, DISKS "/3", DISKS "/3/51712/params" };
	struct protection protection;

	params = other;
	for (unsigned int i = 0; i < 3; i++) {
		failing = paths[i];
		assert_int_equal(is_used(image, 0), -EIO);
	}
	failing = DISKS "/3";
	assert_non_null(xen.host.ops->disks(&xen.host, 3, &protection));
	failing = NULL;
	assert_int_equal(is_used(image, 0), 0);
	assert_null(xen.host.ops->disks(&xen.host, 3, &protection));
	assert_int_equal(protection.disk_count, 1);
}

static int set_up(void **state)
{
	strcpy(folder, "/tmp/test_host_xen.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(image, sizeof(image), "%s/image", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	snprintf(alias, sizeof(alias), "%s/alias", folder);
	fclose(fopen(image, "w"));
	fclose(fopen(other, "w"));
	assert_int_equal(truncate(other, 4096), 0);
	assert_int_equal(symlink(image, alias), 0);
	host_xen_init(&xen, NULL, NULL, "");
	return 0;
}

static int tear_down(void **state)
{
	unlink(alias);
	unlink(other);
	unlink(image);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_any_name),
		cmocka_unit_test(not_known_is_not_no),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
