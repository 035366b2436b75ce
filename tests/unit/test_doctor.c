/* What doctor finds on a host that is laid out in a folder: files, configuration, certificates. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: toolstack/doctor/checks_host.c toolstack/doctor/checks_config.c toolstack/config/config.c toolstack/config/reading.c toolstack/doctor/checks_cluster.c replication/daemon/fences.c fencing/agent/agent.c fencing/agent/options.c fencing/agent/fencer.c fencing/cluster/facts.c common/states.c common/log.c common/exempt.c */
/* libs: -lconfig -lcrypto -lev -lcmap -lvotequorum */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "toolstack/doctor/check.h"

enum verdict found(struct finding *finding, enum verdict verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	return verdict;
}

static struct finding host;

/* A shell command in the host's folder. */
static void sh(const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line),
	         "set -e; R=$PWD/toolstack/host/remus-ca; cd %s; { %s; } >/dev/null 2>&1",
	         host.root, command);
	if (system(line))
		fail_msg("`%s` failed", line);
}

static void expect(enum verdict (*look)(struct finding *), enum verdict verdict, const char *text)
{
	assert_int_equal(look(&host), verdict);
	if (!strstr(host.text, text))
		fail_msg("`%s` is not about `%s`", host.text, text);
}

static int make_host(void **state)
{
	char *folder = strdup("/tmp/test_doctor.XXXXXX");

	host.root = mkdtemp(folder);
	sh("mkdir -p proc/xen sys/hypervisor/compilation sys/class/net/lo sys/module dev/net dev/xen etc/remus/tls var/lib; "
	   "echo control_d >proc/xen/capabilities; echo xen >sys/hypervisor/type; "
	   "echo 'root@xen-core' >sys/hypervisor/compilation/compiled_by; "
	   "touch dev/net/tun dev/xen/gntdev dev/xen/evtchn dev/xen/privcmd; "
	   "printf '%s\\n' 'name=\"a\"; listen=\"192.0.2.1\"; peers=({name=\"b\"; address=\"192.0.2.2\";});' "
	   "'certificates={authority=\"/etc/remus/tls/ca.pem\"; certificate=\"/etc/remus/tls/a.pem\"; "
	   "key=\"/etc/remus/tls/a.key\";};' >etc/remus/remus.conf; "
	   "$R authority ca; $R host ca a; $R host ca other; cp ca/ca.pem ca/a.pem ca/a.key etc/remus/tls");
	return 0;
}

static int remove_host(void **state)
{
	char line[64];

	snprintf(line, sizeof(line), "rm -r %s", host.root);
	free((char *)host.root);
	return system(line);
}

static void test_a_sound_host(void **state)
{
	expect(check_dom0, CHECK_OK, "dom0");
	expect(check_hypervisor, CHECK_OK, "xen-core");
	expect(check_kernel_backends, CHECK_OK, "");
	expect(check_devices, CHECK_OK, "");
	expect(check_configuration, CHECK_OK, "host a, 1 peer");
	expect(check_certificates, CHECK_OK, "valid for 82");
	expect(check_space, CHECK_OK, "MiB");
	expect(check_marks, CHECK_OK, "/var/lib may be written");
}

static void test_another_hypervisor(void **state)
{
	sh("echo root@debian >sys/hypervisor/compilation/compiled_by");
	expect(check_hypervisor, CHECK_BLOCKER, "not xen-core");
	sh("rm sys/hypervisor/type");
	expect(check_hypervisor, CHECK_BLOCKER, "no hypervisor");
	sh("rm proc/xen/capabilities");
	expect(check_dom0, CHECK_BLOCKER, "not dom0");
}

static void test_what_is_loaded_and_missing(void **state)
{
	sh("mkdir sys/module/xen_netback");
	expect(check_kernel_backends, CHECK_BLOCKER, "loaded: xen-netback");
	sh("mkdir sys/module/xen_blkback");
	expect(check_kernel_backends, CHECK_BLOCKER, "xen-netback, xen-blkback");
	sh("rm dev/xen/evtchn");
	expect(check_devices, CHECK_BLOCKER, "/dev/xen/evtchn");
	expect(check_bridge, CHECK_WARNING, "no bridge");
	sh("mkdir -p sys/class/net/xenbr0/bridge");
	expect(check_bridge, CHECK_OK, "xenbr0");
}

static void test_configurations(void **state)
{
	sh("sed -i s/listen/lisen/ etc/remus/remus.conf");
	expect(check_configuration, CHECK_BLOCKER, "line 1: there is no option lisen");
	expect(check_certificates, CHECK_BLOCKER, "configuration");
	sh("rm etc/remus/remus.conf");
	expect(check_configuration, CHECK_BLOCKER, "No such file");
}

static void test_certificates(void **state)
{
	sh("cp ca/other.pem etc/remus/tls/a.pem; cp ca/other.key etc/remus/tls/a.key");
	expect(check_certificates, CHECK_BLOCKER, "not that of host a");
	sh("cp ca/a.pem etc/remus/tls/a.pem");
	expect(check_certificates, CHECK_BLOCKER, "not the key");
	sh("cp ca/a.key etc/remus/tls/a.key; chmod 0640 etc/remus/tls/a.key");
	expect(check_certificates, CHECK_BLOCKER, "open to others");
	sh("rm etc/remus/tls/a.key");
	expect(check_certificates, CHECK_BLOCKER, "No such file");
	sh("echo nonsense >etc/remus/tls/a.pem");
	expect(check_certificates, CHECK_BLOCKER, "no certificate in /etc/remus/tls/a.pem");
	sh("$R authority ca2; cp ca2/ca.pem etc/remus/tls; cp ca/a.pem etc/remus/tls");
	expect(check_certificates, CHECK_BLOCKER, "/etc/remus/tls/a.pem: ");
}

static void test_fence_agents(void **state)
{
	expect(check_fencing, CHECK_OK, "no peer has");
	sh("printf '#!/bin/sh\nwhile read -r l; do case $l in exit=*) e=${l#*=} ;; action=status) exit $e ;; esac; done; exit 9' "
	   ">agent; chmod 755 agent; echo exit=2 >options; chmod 0600 options; "
	   "sed -i 's#192.0.2.2\";#&agents=({program=\"'$PWD'/agent\"; options=\"'$PWD'/options\";});#' etc/remus/remus.conf");
	expect(check_configuration, CHECK_OK, "host a, 1 peer");
	expect(check_fencing, CHECK_OK, "1 fence agent answers");
	sh("echo exit=1 >options");
	expect(check_fencing, CHECK_BLOCKER, "status ended with 1");
	sh("chmod 0644 options");
	expect(check_fencing, CHECK_BLOCKER, "open to others");
	sh("chmod 0600 options; rm agent");
	expect(check_fencing, CHECK_BLOCKER, "of b: ");
	sh("rm etc/remus/remus.conf");
	expect(check_fencing, CHECK_WARNING, "configuration");
	expect(check_cluster, CHECK_WARNING, "configuration");
}

static void test_certificates_that_end(void **state)
{
	sh("openssl req -new -key ca/a.key -subj /CN=a | openssl x509 -req -CA ca/ca.pem -CAkey ca/ca.key -days 10 "
	   "-out etc/remus/tls/a.pem; cp ca/a.key etc/remus/tls");
	expect(check_certificates, CHECK_WARNING, "valid for ");
	sh("openssl req -new -key ca/a.key -subj /CN=a | openssl x509 -req -CA ca/ca.pem -CAkey ca/ca.key -days -1 "
	   "-out etc/remus/tls/a.pem");
	expect(check_certificates, CHECK_BLOCKER, "expired");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_sound_host, make_host, remove_host),
		cmocka_unit_test_setup_teardown(test_another_hypervisor, make_host, remove_host),
		cmocka_unit_test_setup_teardown(test_what_is_loaded_and_missing, make_host,
		                                remove_host),
		cmocka_unit_test_setup_teardown(test_configurations, make_host, remove_host),
		cmocka_unit_test_setup_teardown(test_certificates, make_host, remove_host),
		cmocka_unit_test_setup_teardown(test_fence_agents, make_host, remove_host),
		cmocka_unit_test_setup_teardown(test_certificates_that_end, make_host, remove_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
