/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/migration.h>

/* The one bit that permits something by not being there. */
static uint64_t negative_bits(uint32_t device_id)
{
	return device_id == VIRTIO_BALLOON_ID ? UINT64_C(1) << VIRTIO_BALLOON_F_MUST_TELL_HOST : 0;
}

void vballoon_migration_check(const struct vballoon_feature_set *source,
			      const struct vballoon_feature_set *destination,
			      struct vballoon_migration *migration_out)
{
	const uint64_t negative = negative_bits(destination->device_id);
	struct vballoon_migration found = { .masked = destination->offered & ~negative };

	if (source->device_id != destination->device_id)
		found.obstacles |= VBALLOON_OBSTACLE_DEVICE;
	if (source->revision != destination->revision)
		found.obstacles |= VBALLOON_OBSTACLE_REVISION;
	if (source->page_shift != destination->page_shift)
		found.obstacles |= VBALLOON_OBSTACLE_PAGE;
	/* The bits of another device mean something else. */
	if (source->has_driver && source->device_id == destination->device_id) {
		found.masked &= ~source->negotiated;
		found.missing = source->negotiated & ~negative & ~destination->offered;
		if (found.missing)
			found.obstacles |= VBALLOON_OBSTACLE_MISSING;
		if (destination->offered & negative & ~source->negotiated)
			found.obstacles |= VBALLOON_OBSTACLE_MUST_TELL;
	}
	*migration_out = found;
}

/* clang-format off */
static const struct {
	enum vballoon_obstacle obstacle;
	const char *name, *text;
} obstacles[VBALLOON_OBSTACLE_COUNT] = {
	{ VBALLOON_OBSTACLE_DEVICE, "another-device",
	  "the destination has another balloon device: give it the one that the guest has" },
	{ VBALLOON_OBSTACLE_REVISION, "another-revision",
	  "the destination speaks another revision of the interface: take a host with the same" },
	{ VBALLOON_OBSTACLE_PAGE, "another-page-size",
	  "the destination has another balloon page: give it the same --page-size" },
	{ VBALLOON_OBSTACLE_MISSING, "missing-features",
	  "the guest's driver uses what the destination does not offer: have it offered there, or "
	  "leave it out here and load the driver again" },
	{ VBALLOON_OBSTACLE_MUST_TELL, "must-tell-host",
	  "the destination wants to be told before a page is used again, and the guest's driver "
	  "did not agree to that: do not offer must-tell-host there" },
};
/* clang-format on */

static size_t place_of(enum vballoon_obstacle obstacle)
{
	size_t place = 0;

	while (place < VBALLOON_OBSTACLE_COUNT && obstacles[place].obstacle != obstacle)
		place++;
	return place;
}

const char *vballoon_obstacle_name(enum vballoon_obstacle obstacle)
{
	size_t place = place_of(obstacle);

	return place < VBALLOON_OBSTACLE_COUNT ? obstacles[place].name : "unknown";
}

const char *vballoon_obstacle_text(enum vballoon_obstacle obstacle)
{
	size_t place = place_of(obstacle);

	return place < VBALLOON_OBSTACLE_COUNT ? obstacles[place].text : "not a known obstacle";
}
