/* Taking epochs: attach, cut, pages in batches, state. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/capture/capture.h"

#include <errno.h>

int capture_begin(struct capture *capture, struct hyper *hyper, uint16_t domain,
                  const struct capture_limits *limits)
{
	const struct checkpoint_attach attach = {
		.twins = limits->twins,
		.flags = limits->wants_old ? CHECKPOINT_OLD_VERSIONS : 0,
	};
	int err;

	*capture = (struct capture){ .hyper = hyper, .domain = domain };
	err = hyper_pages_make(hyper, &capture->batch, limits->batch_pages, limits->wants_old);
	if (!err)
		err = hyper_attach(hyper, domain, &attach);
	if (err) {
		capture_end(capture);
		return err;
	}
	capture->is_attached = 1;
	return 0;
}

int capture_cut(struct capture *capture)
{
	int err;

	if (!capture->is_empty)
		return -EBUSY;
	err = hyper_cut(capture->hyper, capture->domain, &capture->cut);
	if (err)
		return err;
	capture->is_empty = 0;
	capture->state_size = 0;
	return 0;
}

int capture_next(struct capture *capture)
{
	uint32_t left;
	int err;

	if (capture->is_empty)
		return 0;
	err = hyper_fetch(capture->hyper, capture->domain, &capture->batch, &left);
	if (err)
		return err;
	capture->is_empty = !left;
	return (int)capture->batch.count;
}

static int make_room(struct capture *capture, uint32_t bytes)
{
	if (bytes <= capture->state_room)
		return 0;
	hyper_free(capture->hyper, capture->state, capture->state_room);
	capture->state = hyper_alloc(capture->hyper, bytes);
	capture->state_room = capture->state ? bytes : 0;
	return capture->state ? 0 : -ENOMEM;
}

int capture_state(struct capture *capture, const void **records, uint32_t *size)
{
	int err = 0;

	if (!capture->state_size) {
		uint32_t bytes = capture->cut.state_size;

		if (!bytes)
			return -ENODATA;
		err = make_room(capture, bytes);
		if (!err)
			err = hyper_state(capture->hyper, capture->domain, capture->state, &bytes);
		if (err)
			return err;
		capture->state_size = bytes;
	}
	*records = capture->state;
	*size = capture->state_size;
	return 0;
}

void capture_end(struct capture *capture)
{
	if (!capture->hyper)
		return;
	if (capture->is_attached)
		hyper_detach(capture->hyper, capture->domain);
	hyper_pages_free(capture->hyper, &capture->batch);
	hyper_free(capture->hyper, capture->state, capture->state_room);
	*capture = (struct capture){ 0 };
}
