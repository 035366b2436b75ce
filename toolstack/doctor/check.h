/* A check of doctor: one question to this host. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_DOCTOR_CHECK_H
#define TOOLSTACK_DOCTOR_CHECK_H

#include <stdbool.h>

enum verdict { CHECK_OK, CHECK_WARNING, CHECK_BLOCKER };

#define FINDING_SIZE 256
/* What a check is given and fills in. */
struct finding {
	const char *socket_path; /* remusd's */
	const char *root;        /* "" on a host: put before each path that is looked at */
	char text[FINDING_SIZE]; /* out: what it saw */
};

struct check {
	const char *code; /* stable: docs/control.md */
	const char *remedy;
	enum verdict (*look)(struct finding *finding);
};

/* In the order that they are best mended in; ends with a row without a code. */
extern const struct check checks[];

/* The files and processes of the host, in checks_*.c. */
enum verdict check_dom0(struct finding *finding);
enum verdict check_hypervisor(struct finding *finding);
enum verdict check_kernel_backends(struct finding *finding);
enum verdict check_devices(struct finding *finding);
enum verdict check_bridge(struct finding *finding);
enum verdict check_clock(struct finding *finding);
enum verdict check_space(struct finding *finding);
enum verdict check_marks(struct finding *finding);
enum verdict check_configuration(struct finding *finding);
enum verdict check_certificates(struct finding *finding);
enum verdict check_cluster(struct finding *finding);
enum verdict check_fencing(struct finding *finding);
enum verdict check_xenstore(struct finding *finding);
enum verdict check_daemon(struct finding *finding);

/* Says what was found, and returns the verdict. */
enum verdict found(struct finding *finding, enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
