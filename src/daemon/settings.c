// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/device.h>

#include "control/message.h"
#include "control/rule.h"
#include "control/size.h"
#include "control/span.h"
#include "daemon/settings.h"

static const char *keep(char **place, const char *text)
{
	free(*place);
	*place = strdup(text);
	return *place ? NULL : "memory is short";
}

/* A whole number from 0 to @max. Returns false when it is none. */
static bool parse_number(const char *text, int base, unsigned long max, unsigned long *value_out)
{
	char *end;

	errno = 0;
	*value_out = strtoul(text, &end, base);
	return !errno && *text >= '0' && *text <= '9' && !*end && *value_out <= max;
}

static const char *take_socket_path(struct vballoon_settings *settings, const char *text)
{
	return keep(&settings->socket_path, text);
}

static const char *take_traditional_socket_path(struct vballoon_settings *settings,
						const char *text)
{
	return keep(&settings->traditional_socket_path, text);
}

static const char *take_fd(struct vballoon_settings *settings, const char *text)
{
	unsigned long fd;

	if (!parse_number(text, 10, INT_MAX, &fd))
		return "it is no descriptor: give its number";
	settings->fd = (int)fd;
	return NULL;
}

static const char *take_control_path(struct vballoon_settings *settings, const char *text)
{
	return keep(&settings->control_path, text);
}

static const char *take_control_mode(struct vballoon_settings *settings, const char *text)
{
	unsigned long mode;

	if (!parse_number(text, 8, 0777, &mode))
		return "it is no mode: give three octal digits, such as 660";
	settings->access.mode = (mode_t)mode;
	return NULL;
}

static const char *take_control_group(struct vballoon_settings *settings, const char *text)
{
	unsigned long number;
	struct group *group;

	if (parse_number(text, 10, VBALLOON_NO_GROUP - 1, &number)) {
		settings->access.group = (gid_t)number;
		return NULL;
	}
	group = getgrnam(text);
	if (!group)
		return "there is no such group: create it first (groupadd --system)";
	settings->access.group = group->gr_gid;
	return NULL;
}

static const char *take_page_size(struct vballoon_settings *settings, const char *text)
{
	uint32_t shift;
	uint64_t bytes;

	if (vballoon_size_parse(text, &bytes))
		return "it is no size: such as 4K or 2M";
	for (shift = VIRTIO_MEMORY_BALLOON_SHIFT_MIN; shift <= VIRTIO_MEMORY_BALLOON_SHIFT_MAX;
	     shift++) {
		if (bytes == UINT64_C(1) << shift) {
			settings->page_shift = shift;
			return NULL;
		}
	}
	return "it is not possible: give a power of two from 4K to 1G";
}

/* What is offered when nothing is said. */
static const char *take_all_features(struct vballoon_settings *settings)
{
	vballoon_features_parse(settings->device_id, "all",
				vballoon_device_features_of(settings->device_id),
				&settings->features, settings->complaint);
	return NULL;
}

static const char *take_device(struct vballoon_settings *settings, const char *text)
{
	uint32_t device_id = !strcmp(text, "memory")	    ? VIRTIO_MEMORY_BALLOON_ID
			     : !strcmp(text, "traditional") ? VIRTIO_BALLOON_ID
							    : 0;

	if (!device_id)
		return "it is no device: memory or traditional";
	if (device_id == settings->device_id)
		return NULL;
	if (settings->features_given)
		return "its features were chosen before: say which device it is first";
	settings->device_id = device_id;
	return take_all_features(settings);
}

static const char *take_features(struct vballoon_settings *settings, const char *text)
{
	settings->features_given = true;
	return vballoon_features_parse(settings->device_id, text,
				       vballoon_device_features_of(settings->device_id),
				       &settings->features, settings->complaint)
		       ? settings->complaint
		       : NULL;
}

static const char *take_traditional_features(struct vballoon_settings *settings, const char *text)
{
	return vballoon_features_parse(VIRTIO_BALLOON_ID, text,
				       vballoon_device_features_of(VIRTIO_BALLOON_ID),
				       &settings->traditional_features, settings->complaint)
		       ? settings->complaint
		       : NULL;
}

static const char *take_stats_period(struct vballoon_settings *settings, const char *text)
{
	uint64_t ms = 0;

	if (strcmp(text, "off") &&
	    (vballoon_span_parse(text, &ms) || ms < VBALLOON_STATS_PERIOD_MS_MIN ||
	     ms > VBALLOON_STATS_PERIOD_MS_MAX))
		return "it is no period from 250ms to 24h, nor off: " VBALLOON_SPAN_HELP;
	settings->stats_period_ms = (uint32_t)ms;
	return NULL;
}

static const char *take_passthrough(struct vballoon_settings *settings, const char *text)
{
	return vballoon_passthrough_parse(text, &settings->passthrough);
}

static const char *take_sandbox(struct vballoon_settings *settings, const char *text)
{
	return vballoon_sandbox_parse(text, &settings->sandbox);
}

static const char *take_load_state(struct vballoon_settings *settings, const char *text)
{
	return keep(&settings->load_state, text);
}

static const char *take_supervise(struct vballoon_settings *settings, const char *text)
{
	if (strcmp(text, "yes") && strcmp(text, "no"))
		return "say yes or no";
	settings->supervise = !strcmp(text, "yes");
	return NULL;
}

/* A rule of the policy, by its name. */
static const char *take_rule(struct vballoon_settings *settings, const char *name, const char *text)
{
	static struct vballoon_error error;
	const struct vballoon_rule *rule = vballoon_rule_find(name, strlen(name));
	const char *complaint;
	json_t *value, *changes;

	complaint = rule->parse(text, &value);
	if (complaint)
		return complaint;
	changes = json_pack("{so}", rule->key, value);
	complaint = vballoon_rules_change(&settings->rules, changes, &error) ? error.desc : NULL;
	json_decref(changes);
	return complaint;
}

static const char *take_pages(struct vballoon_settings *settings, const char *text)
{
	return take_rule(settings, "pages", text);
}

static const char *take_withdraw_target(struct vballoon_settings *settings, const char *text)
{
	return take_rule(settings, "withdraw-target", text);
}

static const char *take_withdraw_pressure(struct vballoon_settings *settings, const char *text)
{
	return take_rule(settings, "withdraw-pressure", text);
}

static const char *take_withdraw_oom(struct vballoon_settings *settings, const char *text)
{
	return take_rule(settings, "withdraw-oom", text);
}

static const char *take_floor(struct vballoon_settings *settings, const char *text)
{
	return take_rule(settings, "floor", text);
}

static const char *take_inflate_rate(struct vballoon_settings *settings, const char *text)
{
	return take_rule(settings, "inflate-rate", text);
}

static const char *take_host_pressure(struct vballoon_settings *settings, const char *text)
{
	return take_rule(settings, "host-pressure", text);
}

const struct vballoon_setting vballoon_settings_known[VBALLOON_SETTINGS_COUNT] = {
	{ "socket-path", true, take_socket_path },
	{ "traditional-socket-path", true, take_traditional_socket_path },
	{ "fd", false, take_fd },
	{ "control-path", true, take_control_path },
	{ "control-mode", true, take_control_mode },
	{ "control-group", true, take_control_group },
	{ "device", true, take_device },
	{ "page-size", true, take_page_size },
	{ "features", true, take_features },
	{ "traditional-features", true, take_traditional_features },
	{ "stats-period", true, take_stats_period },
	{ "passthrough", true, take_passthrough },
	{ "sandbox", true, take_sandbox },
	{ "load-state", false, take_load_state },
	{ "supervise", true, take_supervise },
	{ "pages", true, take_pages },
	{ "withdraw-target", true, take_withdraw_target },
	{ "withdraw-pressure", true, take_withdraw_pressure },
	{ "withdraw-oom", true, take_withdraw_oom },
	{ "floor", true, take_floor },
	{ "inflate-rate", true, take_inflate_rate },
	{ "host-pressure", true, take_host_pressure },
};

const struct vballoon_setting *vballoon_setting_find(const char *name)
{
	size_t i;

	for (i = 0; i < VBALLOON_SETTINGS_COUNT; i++) {
		if (!strcmp(vballoon_settings_known[i].name, name))
			return &vballoon_settings_known[i];
	}
	return NULL;
}

void vballoon_settings_init(struct vballoon_settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	settings->fd = -1;
	settings->control_fd = -1;
	vballoon_rules_init(&settings->rules);
	settings->page_shift = VIRTIO_MEMORY_BALLOON_SHIFT_MIN;
	settings->device_id = VIRTIO_MEMORY_BALLOON_ID;
	take_all_features(settings);
	take_traditional_features(settings, "all");
	settings->access.mode = VBALLOON_NO_MODE;
	settings->access.group = VBALLOON_NO_GROUP;
}

void vballoon_settings_free(struct vballoon_settings *settings)
{
	free(settings->socket_path);
	free(settings->traditional_socket_path);
	free(settings->control_path);
	free(settings->load_state);
	free(settings->lines);
	vballoon_settings_init(settings);
}
