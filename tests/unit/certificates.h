/* Certificates for tests: CAs, and what they sign, as PEM files in a folder that goes with the program. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_CERTIFICATES_H
#define TESTS_UNIT_CERTIFICATES_H

/* Makes the folder of this process. */
void certificates_begin(void);
/* Removes it with all that is in it. */
void certificates_end(void);

/* A CA of that name: NAME.pem and NAME.key. */
void certificates_make_ca(const char *name);

/* NAME.pem and NAME.key for a host called host, valid from and until so many seconds from now. */
void certificates_make(const char *name, const char *host, const char *ca, long from, long until);

/* For a group of tests: begin, and "ca" with its hosts a and b. A write to who has gone is no signal. */
int certificates_of_two_hosts(void **state);
int certificates_remove(void **state);

/* The path of a file there; a constant for the life of the program. */
const char *certificates_path(const char *file);

#endif
