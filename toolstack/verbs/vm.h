/* What remusd tells of a VM, for people. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_VERBS_VM_H
#define TOOLSTACK_VERBS_VM_H

#include <jansson.h>

/* Field name of a VM, or "-" if it has none. */
const char *vm_text(const json_t *vm, const char *field);

/* Its number of that name; 0 if it has none. */
int vm_number(const json_t *vm, const char *field);

#define VM_AGE_SIZE 24
/* Seconds as people say them: "42s", "3m20s", "5h02m", "12d4h". */
const char *vm_age(json_int_t seconds, char text[VM_AGE_SIZE]);

#define VM_PROGRESS_SIZE 256
/* What is being done for its protection, and why it does not go on, in one line. */
const char *vm_progress(const json_t *vm, char text[VM_PROGRESS_SIZE]);

/* "serving", "-" if it needs none here, or "restarting" while there is no process. */
const char *vm_backend_state(const json_t *vm);

#endif
