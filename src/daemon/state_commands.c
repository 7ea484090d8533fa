// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>

#include "control/base64.h"
#include "daemon/pair.h"
#include "daemon/state_commands.h"

/* So much of a state, and so many runs, make a line that is not too long. */
#define PIECE_BYTES 32768
#define PIECE_RUNS 500

static void *fail(struct vballoon_error *error, int err)
{
	switch (err) {
	case -EBUSY:
		vballoon_error_set(error, VBALLOON_ERROR_GUEST_RUNS, "the guest runs");
		break;
	case -EAGAIN:
		vballoon_error_set(error, VBALLOON_ERROR_NOT_PROVEN,
				   "whose the balloon is was not proven when the guest stopped");
		break;
	case -EOPNOTSUPP:
		vballoon_error_set(error, VBALLOON_ERROR_NOT_NEGOTIATED,
				   "the guest's driver may use a page before it says so: "
				   "\"must-tell-host\" was not negotiated");
		break;
	default:
		vballoon_error_set(error, VBALLOON_ERROR_OUT_OF_RANGE, "%s", strerror(-err));
		break;
	}
	return NULL;
}

static struct vballoon_device *device_of(const struct vballoon_guest *guest,
					 struct vballoon_error *error)
{
	if (guest->back_end)
		return vballoon_vhost_user_device(guest->back_end);
	vballoon_error_set(error, VBALLOON_ERROR_NO_FRONT_END,
			   "no virtual machine monitor is connected");
	return NULL;
}

json_t *vballoon_state_piece(struct vballoon_guest *guest, uint64_t offset,
			     struct vballoon_error *error)
{
	char text[VBALLOON_BASE64_TEXT_BYTES(PIECE_BYTES)];
	struct vballoon_saved_state *state = &guest->saved;
	size_t len;
	int err;

	if (!device_of(guest, error))
		return NULL;
	if (vballoon_pair_other_has_record(guest)) {
		vballoon_error_set(
			error, VBALLOON_ERROR_NOT_PROVEN,
			"the guest's other balloon has pages too, and a state is of one");
		return NULL;
	}
	err = offset ? 0 : vballoon_saved_state_take(state, guest->back_end);
	if (err)
		return fail(error, err);
	if (offset >= state->len) {
		vballoon_error_set(error, VBALLOON_ERROR_OUT_OF_RANGE,
				   "there is no state there: begin with \"offset\" 0");
		return NULL;
	}
	len = state->len - offset < PIECE_BYTES ? state->len - offset : PIECE_BYTES;
	vballoon_base64_encode((const char *)state->bytes + offset, len, text);
	return json_pack("{sIss}", "state_bytes", (json_int_t)state->len, "base64", text);
}

struct runs {
	json_t *list;
	uint32_t page_shift;
	uint64_t gpa, bytes; /* the newest, not in the list */
	bool more; /* behind it */
};

static void append(struct runs *runs)
{
	if (runs->bytes)
		json_array_append_new(runs->list, json_pack("[II]", (json_int_t)runs->gpa,
							    (json_int_t)runs->bytes));
}

static bool add(struct runs *runs, struct vballoon_gpa gpa, uint64_t pages)
{
	uint64_t bytes = pages << runs->page_shift;

	if (runs->bytes && runs->gpa + runs->bytes == gpa.value) {
		runs->bytes += bytes;
		return true;
	}
	if (json_array_size(runs->list) + 1 >= PIECE_RUNS) {
		runs->more = true;
		return false;
	}
	append(runs);
	runs->gpa = gpa.value;
	runs->bytes = bytes;
	return true;
}

static bool visit_held(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	(void)dropped;
	return add(context, gpa, pages);
}

static bool visit_hole(void *context, struct vballoon_gpa gpa, uint64_t pages)
{
	return add(context, gpa, pages);
}

/* What was visited, as the answer. */
static json_t *piece_of(struct runs *runs)
{
	uint64_t end = runs->gpa + runs->bytes;

	append(runs);
	return json_pack("{sIsoso}", "page_bytes", (json_int_t)1 << runs->page_shift, "runs",
			 runs->list, "next",
			 runs->more ? json_integer((json_int_t)end) : json_null());
}

json_t *vballoon_skip_piece(const struct vballoon_guest *guest, uint64_t from,
			    struct vballoon_error *error)
{
	struct vballoon_device *device = device_of(guest, error);
	struct runs runs = { .page_shift = guest->page_shift };
	int err;

	if (!device)
		return NULL;
	runs.list = json_array();
	err = vballoon_device_each_skippable(device, vballoon_gpa(from), visit_held, &runs);
	if (!err)
		return piece_of(&runs);
	json_decref(runs.list);
	return fail(error, err);
}

json_t *vballoon_zero_piece(const struct vballoon_guest *guest, uint64_t from,
			    struct vballoon_error *error)
{
	struct runs runs = { .page_shift = guest->page_shift };
	int err;

	if (!device_of(guest, error))
		return NULL;
	runs.list = json_array();
	err = vballoon_vhost_user_each_hole(guest->back_end, vballoon_gpa(from), visit_hole, &runs);
	if (!err)
		return piece_of(&runs);
	json_decref(runs.list);
	if (err != -EAGAIN)
		return fail(error, err);
	vballoon_error_set(
		error, VBALLOON_ERROR_NOT_PROVEN,
		"no driver was seen to write to the guest's memory, so it may not be shared");
	return NULL;
}
