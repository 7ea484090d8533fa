/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Giving held memory back to the host.
 *
 * What is to be dropped follows from the page maps: host pages that are wholly
 * held and not dropped. Neighbours that came in different messages therefore
 * make one call. The summary says where to look: an ADD hints its chunks, and
 * looking through a chunk takes the hint away, whether or not the host could
 * drop; so what it could not is tried again when more is added nearby. A chunk may take
 * several runs of the device.
 *
 * Where a driver gives pages in small messages, one at a time (vballoon_protocol.linger_ms),
 * those of a block that is not wholly held wait for the rest of it, for some milliseconds: a
 * huge page of the host is given back as a whole then.
 *
 * Some of those drivers read the configuration space after each message, and wait for that,
 * too. A driver that did so after its last message is to do it after this one before anything
 * is dropped: it would wait for the host. It is not waited for longer than a moment.
 *
 * Nothing is dropped unless the record is proven (DEV-STOP-2), and nothing is ever
 * under way between two calls.
 */
#include "device/core.h"

/* At most this much between two looks at the queues. The host takes some 0.25 ms
 * for a MiB of shared memory. */
#define RUN_BYTES_SHIFT 24
#define RUN_CALLS 128

/* Freeing a large page takes the host no longer than so many small ones. */
#define LARGE_PAGE_COST 8

/* How long a driver that has its answer is waited for. Between one and two, as the clock has it. */
#define DEFER_MS 2

struct budget {
	uint64_t pages;
	unsigned int calls;
	uint64_t looks; /* pages that are looked through, dropped or not */
};

/* Keeps DEV-MEM-6. */
bool vballoon_drop_allowed(const struct vballoon_device *device,
			   const struct vballoon_region *region)
{
	return device->config.reclaim && region->reclaimable == VBALLOON_RECLAIMABLE;
}

bool vballoon_drop_is_held_back(const struct vballoon_device *device,
				enum vballoon_reclaimable *cause_out)
{
	if (device->inhibited) {
		*cause_out = VBALLOON_KEEP_INHIBITED;
		return true;
	}
	if (!device->protocol->is_firm(device)) {
		*cause_out = VBALLOON_KEEP_SILENT;
		return true;
	}
	*cause_out = VBALLOON_KEEP_WARM;
	return device->policy.pages == VBALLOON_PAGES_WARM && !device->drop_all;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What is dropped at once, in pages of a region: multiples of mask + 1, from -phase on. */
struct grid {
	uint64_t mask;
	uint64_t phase;
};

/* Whole host pages; of a guest whose pages may still come, whole blocks, unless their ends
 * would be within host pages. */
static struct grid grid_of(const struct vballoon_device *device, unsigned int region,
			   const struct vballoon_page_map *map)
{
	uint32_t shift = device->config.page_shift;
	struct grid grid = { .mask = vballoon_page_map_host_pages(map) - 1 };
	uint64_t block_mask = (UINT64_C(1) << VBALLOON_SEARCH_BLOCK_SHIFT >> shift) - 1;
	uint64_t phase = device->memory.regions[region].gpa.value >> shift & block_mask;

	if (device->drop.lingers && !device->drop_all && block_mask > grid.mask &&
	    !(phase & grid.mask))
		grid = (struct grid){ .mask = block_mask, .phase = phase };
	return grid;
}

static uint64_t grid_up(struct grid grid, uint64_t page)
{
	return ((page + grid.phase + grid.mask) & ~grid.mask) - grid.phase;
}

/* At least 0. */
static uint64_t grid_down(struct grid grid, uint64_t page)
{
	uint64_t at = (page + grid.phase) & ~grid.mask;

	return at > grid.phase ? at - grid.phase : 0;
}

static bool in_chunk(const struct vballoon_drop *drop)
{
	return drop->next < drop->end;
}

/* Find a hinted chunk in region @index from page @from on. */
static bool find_chunk(const struct vballoon_device *device, unsigned int index, uint64_t from,
		       struct vballoon_run *chunk_out)
{
	const struct vballoon_summary *summary = &device->summaries[index];

	return vballoon_drop_allowed(device, &device->memory.regions[index]) &&
	       vballoon_summary_next(summary, VBALLOON_HINT_PENDING, from, chunk_out);
}

bool vballoon_drop_waits(const struct vballoon_device *device)
{
	enum vballoon_reclaimable cause;
	struct vballoon_run chunk;

	if (vballoon_drop_is_held_back(device, &cause))
		return false;
	if (in_chunk(&device->drop))
		return true;
	for (unsigned int i = 0; i < device->memory.count; i++) {
		if (find_chunk(device, i, 0, &chunk))
			return true;
	}
	return false;
}

/* Look through a chunk next, and what else there is of the blocks at its ends. Its hint
 * goes first: what is added behind our back gives it anew. */
static void enter_chunk(struct vballoon_device *device, unsigned int region,
			struct vballoon_run chunk)
{
	struct vballoon_page_map map =
		vballoon_page_map_open(device->memory.regions[region].page_map);
	struct grid grid = grid_of(device, region, &map);
	struct vballoon_drop *drop = &device->drop;
	uint64_t end = grid_up(grid, chunk.first + chunk.count);

	vballoon_summary_clear(&device->summaries[region], VBALLOON_HINT_PENDING, chunk.first);
	drop->region = region;
	drop->next = grid_down(grid, chunk.first);
	drop->end = end < map.header->pages ? end : map.header->pages;
}

/* Enter the next hinted chunk, round and round, so that none starves. */
static bool next_chunk(struct vballoon_device *device)
{
	struct vballoon_drop *drop = &device->drop;
	unsigned int count = device->memory.count;
	unsigned int index = drop->region;
	struct vballoon_run chunk;
	uint64_t from = drop->end;

	for (unsigned int n = 0; n <= count; n++) {
		if (index >= count) {
			index = 0;
			from = 0;
		}
		if (index < count && find_chunk(device, index, from, &chunk)) {
			enter_chunk(device, index, chunk);
			return true;
		}
		index++;
		from = 0;
	}
	return false;
}

void vballoon_drop_leave(struct vballoon_device *device)
{
	struct vballoon_drop *drop = &device->drop;

	if (in_chunk(drop))
		vballoon_summary_hint(&device->summaries[drop->region], VBALLOON_HINT_PENDING,
				      drop->next, drop->end - drop->next);
	drop->region = 0;
	drop->next = drop->end = 0;
}

void vballoon_drop_linger(struct vballoon_device *device)
{
	struct vballoon_drop *drop = &device->drop;
	bool begins = !drop->lingers;

	/* Who does not know the time cannot be told when it is over. */
	drop->lingers = device->protocol->linger_ms && device->now_ms;
	drop->linger_until_ms = device->now_ms + device->protocol->linger_ms;
	if (!begins || !drop->lingers)
		return;
	/* What was to be dropped as it is still will be. */
	vballoon_drop_leave(device);
	for (unsigned int i = 0; i < device->memory.count; i++)
		vballoon_summary_copy(&device->summaries[i], VBALLOON_HINT_PENDING,
				      VBALLOON_HINT_LINGERING);
}

void vballoon_drop_defer(struct vballoon_device *device)
{
	struct vballoon_drop *drop = &device->drop;

	drop->deferred = drop->lingers && drop->gone_on;
	drop->deferred_until_ms = device->now_ms + DEFER_MS;
	drop->gone_on = false;
}

void vballoon_drop_go_on(struct vballoon_device *device)
{
	device->drop.gone_on = true;
	device->drop.deferred = false;
}

/* The time has come for what waited for neighbours. */
static void end_lingering(struct vballoon_device *device)
{
	device->drop.lingers = false;
	for (unsigned int i = 0; i < device->memory.count; i++) {
		vballoon_summary_copy(&device->summaries[i], VBALLOON_HINT_LINGERING,
				      VBALLOON_HINT_PENDING);
		vballoon_summary_forget(&device->summaries[i], VBALLOON_HINT_LINGERING);
	}
}

/* The mark is set before the host acts: after a crash in between, memory that
 * may be gone is not taken for memory that is there. @gone: some of it may be already.
 * Keeps DEV-MEM-1. */
static void drop_pages(struct vballoon_device *device, unsigned int region,
		       const struct vballoon_page_map *map, struct vballoon_run run, bool gone)
{
	const struct vballoon_reclaim_ops *reclaim = device->config.reclaim;
	uint32_t shift = device->config.page_shift;
	int (*give)(void *context, const struct vballoon_region *region,
		    struct vballoon_bytes offset, struct vballoon_bytes len) = reclaim->drop;
	int error;

	/* What may be touched without a word must not be missed then: there is no restore. */
	if (device->protocol->is_silent && device->protocol->is_silent(device))
		give = reclaim->discard;
	vballoon_journal_drop(device, map->header->gpa + (run.first << shift), run.count);
	vballoon_page_map_drop(map, run.first, run.count);
	vballoon_journal_order();
	device->counters.drop_calls++;
	error = give(device->config.context, &device->memory.regions[region],
		     vballoon_bytes(run.first << shift), vballoon_bytes(run.count << shift));
	if (error) {
		if (!gone)
			vballoon_page_map_undrop(map, run.first, run.count);
		device->counters.drop_failures++;
		device->counters.last_drop_error = error;
	}
	vballoon_journal_drop(device, 0, 0);
}

/* Take the next of the chunk that is whole on the grid, at most @most pages (or one place
 * of it), looking through no more than *@looks pages, and one place. False: the rest of the
 * chunk has none, or it is to be looked on in another run.
 * Keeps DEV-ADD-10, DEV-ADD-11, DEV-MEM-2. */
static bool next_run(struct vballoon_drop *drop, const struct vballoon_page_map *map,
		     struct grid grid, uint64_t most, uint64_t *looks, struct vballoon_run *run_out)
{
	struct vballoon_bits loose = vballoon_page_map_loose(map);
	uint64_t from, first, end;

	most = least(most, *looks);
	most = most <= grid.mask ? grid.mask + 1 : most & ~grid.mask;
	while (in_chunk(drop) && *looks) {
		from = drop->next;
		first = vballoon_bits_next(loose, from, from + least(drop->end - from, *looks));
		end = least(drop->end, grid_up(grid, first) + most);
		end = vballoon_bits_next_missing(loose, first, end);
		first = grid_up(grid, first);
		drop->next = end;
		*looks -= least(end - from, *looks);
		end = grid_down(grid, end);
		if (first < end) {
			*run_out = (struct vballoon_run){ first, end - first };
			return true;
		}
	}
	return false;
}

/* Keeps DEV-RING-5. */
static void drop_in_chunk(struct vballoon_device *device, struct budget *budget)
{
	struct vballoon_drop *drop = &device->drop;
	struct vballoon_page_map map =
		vballoon_page_map_open(device->memory.regions[drop->region].page_map);
	struct grid grid = grid_of(device, drop->region, &map);
	uint64_t host_pages = vballoon_page_map_host_pages(&map);
	uint64_t share = host_pages > LARGE_PAGE_COST ? host_pages / LARGE_PAGE_COST : 1;
	struct vballoon_run run;
	uint64_t cost;

	while (budget->calls && budget->pages &&
	       next_run(drop, &map, grid, budget->pages * share, &budget->looks, &run)) {
		drop_pages(device, drop->region, &map, run, false);
		budget->calls--;
		cost = run.count / share;
		budget->pages -= cost < budget->pages ? cost : budget->pages;
	}
}

/* What was dropped before may have been used since, in silence. */
void vballoon_drop_at_once(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	struct vballoon_piece piece;
	uint64_t mask, first, end;
	bool gone;

	if (device->inhibited || device->policy.pages == VBALLOON_PAGES_WARM)
		return;
	while (vballoon_held_piece(device, &gpa, &pages, &piece)) {
		mask = vballoon_page_map_host_pages(&piece.map) - 1;
		first = (piece.first + mask) & ~mask;
		end = (piece.first + piece.count) & ~mask;
		if (first >= end ||
		    !vballoon_drop_allowed(device, &device->memory.regions[piece.index]))
			continue;
		/* By a device that died over this message, perhaps. */
		gone = vballoon_bitmap_count(piece.map.dropped, first, end - first) != 0;
		drop_pages(device, piece.index, &piece.map,
			   (struct vballoon_run){ first, end - first }, gone);
		vballoon_work_charge(&device->work, 2 * (end - first) << device->config.page_shift);
	}
}

/* With one queue stopped the other is about to be, or to start: what it says last
 * proves the record for itself, but not that there is a guest to come.
 * Keeps DEV-STOP-2, DEV-STOP-4, DEV-STOP-10, DEV-MEM-7, DEV-BAD-2. */
static bool may_drop(const struct vballoon_device *device)
{
	enum vballoon_reclaimable cause;

	return device->proof == VBALLOON_RECORD_PROVEN && !device->violation &&
	       !vballoon_drop_is_held_back(device, &cause) && device->rings[0].running &&
	       device->rings[1].running;
}

/* Whether anything is held and not dropped that may be. */
static bool is_anything_loose(const struct vballoon_device *device)
{
	const struct vballoon_page_map_header *header;

	for (unsigned int i = 0; i < device->memory.count; i++) {
		header = vballoon_page_map_open(device->memory.regions[i].page_map).header;
		if (header->held_pages > header->dropped_pages &&
		    vballoon_drop_allowed(device, &device->memory.regions[i]))
			return true;
	}
	return false;
}

uint64_t vballoon_drop_due_ms(const struct vballoon_device *device)
{
	const struct vballoon_drop *drop = &device->drop;

	if (!drop->lingers || !may_drop(device) || !is_anything_loose(device))
		return VBALLOON_NEVER;
	return drop->deferred ? drop->deferred_until_ms : drop->linger_until_ms;
}

void vballoon_device_drop_now(struct vballoon_device *device)
{
	for (unsigned int i = 0; i < device->memory.count; i++)
		vballoon_summary_copy(&device->summaries[i], VBALLOON_HINT_HELD,
				      VBALLOON_HINT_PENDING);
	device->drop_all = true;
}

/* Keeps DEV-STOP-5, DEV-RESET-2, DEV-ADD-12, DEV-WITHDRAW-6, DEV-WITHDRAW-15. */
bool vballoon_drop_run(struct vballoon_device *device)
{
	uint32_t shift = device->config.page_shift;
	struct budget budget = {
		.pages = shift < RUN_BYTES_SHIFT ? UINT64_C(1) << (RUN_BYTES_SHIFT - shift) : 1,
		.calls = RUN_CALLS,
		.looks = (uint64_t)VBALLOON_RUN_STEPS * VBALLOON_SEARCH_STEP_PAGES,
	};

	/* What is dropped may be what a message waits for. */
	if (!may_drop(device) || (device->work.unfinished && !device->work.waits))
		return false;
	if (device->drop.deferred && !device->drop_all &&
	    device->now_ms < device->drop.deferred_until_ms)
		return false;
	device->drop.deferred = false;
	if (vballoon_drop_due_ms(device) <= device->now_ms)
		end_lingering(device);
	while (budget.pages && budget.calls && budget.looks) {
		if (!in_chunk(&device->drop) && !next_chunk(device)) {
			device->drop_all = false;
			return false;
		}
		drop_in_chunk(device, &budget);
	}
	if (vballoon_drop_waits(device))
		return true;
	device->drop_all = false; /* all of it was just what one run may do */
	return false;
}
