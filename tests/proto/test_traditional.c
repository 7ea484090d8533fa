/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon (virtio device 5) over vhost-user. */
#include <sys/socket.h>
#include <unistd.h>

#include <vballoon/abi/traditional_balloon.h>

#include "base/le.h"
#include "proto_test.h"

#define INFLATE VIRTIO_BALLOON_VQ_INFLATE
#define DEFLATE VIRTIO_BALLOON_VQ_DEFLATE
#define BIT(n) (UINT64_C(1) << (n))
#define TELLS BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST)
#define RING_PACKED BIT(34)
#define PATTERN 0x5a

static struct front_end front_end;
static int channel[2] = { -1, -1 }; /* what the back end sends, at 0 */

static int set_up(void **state)
{
	(void)state;
	front_end_open_device(&front_end, VIRTIO_BALLOON_ID, VIRTIO_BALLOON_VQ_MAX);
	memset(front_end.memory, PATTERN, GUEST_BYTES); /* the host has memory of all of it */
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	front_end_close(&front_end);
	for (unsigned int i = 0; i < 2; i++) {
		if (channel[i] >= 0)
			close(channel[i]);
		channel[i] = -1;
	}
	return 0;
}

static void open_channel(int flags)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | flags, 0, channel), 0);
	front_end_send(&front_end, VHOST_USER_SET_BACKEND_REQ_FD, 0, NULL, 0, &channel[1], 1);
}

/* How many times the front end was told that the configuration space has changed. */
static unsigned int told(void)
{
	struct vhost_user_header header;
	unsigned int count = 0;

	while (recv(channel[0], &header, sizeof(header), MSG_DONTWAIT) == sizeof(header)) {
		assert_int_equal(header.request, VHOST_USER_BACKEND_CONFIG_CHANGE_MSG);
		assert_int_equal(header.flags, VHOST_USER_VERSION);
		assert_int_equal(header.size, 0);
		count++;
	}
	return count;
}

/* Put a message into a queue; the device has not heard of it. */
static void post(unsigned int queue, const uint32_t *pfns, unsigned int count)
{
	unsigned char *at = front_end.memory + (GUEST_MESSAGES - GUEST_BASE);
	struct vballoon_driver_buffer buffer = { vballoon_gpa(GUEST_MESSAGES),
						 count * (uint32_t)sizeof(*pfns), false };

	for (unsigned int i = 0; i < count; i++) {
		__le32 wire = vballoon_le32(pfns[i]);

		memcpy(at + i * sizeof(wire), &wire, sizeof(wire));
	}
	assert_int_equal(vballoon_driver_ring_post(&front_end.queues[queue].driver, &buffer, 1, 1),
			 0);
}

static void assert_answered(unsigned int queue)
{
	uint32_t written;

	assert_int_equal(front_end_collect(&front_end, queue, &written), VBALLOON_COLLECT_ONE);
	assert_int_equal(written, 0);
}

static void say(unsigned int queue, const uint32_t *pfns, unsigned int count)
{
	post(queue, pfns, count);
	front_end_kick(&front_end, queue);
	front_end_pump(&front_end);
	assert_answered(queue);
}

/* @count pages from the @first of the balloon on, the last of them first. */
static void say_pages(unsigned int queue, uint32_t first, unsigned int count)
{
	uint32_t pfns[256];

	assert_true(count <= 256);
	for (unsigned int i = 0; i < count; i++)
		pfns[i] = (uint32_t)(GUEST_BALLOON / GUEST_PAGE) + first + count - 1 - i;
	say(queue, pfns, count);
}

static unsigned char *page(uint32_t index)
{
	return front_end.memory + (GUEST_BALLOON - GUEST_BASE) + (size_t)index * GUEST_PAGE;
}

static void start(uint64_t features)
{
	front_end_start_with(&front_end, FRONT_END_FEATURES | TELLS | features);
	front_end_pump(&front_end);
}

static void pages_go_to_the_host_and_their_neighbours_stay(void **state)
{
	uint64_t before;

	(void)state;
	start(0);
	before = front_end_memory_held(&front_end);
	say_pages(INFLATE, 16, 64);
	assert_int_equal(before - front_end_memory_held(&front_end), 64 * GUEST_PAGE);
	assert_int_equal(page(15)[GUEST_PAGE - 1], PATTERN);
	assert_int_equal(page(16)[0], 0);
	assert_int_equal(page(79)[GUEST_PAGE - 1], 0);
	assert_int_equal(page(80)[0], PATTERN);
	say_pages(DEFLATE, 16, 64);
	memset(page(16), PATTERN, 64 * GUEST_PAGE);
	front_end_pump(&front_end);
	assert_int_equal(front_end_memory_held(&front_end), before);
	assert_int_equal(device_status(&front_end).held_pages, 0);
}

static void packed_queues_do_the_same(void **state)
{
	uint64_t before;

	(void)state;
	start(RING_PACKED);
	before = front_end_memory_held(&front_end);
	for (uint32_t i = 0; i < 100; i++) /* more than once around */
		say_pages(INFLATE, i, 1);
	assert_int_equal(before - front_end_memory_held(&front_end), 100 * GUEST_PAGE);
	for (uint32_t i = 0; i < 100; i++)
		say_pages(DEFLATE, i, 1);
	assert_int_equal(device_status(&front_end).held_pages, 0);
}

static void it_has_five_queues(void **state)
{
	(void)state;
	front_end_negotiate(&front_end, FRONT_END_FEATURES);
	assert_int_equal(front_end_get_u64(&front_end, VHOST_USER_GET_QUEUE_NUM), 5);
}

static void the_driver_is_told_of_a_target_through_the_channel(void **state)
{
	struct vballoon_device *device = vballoon_vhost_user_device(front_end.back_end);

	(void)state;
	start(0);
	open_channel(0);
	told();
	assert_int_equal(vballoon_device_set_target(device, 100), 0);
	front_end_pump(&front_end);
	assert_int_equal(told(), 1);
	front_end_pump(&front_end);
	assert_int_equal(told(), 0);
}

static void without_the_channel_the_log_says_so(void **state)
{
	struct vballoon_device *device = vballoon_vhost_user_device(front_end.back_end);

	(void)state;
	start(0);
	assert_int_equal(vballoon_device_set_target(device, 100), 0);
	front_end_pump(&front_end);
	assert_non_null(strstr(front_end.last_log, "no channel"));
	assert_false(front_end_refused(&front_end));
}

/* Whoever does not read it is not waited for, and finds the newest target all the same. */
static void a_channel_that_is_full_holds_nothing_up(void **state)
{
	struct vballoon_device *device = vballoon_vhost_user_device(front_end.back_end);
	unsigned int lines;

	(void)state;
	start(0);
	open_channel(0);
	lines = front_end.log_lines;
	for (unsigned int i = 1; i < 100000 / sizeof(struct vhost_user_header); i++) {
		assert_int_equal(vballoon_device_set_target(device, i % 100), 0);
		front_end_pump(&front_end);
	}
	assert_int_equal(front_end.log_lines, lines);
	assert_true(told() > 0);
}

static void write_config(uint32_t offset, uint32_t size, uint32_t said_size, unsigned char byte)
{
	struct {
		struct vhost_user_config head;
		uint8_t bytes[64];
	} message = { .head = { .offset = offset, .size = said_size } };

	memset(message.bytes, byte, sizeof(message.bytes));
	front_end_send(&front_end, VHOST_USER_SET_CONFIG, 0, &message,
		       (uint32_t)sizeof(message.head) + size, NULL, 0);
	assert_false(front_end_refused(&front_end));
}

/* The device looks at its queues for other reasons, too, and before it hears the kick that clears
 * the suspicion. Nobody would tell the driver of this device that its pages are lost. */
static void what_was_given_under_a_wrong_suspicion_stays_in_the_balloon(void **state)
{
	const uint32_t pfn = (uint32_t)(GUEST_BALLOON / GUEST_PAGE);

	(void)state;
	start(0);
	front_end_kick(&front_end, INFLATE);
	front_end_kick(&front_end, INFLATE);
	assert_non_null(back_end_status(&front_end).memory_problem);
	post(INFLATE, &pfn, 1);
	(void)front_end_get_u64(&front_end, VHOST_USER_GET_FEATURES);
	assert_answered(INFLATE);
	assert_int_equal(device_status(&front_end).held_pages, 1);
	assert_int_equal(device_status(&front_end).dropped_pages, 0);
	say_pages(INFLATE, 8, 1);
	assert_null(back_end_status(&front_end).memory_problem);
	assert_int_equal(device_status(&front_end).held_pages, 2);
	assert_int_equal(device_status(&front_end).dropped_pages, 2);
}

/* A front end writes the whole of it when the driver touches a part. */
static void what_the_driver_writes_is_taken_out_of_the_whole(void **state)
{
	struct {
		struct vhost_user_config head;
		struct virtio_balloon_config config;
	} message = { .head = { .size = sizeof(message.config) } };

	(void)state;
	start(0);
	assert_int_equal(
		vballoon_device_set_target(vballoon_vhost_user_device(front_end.back_end), 7), 0);
	write_config(0, 16, 16, 1);
	assert_int_equal(device_status(&front_end).claimed_pages, 0x01010101);
	front_end_send(&front_end, VHOST_USER_GET_CONFIG, 0, &message, sizeof(message), NULL, 0);
	assert_int_equal(
		front_end_receive(&front_end, VHOST_USER_GET_CONFIG, &message, sizeof(message)),
		sizeof(message));
	assert_int_equal(vballoon_le32(message.config.num_pages), 7);
	assert_int_equal(vballoon_le32(message.config.actual), 0x01010101);
}

/* Offsets that wrap and sizes that are not there once ended a monitor, elsewhere. */
static void a_write_that_cannot_be_is_ignored(void **state)
{
	(void)state;
	start(0);
	write_config(UINT32_MAX - 3, 16, 16, 1);
	write_config(4, 4, 64, 1);
	write_config(4, 0, 4, 1);
	write_config(0, 4, UINT32_MAX, 1);
	assert_int_equal(device_status(&front_end).claimed_pages, 0);
	write_config(5, 2, 2, 1);
	assert_int_equal(device_status(&front_end).claimed_pages, 0x00010100);
}

/* As QEMU does for either: only the base tells. */
static void stop(uint32_t bases_out[2])
{
	for (unsigned int i = 0; i < 2; i++)
		bases_out[i] = front_end_stop_queue(&front_end, i);
}

static void go_on(const uint32_t bases[2])
{
	for (unsigned int i = 0; i < 2; i++)
		front_end_start_queue(&front_end, i, bases[i]);
	front_end_pump(&front_end);
}

static void a_guest_that_was_paused_keeps_its_balloon(void **state)
{
	uint32_t bases[2];

	(void)state;
	start(0);
	say_pages(INFLATE, 0, 64);
	stop(bases);
	assert_int_equal(device_status(&front_end).record, VBALLOON_RECORD_UNPROVEN);
	go_on(bases);
	assert_int_equal(device_status(&front_end).held_pages, 64);
	say_pages(DEFLATE, 0, 64);
	assert_int_equal(device_status(&front_end).held_pages, 0);
}

static void a_guest_that_was_reset_has_an_empty_balloon(void **state)
{
	uint32_t bases[2];

	(void)state;
	start(0);
	say_pages(INFLATE, 0, 64);
	stop(bases);
	for (unsigned int i = 0; i < 2; i++)
		front_end_new_ring(&front_end, i);
	go_on((uint32_t[2]){ 0, 0 });
	assert_int_equal(device_status(&front_end).held_pages, 0);
	assert_int_equal(device_status(&front_end).resets_seen, 1);
	say_pages(INFLATE, 0, 8);
	assert_int_equal(device_status(&front_end).held_pages, 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_go_to_the_host_and_their_neighbours_stay),
		TEST(packed_queues_do_the_same),
		TEST(it_has_five_queues),
		TEST(the_driver_is_told_of_a_target_through_the_channel),
		TEST(without_the_channel_the_log_says_so),
		TEST(a_channel_that_is_full_holds_nothing_up),
		TEST(what_was_given_under_a_wrong_suspicion_stays_in_the_balloon),
		TEST(what_the_driver_writes_is_taken_out_of_the_whole),
		TEST(a_write_that_cannot_be_is_ignored),
		TEST(a_guest_that_was_paused_keeps_its_balloon),
		TEST(a_guest_that_was_reset_has_an_empty_balloon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
