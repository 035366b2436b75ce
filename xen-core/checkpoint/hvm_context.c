/* A domain's registers as a chain of records: walked to save, checked whole, then loaded. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/hvm_context.h"

#include "hw/cpu.h"
#include "hw/timer.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/sched.h"

#define CODE_HEADER 1
#define CODE_END    0

static const struct context_section *const sections[] = {
	&context_cpu, &context_lapic, &context_lapic_regs, &context_mtrr, &context_xsave,
};

static uint32_t section_length(const struct context_section *section)
{
	return section->length + (section->more ? section->more() : 0);
}

size_t hvm_context_size(const struct domain *domain)
{
	size_t size = 2 * sizeof(struct hvm_save_descriptor) + sizeof(struct hvm_save_header);

	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++)
		size += domain->vcpu_count *
		        (sizeof(struct hvm_save_descriptor) + section_length(sections[i]));
	return size;
}

static void *begin(char **at, uint16_t typecode, unsigned instance, uint32_t length)
{
	const struct hvm_save_descriptor descriptor = { typecode, (uint16_t)instance, length };
	void *record = *at + sizeof(descriptor);

	memcpy(*at, &descriptor, sizeof(descriptor));
	memset(record, 0, length);
	*at += sizeof(descriptor) + length;
	return record;
}

static void save_header(char **at)
{
	const struct hvm_save_header header = {
		.magic = HVM_FILE_MAGIC,
		.version = HVM_FILE_VERSION,
		.changeset = ~0UL,
		.cpuid = cpuid(1, 0).eax,
		.gtsc_khz = (uint32_t)clock_tsc_khz(),
	};

	memcpy(begin(at, CODE_HEADER, 0, sizeof(header)), &header, sizeof(header));
}

static void save_section(char **at, const struct context_section *section, struct vcpu *vcpu)
{
	if (!section->applies || section->applies(vcpu))
		section->save(vcpu,
		              begin(at, section->typecode, vcpu->id, section_length(section)));
}

size_t hvm_context_save(struct domain *domain, void *buffer)
{
	char *at = buffer;

	save_header(&at);
	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++)
		for (unsigned v = 0; v < domain->vcpu_count; v++)
			save_section(&at, sections[i], domain->vcpus[v]);
	begin(&at, CODE_END, 0, 0);
	return (size_t)(at - (char *)buffer);
}

static const struct context_section *section_find(uint16_t typecode)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++)
		if (sections[i]->typecode == typecode)
			return sections[i];
	return NULL;
}

/* The next record of the chain, checked to lie within it. False at its end or a breach. */
static bool next_record(const char **at, const char *end, struct hvm_save_descriptor *descriptor,
                        const void **record)
{
	if ((size_t)(end - *at) < sizeof(*descriptor))
		return false;
	memcpy(descriptor, *at, sizeof(*descriptor));
	*record = *at + sizeof(*descriptor);
	if (descriptor->length > (size_t)(end - (const char *)*record))
		return false;
	*at = (const char *)*record + descriptor->length;
	return descriptor->typecode != CODE_END;
}

static int check_header(const void *record, uint32_t length)
{
	struct hvm_save_header header;

	if (length != sizeof(header))
		return -EINVAL;
	memcpy(&header, record, sizeof(header));
	return header.magic == HVM_FILE_MAGIC && header.version == HVM_FILE_VERSION ? 0 : -EINVAL;
}

static int check_record(const struct domain *domain, const struct hvm_save_descriptor *descriptor,
                        const void *record)
{
	const struct context_section *section = section_find(descriptor->typecode);

	if (descriptor->typecode == CODE_HEADER)
		return check_header(record, descriptor->length);
	if (!section || descriptor->length != section_length(section) ||
	    descriptor->instance >= domain->vcpu_count)
		return -EINVAL;
	return section->check(domain->vcpus[descriptor->instance], record);
}

static int check_chain(const struct domain *domain, const char *at, const char *end)
{
	struct hvm_save_descriptor descriptor = { .typecode = CODE_HEADER };
	const void *record;
	int err = 0;

	while (!err && next_record(&at, end, &descriptor, &record))
		err = check_record(domain, &descriptor, record);
	if (!err && descriptor.typecode != CODE_END)
		err = -EINVAL; /* cut off */
	return err;
}

int hvm_context_load(struct domain *domain, const void *buffer, size_t size)
{
	const char *at = buffer, *end = at + size;
	struct hvm_save_descriptor descriptor;
	const void *record;
	int err = check_chain(domain, at, end);

	if (err)
		return err;
	for (unsigned v = 0; v < domain->vcpu_count; v++)
		sched_down(domain->vcpus[v]);
	while (next_record(&at, end, &descriptor, &record))
		if (descriptor.typecode != CODE_HEADER)
			section_find(descriptor.typecode)
				->load(domain->vcpus[descriptor.instance], record);
	return 0;
}
