/* Taking epochs: attach, cut, pages in batches, state. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/capture/capture.h"

#include <errno.h>

static int make_batches(struct capture *capture, const struct capture_limits *limits)
{
	int err = limits->batches && limits->batches <= CAPTURE_BATCHES_MAX ? 0 : -EINVAL;

	while (!err && capture->batches_made < limits->batches) {
		err = hyper_pages_make(capture->hyper, &capture->batches[capture->batches_made],
		                       limits->batch_pages, limits->wants_old);
		if (!err)
			capture->batches_made++;
	}
	capture->batch = &capture->batches[0];
	return err;
}

int capture_begin(struct capture *capture, struct hyper *hyper, uint16_t domain,
                  const struct capture_limits *limits)
{
	const struct checkpoint_attach attach = {
		.twins = limits->twins,
		.flags = limits->wants_old ? CHECKPOINT_OLD_VERSIONS : 0,
	};
	int err;

	*capture = (struct capture){ .hyper = hyper, .domain = domain };
	err = make_batches(capture, limits);
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

/* In the place of the oldest. */
int capture_next(struct capture *capture)
{
	uint32_t last = (uint32_t)(capture->batch - capture->batches), left;
	int err;

	if (capture->is_empty)
		return 0;
	capture->batch = &capture->batches[(last + 1) % capture->batches_made];
	err = hyper_fetch(capture->hyper, capture->domain, capture->batch, &left);
	if (err)
		return err;
	capture->is_empty = !left;
	return (int)capture->batch->count;
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
	while (capture->batches_made)
		hyper_pages_free(capture->hyper, &capture->batches[--capture->batches_made]);
	hyper_free(capture->hyper, capture->state, capture->state_room);
	*capture = (struct capture){ 0 };
}
