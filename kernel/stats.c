// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * STATS: what the guest knows of its memory, tags and units as the traditional
 * balloon reports them.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/vmstat.h>

#include "vballoon.h"

/* Whatever the device asks for. */
#define PERIOD_MS_MIN 250U
/* A reading of the pressure that is older is not sent. */
#define PSI_JIFFIES (30 * HZ)

static void stats_answered(struct vballoon *b, struct vballoon_message *message, u32 len)
{
}

static void push_work(struct work_struct *work);

void vballoon_stats_init(struct vballoon *b)
{
	INIT_DELAYED_WORK(&b->stats.push, push_work);
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
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_REFAULT_ANON,
		 (u64)global_node_page_state(WORKINGSET_REFAULT_ANON) << PAGE_SHIFT);
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_REFAULT_FILE,
		 (u64)global_node_page_state(WORKINGSET_REFAULT_FILE) << PAGE_SHIFT);
}

/* What /proc/pressure/memory says, of which a module can only be told. */
int vballoon_psi_parse(struct vballoon_psi *psi, const char *text)
{
	const char *some = strstr(text, "some "), *full = strstr(text, "full ");

	some = some ? strstr(some, "total=") : NULL;
	full = full ? strstr(full, "total=") : NULL;
	if (!some || !full || sscanf(some, "total=%llu", &psi->some_us) != 1 ||
	    sscanf(full, "total=%llu", &psi->full_us) != 1)
		return -EINVAL;
	psi->written = get_jiffies_64();
	psi->known = true;
	return 0;
}

static void put_psi(struct vballoon_stats *s)
{
	if (s->psi.known && time_after64(get_jiffies_64(), s->psi.written + PSI_JIFFIES))
		s->psi.known = false;
	if (!s->psi.known)
		return;
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_PSI_SOME, s->psi.some_us);
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_PSI_FULL, s->psi.full_us);
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
#ifdef CONFIG_COMPACTION
	{ VIRTIO_MEMORY_BALLOON_S_COMPACT_STALL, COMPACTSTALL, 0 },
	{ VIRTIO_MEMORY_BALLOON_S_COMPACT_FAIL, COMPACTFAIL, 0 },
#endif
	{ VIRTIO_MEMORY_BALLOON_S_OOM_KILL, OOM_KILL, 0 },
	{ VIRTIO_MEMORY_BALLOON_S_ASYNC_SCAN, PGSCAN_KSWAPD, PAGE_SHIFT },
	{ VIRTIO_MEMORY_BALLOON_S_DIRECT_SCAN, PGSCAN_DIRECT, PAGE_SHIFT },
	{ VIRTIO_MEMORY_BALLOON_S_ASYNC_RECLAIM, PGSTEAL_KSWAPD, PAGE_SHIFT },
	{ VIRTIO_MEMORY_BALLOON_S_DIRECT_RECLAIM, PGSTEAL_DIRECT, PAGE_SHIFT },
};

/* Not all_vm_events(), which waits for processors that come and go: whoever brings one may
 * be waiting for memory, and so for the lock that we are under.
 */
static u64 event_count(unsigned int event)
{
	u64 count = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		count += READ_ONCE(per_cpu(vm_event_states, cpu).event[event]);
	return count;
}

/* Keeps DRV-STATS-2, DRV-STATS-3, DRV-STATS-7. */
static void put_counters(struct vballoon_stats *s)
{
	u64 stalls = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		stat_put(s, counters[i].tag, event_count(counters[i].event) << counters[i].shift);
	for (i = 0; i < MAX_NR_ZONES; i++)
		stalls += event_count(ALLOCSTALL_NORMAL - ZONE_NORMAL + i);
	stat_put(s, VIRTIO_MEMORY_BALLOON_S_ALLOC_STALL, stalls);
}
#else
static void put_counters(struct vballoon_stats *s)
{
}
#endif

/* One report is in flight at the most. Keeps DRV-STATS-4, DRV-STATS-5, DRV-STATS-6. */
static void stats_send(struct vballoon *b, u32 cookie)
{
	struct vballoon_stats *s = &b->stats;

	s->count = 0;
	put_counters(s);
	put_memory(s);
	put_psi(s);
	s->out.header.flags = cpu_to_le32(cookie);
	vballoon_message_send(b, &s->message, &s->out, offsetof(typeof(s->out), stat[s->count]),
			      NULL, 0);
}

static bool can_send(const struct vballoon *b)
{
	return vballoon_may_send(b) && !b->stats.message.in_flight;
}

/* Under the lock: the device asks. Beside a report that is in flight it asks for nothing.
 * Keeps DRV-STATS-1.
 */
void vballoon_stats_request(struct vballoon *b, u32 cookie)
{
	if (b->stats.message.in_flight)
		return;
	b->stats.cookie = cookie;
	b->stats.due = true;
}

/* Under the lock: answer what it has asked for, once it is greeted. */
void vballoon_stats_step(struct vballoon *b)
{
	if (!b->stats.due || !can_send(b))
		return;
	b->stats.due = false;
	stats_send(b, b->stats.cookie);
}

/* Under the lock. */
static void push_queue(struct vballoon *b)
{
	if (b->running && b->stats.period_ms)
		mod_delayed_work(b->wq, &b->stats.push, msecs_to_jiffies(b->stats.period_ms));
}

/* Keeps DRV-PUSH-2, DRV-PUSH-4. */
static void push_work(struct work_struct *work)
{
	struct vballoon *b = container_of(to_delayed_work(work), struct vballoon, stats.push);

	mutex_lock(&b->lock);
	if (b->stats.period_ms && can_send(b))
		stats_send(b, 0);
	push_queue(b);
	mutex_unlock(&b->lock);
}

/* Under the lock: what the device asked for. Keeps DRV-PUSH-1, DRV-PUSH-3. */
void vballoon_stats_set_period(struct vballoon *b, u32 period_ms)
{
	if (period_ms == VIRTIO_MEMORY_BALLOON_STATS_PERIOD_SAME)
		return;
	b->stats.period_ms = period_ms ? max(period_ms, PERIOD_MS_MIN) : 0;
	push_queue(b);
}

/* A new life of the device, which has not yet asked for anything. Keeps DRV-PUSH-5. */
void vballoon_stats_start(struct vballoon *b)
{
	b->stats.period_ms = 0;
	b->stats.due = false;
}

void vballoon_stats_stop(struct vballoon *b)
{
	cancel_delayed_work_sync(&b->stats.push);
}
