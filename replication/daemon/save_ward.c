/* What is durable of wards: written by a thread, for the loop renews leases. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "replication/daemon/ledger.h"
#include "replication/daemon/ward.h"
#include "replication/marks/marks_file.h"

/* For the thread. */
struct order {
	struct protection is;
	bool removes;
	bool is_whole;     /* nothing that an earlier one could not write is missing in it */
	const char *marks; /* their folder: what is unprotected may be changed by anybody */
	char listing[];    /* "": stays as it is */
};

/* For the loop: who is told. */
struct saving {
	struct saving *next;
	struct wards *wards;
	struct ward *ward; /* NULL: it is gone, or it was about none */
	bool is_whole;
	void (*done)(void *data, int err);
	void *data;
};

static int remove_marks(const struct order *order)
{
	struct marks_disk disk = { .device = 0 };
	char path[MARKS_PATH_BYTES];
	int first = 0;

	if (!order->marks || !marks_parse_uuid(order->is.uuid, disk.vm))
		return 0;
	for (unsigned int i = 0; i < order->is.disk_count; i++) {
		int err;

		disk.device = order->is.disks[i].device;
		marks_path(path, order->marks, &disk);
		err = marks_remove(path);
		first = first ? first : err;
	}
	return first;
}

static int write_order(int folder, void *data)
{
	const struct order *order = data;
	int err = 0;

	if (!order) /* whatever was before is done */
		return 0;
	if (order->removes)
		err = remove_marks(order);
	if (order->removes)
		return err ? err : ledger_remove(folder, order->is.name);
	if (*order->listing)
		err = ledger_keep(folder, order->is.name, order->listing);
	return err ? err : ledger_write(folder, &order->is);
}

static void forget(struct saving *saving)
{
	struct saving **at = &saving->wards->savings;

	while (*at != saving)
		at = &(*at)->next;
	*at = saving->next;
	free(saving);
}

static void note_failure(struct ward *ward, int err)
{
	if (!ward->is_unsaved)
		log_error("%s: cannot be written to %s: %s: it is tried again", ward->who,
		          ward->wards->settings.ledger, strerror(-err));
	ward->is_unsaved = true;
}

static void on_written(void *data, int err)
{
	struct saving *saving = data;
	void (*done)(void *, int) = saving->done;
	void *whose = saving->data;

	if (saving->ward && err)
		note_failure(saving->ward, err);
	else if (saving->ward && saving->is_whole)
		saving->ward->is_unsaved = false;
	forget(saving);
	if (done)
		done(whose, err);
}

/* Takes over the order. */
static void submit(struct wards *wards, struct ward *ward, struct order *order,
                   void (*done)(void *data, int err), void *data)
{
	struct saving *saving = calloc(1, sizeof(*saving));

	if (saving) {
		*saving = (struct saving){ .next = wards->savings,
			                   .wards = wards,
			                   .ward = ward,
			                   .is_whole = order && order->is_whole,
			                   .done = done,
			                   .data = data };
		wards->savings = saving;
		if (!writer_do(wards->scribe, write_order, order, on_written, saving))
			return;
		forget(saving);
	}
	free(order);
	if (ward)
		note_failure(ward, -ENOMEM);
	if (done)
		done(data, -ENOMEM);
}

static struct order *make_order(struct ward *ward, const char *listing)
{
	size_t length = listing ? strlen(listing) : 0;
	struct order *order = calloc(1, sizeof(*order) + length + 1);

	if (!order)
		return NULL;
	order->is = ward->is;
	order->marks = ward->wards->settings.marks;
	if (listing)
		memcpy(order->listing, listing, length);
	return order;
}

void ward_save(struct ward *ward, void (*done)(void *data, int err), void *data)
{
	bool is_whole = ward->is_listing_new || ward->is_unsaved;
	char *listing = is_whole && ward->listing ? json_dumps(ward->listing, JSON_COMPACT) : NULL;
	struct order *order = make_order(ward, listing);

	free(listing);
	/* Unsaved it is until it was written: whoever promises something looks. */
	ward->is_listing_new = false;
	if (order) {
		order->is_whole = is_whole;
		submit(ward->wards, ward, order, done, data);
		return;
	}
	note_failure(ward, -ENOMEM);
	if (done)
		done(data, -ENOMEM);
}

void ward_remove(struct ward *ward, void (*done)(void *data, int err), void *data)
{
	struct order *order = make_order(ward, NULL);

	if (order) {
		order->removes = true;
		submit(ward->wards, NULL, order, done, data);
	} else if (done) {
		done(data, -ENOMEM);
	}
}

void wards_when_saved(struct wards *wards, void (*done)(void *data, int err), void *data)
{
	submit(wards, NULL, NULL, done, data);
}

void ward_keep(struct ward *ward, json_t *listing)
{
	ward->is_listing_new = ward->is_listing_new || !ward->listing ||
	                       !json_equal(ward->listing, listing);
	json_incref(listing);
	json_decref(ward->listing);
	ward->listing = listing;
}

void ward_save_leave(struct ward *ward)
{
	for (struct saving *saving = ward->wards->savings; saving; saving = saving->next) {
		if (saving->ward == ward)
			saving->ward = NULL;
		if (saving->data == ward)
			saving->done = NULL;
	}
}

int wards_save_open(struct wards *wards)
{
	wards->ledger = ledger_open(wards->settings.ledger);
	return wards->ledger < 0 ? wards->ledger
	                         : writer_open(wards->settings.loop, wards->ledger, &wards->scribe);
}

void wards_save_close(struct wards *wards)
{
	if (wards->scribe)
		writer_close(wards->scribe);
	while (wards->savings)
		forget(wards->savings);
	if (wards->ledger >= 0)
		close(wards->ledger);
}
