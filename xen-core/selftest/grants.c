/* Self-tests: grants between two tiny domains, what is refused, and what happens when one of them dies. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "grant/grant.h"
#include "hw/percpu.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"
#include "selftest/selftest.h"

#define PAGES 4      /* memory of each domain: gfns 0 to 3 */
#define ROOM  0x1000 /* from this gfn on the mapper has nothing */

struct side {
	struct domain *domain;
	struct vcpu *vcpu;
	struct grant_entry_v1 *entries; /* the first frame of its table */
	char *pages[PAGES];
};

static struct side granter, mapper;
static uint64_t frames_before;

static const char *side_begin(struct side *side)
{
	struct domain_config config = { .id = DOMID_INVALID, .max_vcpus = 1 };
	mfn_t mfn;

	CHECK(!domain_create(&config, &side->domain));
	CHECK(!domain_vcpu_create(side->domain, 0, this_cpu()));
	side->vcpu = side->domain->vcpus[0];
	for (unsigned i = 0; i < PAGES; i++) {
		mfn = frame_alloc(0, side->domain->id);
		CHECK(!mfn_is_none(mfn));
		CHECK(!p2m_map(&side->domain->p2m, GFN(i), mfn, P2M_ORDER_4K, P2M_RAM));
		side->pages[i] = mfn_to_virt(mfn);
		memset(side->pages[i], (int)(side->domain->id * 16 + i), PAGE_SIZE);
	}
	CHECK(!grant_table_frame(side->domain, 0, &mfn));
	side->entries = mfn_to_virt(mfn);
	frame_put(mfn);
	return NULL;
}

static const char *begin(void)
{
	const char *failure;

	frames_before = frames_free();
	failure = side_begin(&granter);
	return failure ? failure : side_begin(&mapper);
}

static void end_one(struct side *side)
{
	while (!domain_kill(side->domain))
		;
	side->domain = NULL;
}

static const char *end(void)
{
	if (mapper.domain)
		end_one(&mapper);
	if (granter.domain)
		end_one(&granter);
	CHECK(frames_free() == frames_before);
	return NULL;
}

#define BEGIN()                                                                                    \
	do {                                                                                       \
		const char *failure = begin();                                                     \
                                                                                                   \
		if (failure)                                                                       \
			return failure;                                                            \
	} while (0)

static void grant(struct side *from, const struct side *to, grant_ref_t ref, uint32_t gfn,
                  uint16_t flags)
{
	from->entries[ref] = (struct grant_entry_v1){ GTF_permit_access | flags, to->domain->id,
		                                      gfn };
}

static struct gnttab_map_grant_ref map(grant_ref_t ref, uint64_t gfn, uint32_t flags)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = gfn << PAGE_SHIFT,
		.flags = GNTMAP_host_map | flags,
		.ref = ref,
		.dom = granter.domain->id,
	};

	grant_map(mapper.vcpu, &op, 1);
	return op;
}

static int16_t unmap(grant_handle_t handle, uint64_t gfn)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = gfn << PAGE_SHIFT, .handle = handle };

	grant_unmap(mapper.vcpu, &op, 1);
	return op.status;
}

static bool maps(uint64_t gfn, const void *page, enum p2m_type type)
{
	enum p2m_type found;
	mfn_t mfn = p2m_peek(&mapper.domain->p2m, GFN(gfn), &found, NULL);

	return found == type && (type == P2M_NONE || mfn_to_virt(mfn) == page);
}

static const char *map_and_unmap(void)
{
	struct gnttab_map_grant_ref op, again;

	BEGIN();
	grant(&granter, &mapper, 5, 2, 0);
	op = map(5, ROOM, 0);
	CHECK(!op.status && op.dev_bus_addr == virt_to_paddr(granter.pages[2]));
	CHECK(maps(ROOM, granter.pages[2], P2M_GRANT));
	CHECK(granter.entries[5].flags == (GTF_permit_access | GTF_reading | GTF_writing));
	again = map(5, ROOM + 1, GNTMAP_readonly);
	CHECK(!again.status && again.handle != op.handle);
	CHECK(maps(ROOM + 1, granter.pages[2], P2M_GRANT_RO));
	CHECK(unmap(op.handle, ROOM + 1) == GNTST_bad_virt_addr);
	CHECK(unmap(op.handle, ROOM) == GNTST_okay && maps(ROOM, NULL, P2M_NONE));
	CHECK(granter.entries[5].flags == (GTF_permit_access | GTF_reading));
	CHECK(unmap(op.handle, ROOM) == GNTST_bad_handle);
	CHECK(unmap(again.handle, ROOM + 1) == GNTST_okay);
	CHECK(granter.entries[5].flags == GTF_permit_access);
	CHECK(frame_count(virt_to_mfn(granter.pages[2])) == 1);
	return end();
}

static const char *refused(void)
{
	struct gnttab_map_grant_ref op = { .dom = DOMID_XEN, .flags = GNTMAP_host_map };

	BEGIN();
	grant(&granter, &mapper, 1, 1, GTF_readonly);
	grant(&granter, &granter, 2, 1, 0);
	grant(&granter, &mapper, 3, 77, 0);
	granter.entries[4] = (struct grant_entry_v1){ GTF_accept_transfer, mapper.domain->id, 1 };
	CHECK(map(1, ROOM, 0).status == GNTST_general_error);
	CHECK(map(2, ROOM, 0).status == GNTST_general_error);
	CHECK(map(3, ROOM, 0).status == GNTST_bad_page);
	CHECK(map(4, ROOM, 0).status == GNTST_general_error);
	CHECK(map(5, ROOM, 0).status == GNTST_general_error);
	CHECK(map(512, ROOM, 0).status == GNTST_bad_gntref);
	CHECK(map(UINT32_MAX, ROOM, 0).status == GNTST_bad_gntref);
	CHECK(map(1, 1UL << 40, GNTMAP_readonly).status == GNTST_bad_virt_addr);
	CHECK(map(1, ROOM, GNTMAP_readonly | GNTMAP_device_map).status == GNTST_general_error);
	CHECK(map(1, ROOM, GNTMAP_readonly | GNTMAP_contains_pte).status == GNTST_general_error);
	grant_map(mapper.vcpu, &op, 1);
	CHECK(op.status == GNTST_bad_domain);
	CHECK(unmap(0, ROOM) == GNTST_bad_handle && unmap(UINT32_MAX, ROOM) == GNTST_bad_handle);
	CHECK(granter.entries[1].flags == (GTF_permit_access | GTF_readonly));
	CHECK(granter.entries[3].flags == GTF_permit_access);
	CHECK(maps(ROOM, NULL, P2M_NONE));
	return end();
}

/* A granted page is not granted on, and where a grant is mapped nothing else is put. */
static const char *no_chains(void)
{
	struct gnttab_map_grant_ref op;

	BEGIN();
	grant(&granter, &mapper, 1, 1, 0);
	grant(&granter, &mapper, 2, 2, 0);
	op = map(1, ROOM, 0);
	CHECK(!op.status && map(2, ROOM, 0).status == GNTST_bad_virt_addr);
	CHECK(granter.entries[2].flags == GTF_permit_access);
	grant(&mapper, &mapper, 9, ROOM, 0);
	op.dom = DOMID_SELF;
	op.ref = 9;
	op.host_addr = (uint64_t)(ROOM + 1) << PAGE_SHIFT;
	grant_map(mapper.vcpu, &op, 1);
	CHECK(op.status == GNTST_bad_page);
	return end();
}

/* Where the mapper has memory of its own it gives that up. */
static const char *over_memory(void)
{
	struct gnttab_map_grant_ref op;
	uint64_t before;

	BEGIN();
	mapper.domain->pages = PAGES;
	grant(&granter, &mapper, 1, 1, 0);
	CHECK(!map(1, ROOM, 0).status); /* makes what the first mapping needs */
	before = frames_free();
	op = map(1, 3, 0);
	CHECK(!op.status && maps(3, granter.pages[1], P2M_GRANT));
	CHECK(mapper.domain->pages == PAGES - 1 && frames_free() == before + 1);
	return end();
}

/* The guest changes an entry in use: who came before keeps the frame, who comes after gets none. */
static const char *rewritten(void)
{
	struct gnttab_map_grant_ref op;

	BEGIN();
	grant(&granter, &mapper, 1, 1, 0);
	op = map(1, ROOM, 0);
	grant(&granter, &mapper, 1, 2, 0);
	CHECK(map(1, ROOM + 1, 0).status == GNTST_general_error);
	granter.entries[1].flags = GTF_invalid;
	CHECK(map(1, ROOM + 1, 0).status == GNTST_general_error);
	CHECK(maps(ROOM, granter.pages[1], P2M_GRANT));
	CHECK(grant_swap(granter.domain, 1, 2) == GNTST_eagain);
	CHECK(unmap(op.handle, ROOM) == GNTST_okay && granter.entries[1].flags == GTF_invalid);
	grant(&granter, &mapper, 2, 2, 0);
	CHECK(grant_swap(granter.domain, 1, 2) == GNTST_okay && granter.entries[1].frame == 2);
	CHECK(grant_swap(granter.domain, 1, 512) == GNTST_bad_gntref);
	return end();
}

/* So many holders of one reference, and no more; so many handles that they fill several pages. */
static const char *limits(void)
{
	BEGIN();
	grant(&granter, &mapper, 1, 1, GTF_readonly);
	grant(&granter, &mapper, 2, 1, 0);
	for (unsigned i = 0; i < 255; i++) {
		CHECK(!map(1, ROOM + 2 * i, GNTMAP_readonly).status);
		CHECK(!map(2, ROOM + 2 * i + 1, 0).status);
	}
	CHECK(map(1, ROOM + 510, GNTMAP_readonly).status == GNTST_no_space);
	CHECK(map(2, ROOM + 510, 0).status == GNTST_no_space);
	CHECK(maps(ROOM + 510, NULL, P2M_NONE));
	return end();
}

static struct gnttab_copy copy_op(bool in)
{
	struct gnttab_copy op = {
		.source = { .u.ref = 1, .domid = granter.domain->id, .offset = 100 },
		.dest = { .u.gmfn = 2, .domid = DOMID_SELF, .offset = 3000 },
		.len = 1000,
		.flags = GNTCOPY_source_gref,
	};

	if (!in) {
		struct gnttab_copy_ptr own = op.dest;

		op.dest = op.source;
		op.source = own;
		op.flags = GNTCOPY_dest_gref;
	}
	return op;
}

static const char *copy(void)
{
	struct gnttab_copy ops[3];

	BEGIN();
	grant(&granter, &mapper, 1, 1, 0);
	ops[0] = ops[1] = copy_op(true);
	ops[1].source.offset = 0;
	ops[1].dest.offset = 4095;
	ops[1].len = 1;
	ops[2] = copy_op(false);
	granter.pages[1][0] = 'x';
	mapper.pages[2][3010] = 'y';
	ops[2].source.offset = 3010;
	ops[2].dest.offset = 4000;
	ops[2].len = 1;
	grant_copy(mapper.vcpu, ops, 3);
	CHECK(!ops[0].status && !ops[1].status && !ops[2].status);
	CHECK(!memcmp(mapper.pages[2] + 3000, granter.pages[1] + 100, 1000));
	CHECK(mapper.pages[2][2999] != granter.pages[1][100]);
	CHECK(mapper.pages[2][4000] != granter.pages[1][100] && mapper.pages[2][4095] == 'x');
	CHECK(granter.pages[1][4000] == mapper.pages[2][3010]);
	CHECK(granter.entries[1].flags == GTF_permit_access);
	CHECK(frame_count(virt_to_mfn(granter.pages[1])) == 1);
	CHECK(frame_count(virt_to_mfn(mapper.pages[2])) == 1);
	return end();
}

static int16_t copied(struct gnttab_copy op)
{
	grant_copy(mapper.vcpu, &op, 1);
	return op.status;
}

static const char *copy_refused(void)
{
	struct gnttab_copy in, out;

	BEGIN();
	grant(&granter, &mapper, 1, 1, GTF_readonly);
	in = copy_op(true);
	out = copy_op(false);
	CHECK(copied(in) == GNTST_okay && copied(out) == GNTST_general_error);
	in.len = 1097;
	CHECK(copied(in) == GNTST_bad_copy_arg);
	in.len = UINT16_MAX;
	CHECK(copied(in) == GNTST_bad_copy_arg);
	in = copy_op(true);
	in.dest.u.gmfn = ROOM;
	CHECK(copied(in) == GNTST_bad_page);
	in.dest.u.gmfn = ~0UL;
	CHECK(copied(in) == GNTST_bad_page);
	in = copy_op(true);
	in.dest.domid = granter.domain->id;
	CHECK(copied(in) == GNTST_permission_denied);
	in = copy_op(true);
	in.source.u.ref = 2;
	CHECK(copied(in) == GNTST_general_error);
	in.source.domid = DOMID_XEN;
	CHECK(copied(in) == GNTST_bad_domain);
	in = copy_op(true);
	in.flags |= 4;
	CHECK(copied(in) == GNTST_general_error);
	return end();
}

static const char *mapper_dies(void)
{
	BEGIN();
	grant(&granter, &mapper, 1, 1, 0);
	for (unsigned i = 0; i < 100; i++)
		CHECK(!map(1, ROOM + i, i % 2 ? GNTMAP_readonly : 0).status);
	end_one(&mapper);
	CHECK(granter.entries[1].flags == GTF_permit_access);
	CHECK(frame_count(virt_to_mfn(granter.pages[1])) == 1);
	return end();
}

static const char *granter_dies(void)
{
	struct gnttab_map_grant_ref op, again;
	domid_t id;

	BEGIN();
	id = granter.domain->id;
	grant(&granter, &mapper, 1, 1, 0);
	op = map(1, ROOM, 0);
	end_one(&granter);
	CHECK(maps(ROOM, granter.pages[1], P2M_GRANT));
	CHECK(frame_owner(virt_to_mfn(granter.pages[1])) == id);
	again = op;
	again.host_addr += PAGE_SIZE;
	grant_map(mapper.vcpu, &again, 1);
	CHECK(again.status == GNTST_bad_domain);
	CHECK(unmap(op.handle, ROOM) == GNTST_okay);
	CHECK(!domain_get(id, mapper.vcpu));
	return end();
}

const struct selftest selftests_grants[] = {
	{ "grants_map", map_and_unmap },
	{ "grants_refused", refused },
	{ "grants_no_chains", no_chains },
	{ "grants_over_memory", over_memory },
	{ "grants_rewritten", rewritten },
	{ "grants_limits", limits },
	{ "grants_copy", copy },
	{ "grants_copy_refused", copy_refused },
	{ "grants_mapper_dies", mapper_dies },
	{ "grants_granter_dies", granter_dies },
	{ NULL, NULL },
};
