/* A switchover: the VM stands still, and its last epoch goes to the standby. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "replication/primary/parts.h"

int primary_flush(struct primary *primary)
{
	int err;

	if (primary->flush != PRIMARY_FLUSH_NONE)
		return -EALREADY;
	if (primary->states.machine.current != PRIMARY_RUNNING)
		return -ENOTCONN;
	err = primary->vm->ops->pause(primary->vm);
	if (err)
		return err;
	primary->flush = PRIMARY_FLUSH_WAITS;
	primary->flush_epoch = 0;
	return 0;
}

/* Whatever moves the machine may end it. */
enum primary_flush primary_flush_of(struct primary *primary)
{
	if (primary->flush != PRIMARY_FLUSH_WAITS)
		return primary->flush;
	if (primary->states.machine.current != PRIMARY_RUNNING)
		primary->flush = PRIMARY_FLUSH_FAILED;
	else if (primary->flush_epoch && primary->states.acked >= primary->flush_epoch)
		primary->flush = PRIMARY_FLUSH_DONE;
	return primary->flush;
}

int primary_resume(struct primary *primary)
{
	int err;

	if (primary->flush == PRIMARY_FLUSH_NONE)
		return -EALREADY;
	err = primary->vm->ops->resume(primary->vm);
	if (!err)
		primary->flush = PRIMARY_FLUSH_NONE;
	return err;
}
