/* Workers' files: what is taken from a good one, and that a bad one is refused with a reason. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/main/worker_config.c replication/domain/images.c replication/wire/hello.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/transport/queue.c replication/marks/marks_file.c common/exempt.c */
/* libs: -lxxhash -ljansson -lssl -lcrypto -lev */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/main/worker_config.h"

#define VM                                                                                         \
	"\"vm\":{\"name\":\"web\",\"uuid\":\"00112233-4455-6677-8899-aabbccddeeff\",\"domain\":7}"
#define TLS  "\"tls\":{\"ca\":\"/c/ca.pem\",\"certificate\":\"/c/a.pem\",\"key\":\"/c/a.key\"}"
#define REST "\"host\":\"a\",\"peer\":\"b\",\"address\":\"10.0.0.2\",\"port\":7100"

static int read_text(struct worker_config *config, enum wire_role role, const char *text, char *why)
{
	char path[] = "/tmp/remus-test-XXXXXX";
	int file = mkstemp(path), err;

	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
	err = worker_config_read(config, role, path, why);
	unlink(path);
	return err;
}

static void a_short_file_has_defaults(void **state)
{
	struct worker_config config;
	char why[WORKER_CONFIG_WHY_MAX];

	(void)state;
	assert_int_equal(read_text(&config, WIRE_PRIMARY, "{" VM "," TLS "," REST "}", why), 0);
	assert_string_equal(config.who, "VM web (primary)");
	assert_string_equal(config.hello.name, "web");
	assert_int_equal(config.hello.vm[15], 0xff);
	assert_int_equal(config.hello.generation, 1);
	assert_int_equal(config.domain, 7);
	assert_true(config.has_devices);
	assert_false(config.is_arbitrated);
	assert_int_equal(config.hello.round, 0);
	assert_null(config.control);
	assert_int_equal(config.disks.count, 0);
	assert_int_equal(config.pace.longest, 25000000);
	assert_true(config.encode_threads <= 4);
	assert_true(exempt_is_none(&config.exempt));
	assert_false(config.contact.is_listening);
	assert_string_equal(config.contact.transport.key, "/c/a.key");
	assert_string_equal(config.contact.transport.peer, "b");
	assert_int_equal(config.contact.port, 7100);
	worker_config_free(&config);
}

static void everything_can_be_said(void **state)
{
	struct worker_config config;
	char why[WORKER_CONFIG_WHY_MAX];

	(void)state;
	assert_int_equal(
		read_text(
			&config, WIRE_STANDBY,
			"{\"vm\":{\"name\":\"web\",\"uuid\":\"00112233445566778899aabbccddeeff\","
			"\"domain\":7,\"generation\":3,\"round\":9,\"devices\":false,"
			"\"disks\":[{\"path\":\"/dev/x\",\"device\":51712}]}," TLS "," REST
			",\"control\":\"/run/c\",\"arbitrated\":true,\"interval_ms\":50,\"encode_threads\":16,\"staged_mib\":16,"
			"\"exempt\":\"lldp\"}",
			why),
		0);
	assert_int_equal(config.hello.generation, 3);
	assert_int_equal(config.hello.round, 9);
	assert_true(config.is_arbitrated);
	assert_int_equal(config.hello.staged_max, 16 << 20);
	assert_int_equal(config.encode_threads, 16);
	assert_false(config.has_devices);
	assert_int_equal(config.disks.count, 1);
	assert_int_equal(images_find(&config.disks, 51712), 0);
	assert_int_equal(images_find(&config.disks, 51713), -ENXIO);
	assert_string_equal(config.control, "/run/c");
	assert_int_equal(config.pace.longest, 50000000);
	assert_int_equal(config.exempt.types[0], 0x88cc);
	assert_true(config.contact.is_listening);
	worker_config_free(&config);
}

static void assert_refused(const char *text, const char *reason)
{
	struct worker_config config;
	char why[WORKER_CONFIG_WHY_MAX];

	assert_int_equal(read_text(&config, WIRE_PRIMARY, text, why), -EINVAL);
	assert_non_null(strstr(why, reason));
}

static void bad_files_are_refused_with_a_reason(void **state)
{
	struct worker_config config;
	char why[WORKER_CONFIG_WHY_MAX];

	(void)state;
	assert_int_equal(worker_config_read(&config, WIRE_PRIMARY, "/none", why), -EINVAL);
	assert_non_null(strstr(why, "/none"));
	assert_refused("", "");
	assert_refused("[]", "Expected object");
	assert_refused("{" VM "," TLS "}", "host");
	assert_refused("{" VM "," REST "}", "tls");
	assert_refused("{" VM "," TLS "," REST ",\"interval\":5}", "interval");
	assert_refused("{" VM "," TLS "," REST ",\"interval_ms\":0}", "interval_ms");
	assert_refused("{" VM "," TLS "," REST ",\"interval_ms\":\"5\"}", "integer");
	assert_refused("{" VM "," TLS "," REST ",\"in_flight\":0}", "in_flight");
	assert_refused("{" VM "," TLS "," REST ",\"encode_threads\":-1}", "encode_threads");
	assert_refused("{" VM "," TLS "," REST ",\"encode_threads\":17}", "encode_threads");
	assert_refused("{" VM "," TLS "," REST ",\"staged_mib\":-1}", "staged_mib");
	assert_refused("{" VM "," TLS "," REST ",\"silence_ms\":100}", "silence_ms");
	assert_refused("{" VM "," TLS "," REST ",\"exempt\":\"ipv4\"}", "always held");
	assert_refused("{\"vm\":{\"name\":\"web\",\"uuid\":\"001122\",\"domain\":7}," TLS "," REST
	               "}",
	               "uuid");
	assert_refused("{\"vm\":{\"name\":\"web\",\"uuid\":\"00112233445566778899aabbccddeeff\","
	               "\"domain\":0}," TLS "," REST "}",
	               "domain");
	assert_refused("{\"vm\":{\"name\":\"web\",\"uuid\":\"00112233445566778899aabbccddeeff\","
	               "\"domain\":1,\"disks\":[7]}," TLS "," REST "}",
	               "disks");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_file_has_defaults),
		cmocka_unit_test(everything_can_be_said),
		cmocka_unit_test(bad_files_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
