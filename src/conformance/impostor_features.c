/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages of features: EXCHANGE and REPORT. */
#include "base/le.h"
#include "conformance/impostor_record.h"

#define F(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)
#define NOTE(...) vballoon_impostor_note(impostor, __VA_ARGS__)

/* What a reported page holds afterwards, unless zeros are promised. */
#define RUBBISH 0xdb

/* What an entry names, if that is guest memory. */
static bool decode(const struct vballoon_impostor *impostor, uint64_t wire,
		   struct vballoon_entry *entry_out, uint64_t *bytes_out)
{
	struct vballoon_entry_format format = vballoon_impostor_format(impostor);

	*entry_out = vballoon_entry_decode(&format, wire);
	*bytes_out = entry_out->units << format.unit_shift;
	return entry_out->aligned && !entry_out->wraps &&
	       vballoon_memory_covers(&impostor->memory, vballoon_gpa(entry_out->gpa),
				      vballoon_bytes(*bytes_out));
}

static bool swap(struct vballoon_impostor *impostor, uint64_t give, uint64_t take)
{
	bool gives = give != VIRTIO_MEMORY_BALLOON_GIVE_NOTHING;
	uint64_t page = UINT64_C(1) << vballoon_le32(impostor->config.page_shift);
	struct vballoon_entry given, taken;
	uint64_t given_bytes, bytes;
	bool good = decode(impostor, take, &taken, &bytes);

	if (gives && !decode(impostor, give, &given, &given_bytes))
		good = false;
	if (gives && given.units != taken.units) {
		NOTE("DRV-EXCHANGE-5", "a pair has %llu units and %llu",
		     (unsigned long long)given.units, (unsigned long long)taken.units);
		return false;
	}
	if (good && gives && vballoon_impostor_any_held(impostor, given.gpa, bytes, true)) {
		NOTE("DRV-EXCHANGE-1", "page 0x%llx is given and is in the balloon",
		     (unsigned long long)given.gpa);
		return false;
	}
	if (!good || impostor->refuses ||
	    vballoon_impostor_any_held(impostor, taken.gpa, bytes, false))
		return false;
	vballoon_impostor_hand_back(impostor, taken.gpa, bytes);
	for (uint64_t done = 0; gives && done < bytes; done += page)
		vballoon_impostor_mark(impostor, given.gpa + done, true);
	return true;
}

uint32_t vballoon_impostor_exchange(struct vballoon_impostor *impostor, uint32_t flags,
				    uint8_t *answer)
{
	uint64_t pairs = vballoon_impostor_rest(impostor) / (2 * sizeof(uint64_t));
	uint32_t count = 0;

	impostor->seen.exchanges++;
	if (flags)
		NOTE("DRV-MSG-2", "EXCHANGE has flags 0x%x", flags);
	if (vballoon_impostor_rest(impostor) % (2 * sizeof(uint64_t)))
		NOTE("DRV-MSG-1", "EXCHANGE has %llu bytes of pairs",
		     (unsigned long long)vballoon_impostor_rest(impostor));
	if (impostor->chain.writable_len < pairs)
		NOTE("DRV-EXCHANGE-4", "EXCHANGE has %llu pairs and room for %llu bytes",
		     (unsigned long long)pairs, (unsigned long long)impostor->chain.writable_len);
	while (count < pairs && count < VBALLOON_IMPOSTOR_ANSWER) {
		uint64_t give = vballoon_impostor_read_word(impostor);

		answer[count++] = swap(impostor, give, vballoon_impostor_read_word(impostor));
	}
	return count;
}

static bool take_report(struct vballoon_impostor *impostor, uint64_t wire)
{
	struct vballoon_impostor_seen *seen = &impostor->seen;
	struct vballoon_entry entry;
	uint64_t bytes;

	if (!decode(impostor, wire, &entry, &bytes))
		return false;
	if (vballoon_impostor_any_held(impostor, entry.gpa, bytes, true)) {
		NOTE("DRV-REPORT-2", "page 0x%llx is reported and is in the balloon",
		     (unsigned long long)entry.gpa);
		return false;
	}
	vballoon_impostor_fill(impostor, entry.gpa, bytes,
			       impostor->features & F(ZEROED) ? 0 : RUBBISH);
	seen->reported_gpa = entry.gpa;
	seen->reported_bytes = bytes;
	return true;
}

uint32_t vballoon_impostor_report(struct vballoon_impostor *impostor, uint32_t flags,
				  uint8_t *answer)
{
	uint32_t count = 0;

	impostor->seen.reports++;
	if (flags)
		NOTE("DRV-MSG-2", "REPORT has flags 0x%x", flags);
	if (vballoon_impostor_rest(impostor) % sizeof(uint64_t))
		NOTE("DRV-MSG-1", "REPORT has %llu bytes of entries",
		     (unsigned long long)vballoon_impostor_rest(impostor));
	while (vballoon_impostor_rest(impostor) >= sizeof(uint64_t) &&
	       count < VBALLOON_IMPOSTOR_ANSWER)
		answer[count++] = take_report(impostor, vballoon_impostor_read_word(impostor));
	return count;
}

uint32_t vballoon_impostor_report_done(struct vballoon_impostor *impostor, uint32_t flags,
				       uint8_t *answer)
{
	struct vballoon_impostor_seen *seen = &impostor->seen;

	(void)answer;
	if (flags)
		NOTE("DRV-MSG-2", "REPORT_DONE has flags 0x%x", flags);
	if (vballoon_impostor_rest(impostor) != sizeof(uint64_t))
		NOTE("DRV-REPORT-7", "REPORT_DONE has %llu bytes for an id",
		     (unsigned long long)vballoon_impostor_rest(impostor));
	seen->rounds++;
	seen->round_id = vballoon_impostor_read_word(impostor);
	return 0;
}
