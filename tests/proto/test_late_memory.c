/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that a front end tells of without waiting for an answer: the guest may use it before the
 * back end has read of it.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <vballoon/abi/traditional_balloon.h>

#include "base/le.h"
#include "proto_test.h"

#define EPOCH 7
#define BIT(n) (UINT64_C(1) << (n))
#define REPLY_ACK BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK)
#define DIMM_BYTES (2U << 20)
#define DIMM_BASE UINT64_C(0x100000000)
#define PAGES 4

static int traditional_set_up(void **state)
{
	static struct front_end front_end;

	front_end_open_device(&front_end, VIRTIO_BALLOON_ID, VIRTIO_BALLOON_VQ_MAX);
	*state = &front_end;
	return 0;
}

/* Another two MiB; what tells of them is on the socket, and nobody has read it. Returns where the
 * front end has them. */
static unsigned char *plug(struct front_end *front_end)
{
	struct vhost_user_mem_region message = { .region = { .guest_addr = DIMM_BASE,
							     .size = DIMM_BYTES,
							     .user_addr = 0x700000000000 } };
	int fd = memfd_create("dimm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	unsigned char *dimm;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, DIMM_BYTES), 0);
	dimm = mmap(NULL, DIMM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(dimm != MAP_FAILED);
	memset(dimm, 1, DIMM_BYTES);
	front_end->wire.link.sent = NULL;
	front_end_send(front_end, VHOST_USER_ADD_MEM_REG, 0, &message, sizeof(message), &fd, 1);
	close(fd);
	return dimm;
}

static void traditional_message(struct front_end *front_end, unsigned char *at, uint64_t gpa)
{
	const struct vballoon_driver_buffer buffer = { vballoon_gpa(gpa), PAGES * sizeof(__le32),
						       false };

	for (uint32_t i = 0; i < PAGES; i++) {
		const __le32 pfn = vballoon_le32((uint32_t)(DIMM_BASE / GUEST_PAGE) + 8 + i);

		memcpy(at + i * sizeof(pfn), &pfn, sizeof(pfn));
	}
	assert_int_equal(
		vballoon_driver_ring_post(&front_end->queues[VIRTIO_BALLOON_VQ_INFLATE].driver,
					  &buffer, 1, 1),
		0);
}

static void assert_unanswered(struct front_end *front_end, unsigned int queue)
{
	uint32_t written;

	assert_int_equal(front_end_collect(front_end, queue, &written), VBALLOON_COLLECT_NONE);
}

/* Its driver writes to the configuration space after each MiB, and would wait for the answer. */
static void the_monitor_of_a_traditional_balloon_waits_for_no_answer(void **state)
{
	struct front_end *front_end = *state;
	const uint64_t offered = front_end_get_u64(front_end, VHOST_USER_GET_PROTOCOL_FEATURES);
	const uint64_t wanted = REPLY_ACK;

	assert_int_equal(offered, FRONT_END_PROTOCOL_FEATURES & ~REPLY_ACK);
	front_end_send(front_end, VHOST_USER_SET_PROTOCOL_FEATURES, 0, &wanted, sizeof(wanted),
		       NULL, 0);
	assert_true(front_end_refused(front_end));
}

static void pages_of_memory_that_is_being_told_of_are_taken_once_it_is_there(void **state)
{
	struct front_end *front_end = *state;
	uint32_t written;
	unsigned char *dimm;

	front_end_start_with(front_end, FRONT_END_FEATURES);
	front_end_pump(front_end);
	dimm = plug(front_end);
	traditional_message(front_end, front_end->memory + (GUEST_MESSAGES - GUEST_BASE),
			    GUEST_MESSAGES);
	/* The device looks at its queues for other reasons, too. */
	assert_int_equal(vballoon_vhost_user_work(front_end->back_end), 0);
	assert_unanswered(front_end, VIRTIO_BALLOON_VQ_INFLATE);
	front_end_pump(front_end);
	assert_int_equal(front_end_collect(front_end, VIRTIO_BALLOON_VQ_INFLATE, &written),
			 VBALLOON_COLLECT_ONE);
	assert_int_equal(device_status(front_end).held_pages, PAGES);
	munmap(dimm, DIMM_BYTES);
}

static void a_message_in_memory_that_is_being_told_of_is_no_mistake(void **state)
{
	struct front_end *front_end = *state;
	unsigned char *dimm;

	front_end_start_with(front_end, FRONT_END_FEATURES);
	front_end_pump(front_end);
	dimm = plug(front_end);
	traditional_message(front_end, dimm, DIMM_BASE);
	assert_int_equal(vballoon_vhost_user_work(front_end->back_end), 0);
	assert_int_equal(device_status(front_end).violation, VBALLOON_OK);
	front_end_pump(front_end);
	assert_int_equal(device_status(front_end).violation, VBALLOON_OK);
	assert_int_equal(device_status(front_end).held_pages, PAGES);
	munmap(dimm, DIMM_BYTES);
}

/* A front end that is old, or in a hurry, and the other balloon. */
static void a_front_end_that_asks_for_no_answers_need_not_wait(void **state)
{
	struct front_end *front_end = *state;
	const uint64_t protocol = FRONT_END_PROTOCOL_FEATURES & ~REPLY_ACK;
	struct vballoon_driver_buffer buffer = { vballoon_gpa(DIMM_BASE), 64, false };
	const unsigned int queue = VIRTIO_MEMORY_BALLOON_VQ_TODEV;
	unsigned char *dimm;

	assert_int_equal(balloon_driver_hello(front_end, EPOCH, 0), 0);
	front_end_set_u64(front_end, VHOST_USER_SET_PROTOCOL_FEATURES, protocol);
	dimm = plug(front_end);
	assert_int_equal(vballoon_driver_ring_post(&front_end->queues[queue].driver, &buffer, 1, 1),
			 0);
	assert_int_equal(vballoon_vhost_user_work(front_end->back_end), 0);
	assert_int_equal(device_status(front_end).violation, VBALLOON_OK);
	assert_unanswered(front_end, queue);
	front_end_pump(front_end);
	/* It has read what is there, which is no message. */
	assert_int_not_equal(device_status(front_end).violation, VBALLOON_OK);
	assert_int_not_equal(device_status(front_end).violation, VBALLOON_DESC_OUTSIDE_MEMORY);
	munmap(dimm, DIMM_BYTES);
}

#define TRADITIONAL_TEST(name)                                                                     \
	cmocka_unit_test_setup_teardown(name, traditional_set_up, proto_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRADITIONAL_TEST(the_monitor_of_a_traditional_balloon_waits_for_no_answer),
		TRADITIONAL_TEST(pages_of_memory_that_is_being_told_of_are_taken_once_it_is_there),
		TRADITIONAL_TEST(a_message_in_memory_that_is_being_told_of_is_no_mistake),
		RUNNING_TEST(a_front_end_that_asks_for_no_answers_need_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
