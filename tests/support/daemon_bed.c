// SPDX-License-Identifier: BSD-3-Clause
#include "daemon_bed.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "temporary.h"

int daemon_bed_empty_set_up(void **state)
{
	static struct daemon_bed bed;

	memset(&bed, 0, sizeof(bed));
	assert_int_equal(
		temporary_directory(bed.directory, sizeof(bed.directory), "vballoond-test"), 0);
	snprintf(bed.socket_path, sizeof(bed.socket_path), "%s/guest", bed.directory);
	snprintf(bed.control_path, sizeof(bed.control_path), "%s/control", bed.directory);
	*state = &bed;
	return 0;
}

void daemon_bed_start(struct daemon_bed *bed, const char *const *words)
{
	const char *mutant = getenv("VBALLOOND");
	const char *program = bed->program ? bed->program : mutant ? mutant : VBALLOOND;
	const char *argv[16] = { program, "--socket-path", bed->socket_path, "--control-path",
				 bed->control_path };
	unsigned int count = 5;

	while (*words && count < 15)
		argv[count++] = *words++;
	process_start(&bed->daemon, argv, -1);
	process_await(&bed->daemon, "waiting for a front end");
	control_open(&bed->control, bed->control_path);
}

int daemon_bed_set_up(void **state)
{
	daemon_bed_empty_set_up(state);
	daemon_bed_start(*state, WORDS(NULL));
	return 0;
}

int daemon_bed_tear_down(void **state)
{
	struct daemon_bed *bed = *state;

	if (bed->guest_connected)
		daemon_bed_disconnect(bed);
	if (bed->daemon.pid) {
		if (bed->control.fd > 0)
			control_close(&bed->control);
		assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	}
	/* Fails when a socket was left behind. */
	assert_int_equal(rmdir(bed->directory), 0);
	return 0;
}

int daemon_bed_socket(struct daemon_bed *bed)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, bed->socket_path, sizeof(bed->socket_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void daemon_bed_connect(struct daemon_bed *bed)
{
	daemon_bed_connect_with(bed, 0);
}

void daemon_bed_connect_with(struct daemon_bed *bed, uint64_t features)
{
	front_end_open_socket(&bed->guest, daemon_bed_socket(bed));
	bed->guest_connected = true;
	front_end_start_with(&bed->guest, FRONT_END_FEATURES | features);
	balloon_driver_post_request(&bed->guest);
}

void daemon_bed_disconnect(struct daemon_bed *bed)
{
	front_end_close(&bed->guest);
	bed->guest_connected = false;
}

const char *daemon_bed_path(const struct daemon_bed *bed, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", bed->directory, name);
	return path;
}

void daemon_bed_ctl_start(struct daemon_bed *bed, const char *const *words)
{
	const char *argv[16] = { VBALLOONCTL, "--control-path", bed->control_path };
	unsigned int count = 3;

	while (*words && count < 15)
		argv[count++] = *words++;
	process_start(&bed->ctl, argv, -1);
}

int daemon_bed_ctl(struct daemon_bed *bed, const char *const *words)
{
	daemon_bed_ctl_start(bed, words);
	return process_wait(&bed->ctl);
}

json_int_t daemon_bed_status_integer(struct daemon_bed *bed, const char *name)
{
	return control_take_integer(control_call(&bed->control, "{\"execute\":\"status\"}"), name);
}

void daemon_bed_assert_state(struct daemon_bed *bed, const char *state)
{
	json_t *status = control_call(&bed->control, "{\"execute\":\"status\"}");

	assert_string_equal(json_string_value(json_object_get(status, "state")), state);
	json_decref(status);
}
