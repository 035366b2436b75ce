/* The configuration of a host: what is taken, and what is refused with its line. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: toolstack/config/config.c toolstack/config/reading.c common/exempt.c */
/* libs: -lconfig */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "toolstack/config/config.h"

#define HOST  "name = \"a\";\nlisten = \"192.0.2.1\";\n"
#define PEERS "peers = ( { name = \"b\"; address = \"192.0.2.2\"; } );\n"
#define CERTIFICATES                                                                               \
	"certificates = { authority = \"/c/ca.pem\"; certificate = \"/c/a.pem\"; key = \"/c/a.key\"; };\n"

static char error[CONFIG_ERROR_SIZE];

/* Refused with that in its message; what was there stays. */
static void refuse(const char *text, const char *why)
{
	struct config config, before;

	memset(&config, 0x5a, sizeof(config));
	before = config;
	assert_int_equal(config_parse(&config, text, error), -EINVAL);
	if (!strstr(error, why))
		fail_msg("`%s` is not about `%s`", error, why);
	assert_memory_equal(&config, &before, sizeof(config));
}

static void test_the_least_there_is(void **state)
{
	struct config config;

	assert_int_equal(config_parse(&config, HOST PEERS CERTIFICATES, error), 0);
	assert_string_equal(config.name, "a");
	assert_string_equal(config.listen, "192.0.2.1");
	assert_int_equal(config.port, 7788);
	assert_int_equal(config.silence, 3000);
	assert_int_equal(config.peer_count, 1);
	assert_string_equal(config_peer(&config, "b")->address, "192.0.2.2");
	assert_null(config_peer(&config, "c"));
	assert_string_equal(config.key, "/c/a.key");
	assert_int_equal(config.defaults.interval, 25);
	assert_int_equal(config.defaults.budget, 16384);
	assert_int_equal(config.defaults.memory, 256);
	assert_true(exempt_is_none(&config.defaults.exempt));
	assert_int_equal(config.peers[0].agent_count, 0);
	assert_int_equal(config.times.lease + config.times.watchdog + config.times.window, 0);
	assert_int_equal(config.image_count, 1);
	assert_string_equal(config.images[0], "/var/lib/remus/images");
}

static void test_all_there_is(void **state)
{
	struct config config;

	assert_int_equal(
		config_parse(
			&config,
			"name = \"a\"; listen = \"2001:DB8:0::1\"; port = 99; silence = 1500;" CERTIFICATES
			"peers = ( { name = \"b\"; address = \"::2\"; }, { name = \"c\"; address = \"::3\"; } );"
			"defaults = { interval = 5; budget = 64; memory = 1024;"
			"  exempt = \"lldp,arp\"; };",
			error),
		0);
	assert_string_equal(config.listen, "2001:db8::1");
	assert_int_equal(config.port, 99);
	assert_int_equal(config.silence, 1500);
	assert_int_equal(config.peer_count, 2);
	assert_int_equal(config.defaults.interval, 5);
	assert_int_equal(config.defaults.budget, 64);
	assert_int_equal(config.defaults.memory, 1024);
	assert_int_equal(config.defaults.exempt.types[0], 0x88cc);
	assert_int_equal(config.defaults.exempt.types[1], 0x0806);
}

static void test_agents(void **state)
{
	const struct config_agent *agents;
	struct config config;

	assert_int_equal(
		config_parse(
			&config,
			HOST CERTIFICATES
			"peers = ( { name = \"b\"; address = \"::2\"; agents = ("
			"{ program = \"fence_ipmilan\"; options = \"/f/b\"; timeout = 7;"
			"  retries = 3; power_on = true; }, { program = \"/x/y\"; } ); },"
			"{ name = \"c\"; address = \"::3\"; agents = (); } );"
			"cluster = { lease = 2000; watchdog = 3000; window = 9000; margin = 1500; };"
			"images = ( \"/srv/vm/\", \"/dev/vg/\" );",
			error),
		0);
	agents = config.peers[0].agents;
	assert_int_equal(config.peers[0].agent_count, 2);
	assert_string_equal(agents[0].program, "fence_ipmilan");
	assert_string_equal(agents[0].options, "/f/b");
	assert_int_equal(agents[0].timeout, 7);
	assert_int_equal(agents[0].retries, 3);
	assert_true(agents[0].power_on);
	assert_string_equal(agents[1].program, "/x/y");
	assert_string_equal(agents[1].options, "");
	assert_int_equal(agents[1].timeout, 20);
	assert_int_equal(agents[1].retries, 1);
	assert_false(agents[1].power_on);
	assert_int_equal(config.peers[1].agent_count, 0);
	assert_int_equal(config.times.lease, 2000);
	assert_int_equal(config.times.watchdog, 3000);
	assert_int_equal(config.times.window, 9000);
	assert_int_equal(config.times.margin, 1500);
	assert_int_equal(config.image_count, 2);
	assert_string_equal(config.images[1], "/dev/vg/");
}

static void refuse_agents(const char *agents, const char *why)
{
	char text[1024];

	snprintf(text, sizeof(text),
	         HOST CERTIFICATES "peers = ( { name = \"b\"; address = \"::2\"; agents = %s; } );",
	         agents);
	refuse(text, why);
}

static void test_agents_and_times_out_of_form(void **state)
{
	refuse_agents("{ program = \"x\"; }", "agents must be a list");
	refuse_agents("( 1 )", "an agent is");
	refuse_agents("( { } )", "program is missing");
	refuse_agents("( { program = \"../x\"; } )", "absolute path");
	refuse_agents("( { program = \"x\"; options = \"password=y\"; } )", "absolute path");
	refuse_agents("( { program = \"x\"; password = \"y\"; } )", "no option password");
	refuse_agents("( { program = \"x\"; timeout = 0; } )", "1 to 300");
	refuse_agents("( { program = \"x\"; retries = 11; } )", "0 to 10");
	refuse_agents("( { program = \"x\"; power_on = 1; } )", "true or false");
	refuse_agents("( { program = \"1\"; }, { program = \"2\"; }, { program = \"3\"; },"
	              "{ program = \"4\"; }, { program = \"5\"; } )",
	              "at most 4");
	refuse(HOST PEERS CERTIFICATES "cluster = { lease = 99; };", "100 to 60000");
	refuse(HOST PEERS CERTIFICATES "cluster = { watchdog = 1500; };", "whole seconds");
	refuse(HOST PEERS CERTIFICATES
	       "cluster = { lease = 800; watchdog = 1000; window = 1800; };",
	       "window must be longer");
	refuse(HOST PEERS CERTIFICATES "cluster = { speed = 1; };", "no option speed");
	refuse(HOST PEERS CERTIFICATES "images = \"/srv\";", "images must be a list");
	refuse(HOST PEERS CERTIFICATES "images = ( \"srv\" );", "absolute paths");
	refuse(HOST PEERS CERTIFICATES "images = ( 1 );", "absolute paths");
}

static void test_what_is_missing(void **state)
{
	refuse("", "name is missing");
	refuse("name = \"a\";" PEERS CERTIFICATES, "listen is missing");
	refuse(HOST CERTIFICATES, "peers");
	refuse(HOST PEERS, "certificates is missing");
	refuse(HOST PEERS "certificates = { authority = \"/a\"; key = \"/b\"; };",
	       "certificate is missing");
	refuse(HOST CERTIFICATES "peers = ( { name = \"b\"; } );", "address is missing");
}

static void test_the_line_is_told(void **state)
{
	refuse(HOST PEERS CERTIFICATES "port = \"x\";", "line 5: port");
	refuse(HOST "peers = (", "line 3: ");
	refuse(HOST PEERS CERTIFICATES "\n\nintervall = 5;",
	       "line 7: there is no option intervall");
}

static void test_values_out_of_form(void **state)
{
	refuse("name = 7; listen = \"::1\";" PEERS CERTIFICATES, "name must be a text");
	refuse("name = \"a b\"; listen = \"::1\";" PEERS CERTIFICATES, "letters, digits");
	refuse("name = \"a\"; listen = \"example.org\";" PEERS CERTIFICATES, "IPv4 or IPv6");
	refuse(HOST PEERS CERTIFICATES "port = 0;", "1 to 65535");
	refuse(HOST PEERS CERTIFICATES "port = 65536;", "1 to 65535");
	refuse(HOST PEERS CERTIFICATES "port = 4294967297L;", "1 to 65535");
	refuse(HOST PEERS CERTIFICATES "defaults = { interval = 0; };", "interval");
	refuse(HOST PEERS CERTIFICATES "defaults = { interval = 2.5; };", "interval");
	refuse(HOST PEERS CERTIFICATES "defaults = 5;", "braces");
	refuse(HOST PEERS CERTIFICATES "defaults = { exempt = \"ipv6\"; };", "always held");
	refuse(HOST PEERS CERTIFICATES "defaults = { exempt = 2054; };", "text in quotes");
	refuse(HOST PEERS CERTIFICATES "defaults = { speed = 1; };", "no option speed");
	refuse(HOST CERTIFICATES "peers = [ 1, 2 ];", "in parentheses");
	refuse(HOST CERTIFICATES "peers = ( 1 );", "a peer is");
	refuse(HOST PEERS
	       "certificates = { authority = \"ca.pem\"; certificate = \"/a\"; key = \"/b\"; };",
	       "absolute path");
	refuse("@include \"/etc/shadow\"\n", "@include");
}

static void test_hosts_are_told_apart(void **state)
{
	refuse(HOST CERTIFICATES "peers = ( { name = \"a\"; address = \"::2\"; } );",
	       "two hosts are called a");
	refuse(HOST CERTIFICATES "peers = ( { name = \"b\"; address = \"192.0.2.1\"; } );",
	       "this host's address");
	refuse(HOST CERTIFICATES
	       "peers = ( { name = \"b\"; address = \"::2\"; }, { name = \"b\"; address = \"::3\"; } );",
	       "two hosts are called b");
	refuse(HOST CERTIFICATES
	       "peers = ( { name = \"b\"; address = \"::2\"; }, { name = \"c\"; address = \"0::2\"; } );",
	       "b and c have one address");
}

static void test_too_much(void **state)
{
	char *text = calloc(1, 1 << 17);

	memset(text, ' ', 70000);
	refuse(text, "longer than");
	strcpy(text, HOST CERTIFICATES "peers = (");
	for (unsigned int i = 0; i < CONFIG_PEERS_MAX + 1; i++)
		sprintf(text + strlen(text), "%s{ name = \"p%u\"; address = \"::1%u\"; }",
		        i ? "," : "", i, i);
	strcat(text, ");");
	refuse(text, "1 to 15 hosts");
	memset(text, 'a', 200);
	memcpy(text, "name = \"", 8);
	strcpy(text + 100, "\"; listen = \"::1\";" PEERS CERTIFICATES);
	refuse(text, "name is too long");
	free(text);
}

static void test_files(void **state)
{
	char path[] = "/tmp/test_config.XXXXXX";
	struct config config;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, HOST PEERS CERTIFICATES, sizeof(HOST PEERS CERTIFICATES) - 1),
	                 sizeof(HOST PEERS CERTIFICATES) - 1);
	assert_int_equal(config_load(&config, path, error), 0);
	assert_string_equal(config.name, "a");
	assert_int_equal(ftruncate(fd, 20), 0);
	assert_int_equal(config_load(&config, path, error), -EINVAL);
	assert_non_null(strstr(error, "line "));
	close(fd);
	unlink(path);
	assert_int_equal(config_load(&config, path, error), -ENOENT);
	assert_string_equal(error, "No such file or directory");
	assert_int_equal(config_load(&config, "/tmp", error), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_least_there_is),
		cmocka_unit_test(test_all_there_is),
		cmocka_unit_test(test_agents),
		cmocka_unit_test(test_agents_and_times_out_of_form),
		cmocka_unit_test(test_what_is_missing),
		cmocka_unit_test(test_the_line_is_told),
		cmocka_unit_test(test_values_out_of_form),
		cmocka_unit_test(test_hosts_are_told_apart),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
