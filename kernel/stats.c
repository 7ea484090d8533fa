// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * STATS: what the guest knows of its memory, tags 0 to 9 as the traditional
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

static void stat_put(struct vballoon_stats *s, unsigned int *count, u16 tag, u64 value)
{
	s->out.stat[*count].tag = cpu_to_le16(tag);
	s->out.stat[*count].value = cpu_to_le64(value);
	++*count;
}

static unsigned int put_memory(struct vballoon_stats *s, unsigned int count)
{
	struct sysinfo i;

	si_meminfo(&i);
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_MEMFREE, (u64)i.freeram << PAGE_SHIFT);
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_MEMTOT, (u64)i.totalram << PAGE_SHIFT);
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_AVAIL, (u64)si_mem_available() << PAGE_SHIFT);
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_CACHES,
		 (u64)global_node_page_state(NR_FILE_PAGES) << PAGE_SHIFT);
	return count;
}

#ifdef CONFIG_VM_EVENT_COUNTERS
static unsigned int put_events(struct vballoon_stats *s, unsigned int count)
{
	unsigned long events[NR_VM_EVENT_ITEMS];

	all_vm_events(events);
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_SWAP_IN, (u64)events[PSWPIN] << PAGE_SHIFT);
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_SWAP_OUT, (u64)events[PSWPOUT] << PAGE_SHIFT);
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_MAJFLT, events[PGMAJFAULT]);
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_MINFLT, events[PGFAULT]);
#ifdef CONFIG_HUGETLB_PAGE
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_HTLB_PGALLOC, events[HTLB_BUDDY_PGALLOC]);
	stat_put(s, &count, VIRTIO_MEMORY_BALLOON_S_HTLB_PGFAIL, events[HTLB_BUDDY_PGALLOC_FAIL]);
#endif
	return count;
}
#else
static unsigned int put_events(struct vballoon_stats *s, unsigned int count)
{
	return count;
}
#endif

/* One report is in flight at the most: a request beside it is skipped. */
void vballoon_stats_send(struct vballoon *b, u32 cookie)
{
	struct vballoon_stats *s = &b->stats;
	unsigned int count = 0;

	if (s->message.in_flight || b->hello.due)
		return;
	count = put_events(s, count);
	count = put_memory(s, count);
	s->out.header.flags = cpu_to_le32(cookie);
	vballoon_message_send(b, &s->message, &s->out, offsetof(typeof(s->out), stat[count]), NULL,
			      0);
}
