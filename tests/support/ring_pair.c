/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring_pair.h"

#include <string.h>

/* Each token has an area for its bytes and one for its indirect table. */
#define RING_GPA 0
#define TABLES_GPA 0x100000
#define AREAS_GPA 0x200000
#define MEMORY_END 0x400000

#define BUFFERS_MAX 6
#define BUFFER_BYTES_MAX 50
#define AREA_BYTES 512
#define DESC_BYTES 16

#define UNTOUCHED 0xa5

uint32_t pair_random(uint64_t *random, uint32_t bound)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (uint32_t)(*random >> 32) % bound;
}

static uint64_t digest(const unsigned char *bytes, size_t len)
{
	uint64_t sum = len;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* Byte @i of the answer to a message. */
static unsigned char answer_byte(uint64_t sum, size_t i)
{
	return (unsigned char)((sum >> (8 * (i % 8))) + i);
}

void ring_pair_init(struct ring_pair *pair, uint16_t size, struct vballoon_ring_features features,
		    uint64_t seed)
{
	struct pair_driver *driver = &pair->driver;

	memset(pair, 0, sizeof(*pair));
	guest_memory_init(&pair->guest);
	guest_memory_add(&pair->guest, 0, MEMORY_END);
	driver->random = seed;
	pair->device.random = ~seed;
	ring_builder_init(&driver->builder, &pair->guest, RING_GPA, size);
	ring_builder_start_driver(&driver->builder, features);
	for (uint16_t token = 0; token < size; token++)
		driver->free_tokens[driver->free_count++] = token;
	vballoon_device_ring_start(&pair->device.ring, &pair->guest.memory, &driver->builder.queue,
				   &features);
}

void ring_pair_destroy(struct ring_pair *pair)
{
	guest_memory_destroy(&pair->guest);
}

static uint64_t area_gpa(uint16_t token)
{
	return AREAS_GPA + (uint64_t)token * AREA_BYTES;
}

static unsigned char *area(const struct pair_driver *driver, uint16_t token)
{
	return guest_memory_at(driver->builder.guest, area_gpa(token), AREA_BYTES);
}

/* Choose the buffers of a message, one behind the other in the token's area. */
static unsigned int shape(struct pair_driver *driver, uint16_t token,
			  struct vballoon_driver_buffer *buffers, struct pair_message *message)
{
	uint32_t most =
		driver->builder.queue.size < BUFFERS_MAX ? driver->builder.queue.size : BUFFERS_MAX;
	unsigned int count = 1 + pair_random(&driver->random, most);
	unsigned int readable = pair_random(&driver->random, count + 1);
	uint32_t offset = 0;

	for (unsigned int i = 0; i < count; i++) {
		uint32_t len = 1 + pair_random(&driver->random, BUFFER_BYTES_MAX);

		if (i == readable)
			message->offset = offset;
		if (i >= readable)
			message->writable_len += len;
		buffers[i].gpa = vballoon_gpa(area_gpa(token) + offset);
		buffers[i].len = len;
		buffers[i].device_writes = i >= readable;
		offset += len;
	}
	if (readable == count)
		message->offset = offset;
	return count;
}

static int post(struct pair_driver *driver, const struct vballoon_driver_buffer *buffers,
		unsigned int count, uint16_t token)
{
	uint64_t table = TABLES_GPA + (uint64_t)token * BUFFERS_MAX * DESC_BYTES;

	if (!driver->builder.driver.features.indirect || pair_random(&driver->random, 2))
		return vballoon_driver_ring_post(&driver->builder.driver, buffers, count, token);
	return vballoon_driver_ring_post_indirect(
		&driver->builder.driver, buffers, count,
		guest_memory_at(driver->builder.guest, table, count * DESC_BYTES),
		vballoon_gpa(table), token);
}

bool pair_driver_post(struct pair_driver *driver)
{
	struct vballoon_driver_buffer buffers[BUFFERS_MAX];
	struct pair_message message = { .serial = driver->posted };
	unsigned char *bytes;
	unsigned int count;
	uint16_t token;

	if (!driver->free_count)
		return false;
	token = driver->free_tokens[driver->free_count - 1];
	count = shape(driver, token, buffers, &message);
	bytes = area(driver, token);
	for (uint32_t i = 0; i < message.offset; i++)
		bytes[i] = (unsigned char)pair_random(&driver->random, 256);
	memset(bytes + message.offset, UNTOUCHED, AREA_BYTES - message.offset);
	message.digest = digest(bytes, message.offset);
	driver->messages[token] = message;
	if (post(driver, buffers, count, token))
		return false;
	driver->free_count--;
	driver->posted++;
	return true;
}

static const char *check(const struct pair_driver *driver, uint16_t token, uint32_t written)
{
	const struct pair_message *message = &driver->messages[token];
	const unsigned char *bytes = area(driver, token);

	if (message->serial != driver->collected)
		return "a chain was used out of order";
	if (digest(bytes, message->offset) != message->digest)
		return "a readable buffer was written to";
	for (uint32_t i = 0; message->offset + i < AREA_BYTES; i++) {
		unsigned char expected = i < written ? answer_byte(message->digest, i) : UNTOUCHED;

		if (bytes[message->offset + i] != expected)
			return i < written ? "an answer is wrong" : "more was written than told";
	}
	return NULL;
}

int pair_driver_collect(struct pair_driver *driver, const char **wrong_out)
{
	uint32_t written;
	uint64_t token;
	int outcome = vballoon_driver_ring_collect(&driver->builder.driver, &token, &written);

	*wrong_out = outcome == VBALLOON_COLLECT_BROKEN ? "the ring is broken" : NULL;
	if (outcome == VBALLOON_COLLECT_ONE) {
		*wrong_out = check(driver, (uint16_t)token, written);
		driver->free_tokens[driver->free_count++] = (uint16_t)token;
		driver->collected++;
	}
	return outcome;
}

int pair_device_answer(struct pair_device *device)
{
	const struct vballoon_memory *memory = device->ring.memory;
	struct vballoon_chain *chain = &device->chain;
	enum vballoon_violation violation;
	unsigned char bytes[AREA_BYTES];
	uint64_t sum;
	uint32_t len;
	int outcome = vballoon_device_ring_next(&device->ring, chain, &violation);

	if (outcome != VBALLOON_RING_CHAIN)
		return outcome;
	if (vballoon_chain_read(memory, chain, bytes, chain->readable_len))
		return VBALLOON_RING_BROKEN;
	sum = digest(bytes, chain->readable_len);
	len = pair_random(&device->random, (uint32_t)chain->writable_len + 1);
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = answer_byte(sum, i);
	if (vballoon_chain_write(memory, chain, bytes, len) ||
	    vballoon_device_ring_use(&device->ring, chain))
		return VBALLOON_RING_BROKEN;
	device->answered++;
	return outcome;
}
