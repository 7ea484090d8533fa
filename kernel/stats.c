// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * STATS: what the guest knows of its memory, tags and units as the traditional
 * balloon reports them.
 */
#include <linux/mm.h>
#include <linux/vmstat.h>

#include "vballoon.h"

static void stats_answered(struct vballoon *b, struct vballoon_message *message, u32 len)
{
}

void vballoon_stats_init(struct vballoon *b)
{
	b->stats.message.answered = stats_answered;
	b->stats.out.header.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS);
}

/* Keeps DRV-STATS-6. */
static void stat_put(struct vballoon_stats *s, u16 tag, u64 value)
{
	struct virtio_memory_balloon_stat *stat = &s->out.stat[s->count++];

	stat->tag = cpu_to_le16(tag);
	stat->value = cpu_to_le64(value);
}

/* Keeps DRV-STATS-7. */
static void put_memory(struct vballoon_stats *s)
{
	u64 caches = global_node_page_state(NR_FILE_PAGES);
	u64 available = si_mem_available();
	struct sysinfo i;

	si_meminfo(&i);
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_MEMFREE, (u64)i.freeram << PAGE_SHIFT);
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_MEMTOT, (u64)i.totalram << PAGE_SHIFT);
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_AVAIL, available << PAGE_SHIFT);
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_CACHES, caches << PAGE_SHIFT);
}

#ifdef CONFIG_VM_EVENT_COUNTERS
static const struct {
	u16 tag;
	u16 event;
	u8 shift; /* from the event's unit to the tag's */
} counters[] = {
	{ VIRTIO_MEMORY_BALLOON_S_SWAP_IN, PSWPIN, PAGE_SHIFT },
	{ VIRTIO_MEMORY_BALLOON_S_SWAP_OUT, PSWPOUT, PAGE_SHIFT },
	{ VIRTIO_MEMORY_BALLOON_S_MAJFLT, PGMAJFAULT, 0 },
	{ VIRTIO_MEMORY_BALLOON_S_MINFLT, PGFAULT, 0 },
#ifdef CONFIG_HUGETLB_PAGE
	{ VIRTIO_MEMORY_BALLOON_S_HTLB_PGALLOC, HTLB_BUDDY_PGALLOC, 0 },
	{ VIRTIO_MEMORY_BALLOON_S_HTLB_PGFAIL, HTLB_BUDDY_PGALLOC_FAIL, 0 },
#endif
	{ VIRTIO_MEMORY_BALLOON_S_OOM_KILL, OOM_KILL, 0 },
	{ VIRTIO_MEMORY_BALLOON_S_ASYNC_SCAN, PGSCAN_KSWAPD, PAGE_SHIFT },
	{ VIRTIO_MEMORY_BALLOON_S_DIRECT_SCAN, PGSCAN_DIRECT, PAGE_SHIFT },
	{ VIRTIO_MEMORY_BALLOON_S_ASYNC_RECLAIM, PGSTEAL_KSWAPD, PAGE_SHIFT },
	{ VIRTIO_MEMORY_BALLOON_S_DIRECT_RECLAIM, PGSTEAL_DIRECT, PAGE_SHIFT },
};

/* Keeps DRV-STATS-2, DRV-STATS-3, DRV-STATS-7. */
static void put_counters(struct vballoon_stats *s)
{
	unsigned long events[NR_VM_EVENT_ITEMS];
	u64 stalls = 0;
	unsigned int i;

	all_vm_events(events);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		stat_put(s, counters[i].tag, (u64)events[counters[i].event] << counters[i].shift);
	for (i = 0; i < MAX_NR_ZONES; i++)
		stalls += events[ALLOCSTALL_NORMAL - ZONE_NORMAL + i];
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_ALLOC_STALL, stalls);
}
#else
static void put_counters(struct vballoon_stats *s)
{
}
#endif

/* One report is in flight at the most: a request beside it is skipped.
 * Keeps DRV-STATS-1, DRV-STATS-4, DRV-STATS-5, DRV-STATS-6. */
void vballoon_stats_send(struct vballoon *b, u32 cookie)
{
	struct vballoon_stats *s = &b->stats;

	if (s->message.in_flight || b->hello.due)
		return;
	s->count = 0;
	put_counters(s);
	put_memory(s);
	s->out.header.flags = cpu_to_le32(cookie);
	vballoon_message_send(b, &s->message, &s->out, offsetof(typeof(s->out), stat[s->count]),
			      NULL, 0);
}
