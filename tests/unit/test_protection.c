/* What is protected, on disk: what comes back, what is refused, and damage that is told. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/protection.c replication/daemon/ledger.c common/exempt.c */
/* libs: -ljansson */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/daemon/ledger.h"

static const struct protection web = {
	.name = "web",
	.uuid = "00112233-4455-6677-8899-aabbccddeeff",
	.domid = 7,
	.role = PROTECTION_PRIMARY,
	.peer = "b",
	.generation = 3,
	.port = 7789,
	.settings = { .interval = 25, .budget = 16384, .memory = 256 },
	.round = 4,
	.is_arbitrated = true,
	.has_devices = true,
	.disk_count = 2,
	.disks = { { "/dev/vg/web", 51712, 1u << 30 }, { "/srv/data.img", 51728, 4096 } },
};

static void test_there_and_back(void **state)
{
	struct protection read;
	char why[PROTECTION_WHY_SIZE];
	json_t *json = protection_to_json(&web);

	memset(&read, 0, sizeof(read));
	assert_int_equal(protection_from_json(&read, json, why), 0);
	assert_memory_equal(&read, &web, sizeof(web));
	json_decref(json);
}

static void test_exemptions_are_kept(void **state)
{
	struct protection exempting = web, read;
	char why[PROTECTION_WHY_SIZE];
	json_t *json = protection_to_json(&web);

	/* A record without is as those were before there were any. */
	assert_null(json_object_get(json_object_get(json, "settings"), "exempt"));
	json_decref(json);
	assert_null(exempt_parse(&exempting.settings.exempt, "lldp,0x88b5"));
	json = protection_to_json(&exempting);
	assert_string_equal(json_string_value(
				    json_object_get(json_object_get(json, "settings"), "exempt")),
	                    "lldp,0x88b5");
	memset(&read, 0, sizeof(read));
	assert_int_equal(protection_from_json(&read, json, why), 0);
	assert_memory_equal(&read, &exempting, sizeof(web));
	assert_false(protection_is_same(&exempting, &web));
	json_decref(json);
}

/* What it says with one field changed to what the text says, or left out (NULL). */
static void refuse(const char *field, const char *value, const char *complaint)
{
	json_t *json = protection_to_json(&web);
	json_t *changed = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
	struct protection read, before;
	char why[PROTECTION_WHY_SIZE];

	memset(&read, 0x5a, sizeof(read));
	before = read;
	if (value)
		assert_int_equal(json_object_set_new(json, field, changed), 0);
	else
		json_object_del(json, field);
	assert_int_equal(protection_from_json(&read, json, why), -EINVAL);
	if (!strstr(why, complaint))
		fail_msg("`%s` is not about `%s`", why, complaint);
	assert_memory_equal(&read, &before, sizeof(read));
	json_decref(json);
}

static void test_what_cannot_be(void **state)
{
	char long_path[400] = "[{\"device\":1,\"bytes\":512,\"path\":\"/";

	refuse("name", "\"../etc\"", "name");
	refuse("name", "\".web\"", "name");
	refuse("name", "\"\"", "name");
	refuse("name", "7", "string");
	refuse("name", NULL, "name");
	refuse("uuid", "\"00112233-4455-6677-8899-aabbccddeefg\"", "uuid");
	refuse("uuid", "\"00112233\"", "uuid");
	refuse("role", "\"both\"", "role");
	refuse("peer", "\"\"", "peer");
	refuse("domid", "0", "domid");
	refuse("domid", "32752", "domid");
	refuse("generation", "0", "generation");
	refuse("port", "65536", "port");
	refuse("settings", "{\"interval\":0,\"budget\":64,\"memory\":16}", "interval");
	refuse("settings", "{\"interval\":1,\"budget\":64,\"memory\":16,\"pace\":1}", "pace");
	refuse("settings", "{\"interval\":1,\"budget\":64,\"memory\":16,\"exempt\":\"ipv4\"}",
	       "always held");
	refuse("settings", "{\"interval\":1,\"budget\":64,\"memory\":16,\"exempt\":7}", "string");
	refuse("disks", "{}", "disks");
	refuse("disks", "[{\"path\":\"web\",\"device\":1,\"bytes\":512}]", "path");
	refuse("disks", "[{\"path\":\"/srv/../etc\",\"device\":1,\"bytes\":512}]", "path");
	refuse("disks", "[{\"path\":\"/a\",\"device\":1,\"bytes\":100}]", "size");
	refuse("disks", "[{\"path\":\"/a\",\"device\":-1,\"bytes\":512}]", "number");
	refuse("disks",
	       "[{\"path\":\"/a\",\"device\":1,\"bytes\":512},{\"path\":\"/a\",\"device\":2,\"bytes\":512}]",
	       "twice");
	memset(long_path + strlen(long_path), 'x', 300);
	strcat(long_path, "\"}]");
	refuse("disks", long_path, "path");
	refuse("more", "1", "more");
}

static char folder_path[] = "/tmp/test_protection.XXXXXX";
static int folder;

static int make_folder(void **state)
{
	char path[64];

	assert_non_null(mkdtemp(folder_path));
	snprintf(path, sizeof(path), "%s/vms", folder_path);
	folder = ledger_open(path);
	return folder < 0;
}

static int remove_folder(void **state)
{
	char command[80];

	close(folder);
	snprintf(command, sizeof(command), "rm -r %s", folder_path);
	return system(command);
}

struct told {
	unsigned int whole, damaged;
	struct protection last;
	char name[PROTECTION_NAME_SIZE];
};

static void tell(const char *name, const struct protection *protection, const char *why, void *data)
{
	struct told *told = data;

	strcpy(told->name, name);
	if (protection) {
		told->whole++;
		told->last = *protection;
		assert_null(why);
	} else {
		told->damaged++;
		assert_true(*why);
	}
}

static void test_it_is_durable(void **state)
{
	struct protection changed = web;
	struct told told = { 0 };
	struct stat facts;

	assert_int_equal(ledger_write(folder, &web), 0);
	changed.generation = 4;
	assert_int_equal(ledger_write(folder, &changed), 0);
	assert_int_equal(fstatat(folder, "web.json", &facts, 0), 0);
	assert_int_equal(facts.st_mode & 0777, 0600);
	assert_int_equal(ledger_each(folder, tell, &told), 0);
	assert_int_equal(told.whole, 1);
	assert_int_equal(told.damaged, 0);
	assert_memory_equal(&told.last, &changed, sizeof(changed));
	assert_int_equal(ledger_remove(folder, "web"), 0);
	assert_int_equal(ledger_remove(folder, "web"), 0);
	told = (struct told){ 0 };
	assert_int_equal(ledger_each(folder, tell, &told), 0);
	assert_int_equal(told.whole + told.damaged, 0);
}

static void put(const char *file, const char *text)
{
	int fd = openat(folder, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* A write that was interrupted leaves the old one; what is damaged is told by its name; other files are none. */
static void test_damage_is_told(void **state)
{
	struct told told = { 0 };
	json_t *json = protection_to_json(&web);
	char *text = json_dumps(json, 0);

	put("web.new", "{\"name\":");
	put("README", "hello");
	assert_int_equal(ledger_each(folder, tell, &told), 0);
	assert_int_equal(told.whole + told.damaged, 0);
	put("mail.json", text);
	assert_int_equal(ledger_each(folder, tell, &told), 0);
	assert_int_equal(told.damaged, 1);
	put("mail.json", "{\"name\":");
	assert_int_equal(ledger_each(folder, tell, &told), 0);
	assert_int_equal(told.damaged, 2);
	assert_string_equal(told.name, "mail");
	assert_int_equal(told.whole, 0);
	free(text);
	json_decref(json);
}

static void test_a_folder_that_cannot_be(void **state)
{
	assert_int_equal(ledger_open("/proc/nowhere/vms"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_exemptions_are_kept),
		cmocka_unit_test(test_what_cannot_be),
		cmocka_unit_test(test_it_is_durable),
		cmocka_unit_test(test_damage_is_told),
		cmocka_unit_test(test_a_folder_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
