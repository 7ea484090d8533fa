// SPDX-License-Identifier: BSD-3-Clause
/*
 * vballoond: one memory balloon for one virtual machine.
 *
 * One thread and one loop: front end, control clients and signals are served in
 * turn, and between two of these turns work that the device has left goes on and
 * waiting clients are told. With nothing to do the process does not wake up.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/control_server.h"
#include "daemon/guest.h"
#include "daemon/keeper.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/pair.h"
#include "daemon/sandbox.h"
#include "supervisor/depot.h"
#include "supervisor/relay.h"
#include "supervisor/supervisor.h"

#define EXIT_USAGE 2

#define STATUS_WAITING "STATUS=waiting for a front end"
#define STATUS_SERVING "STATUS=serving a front end"

struct service {
	struct vballoon_loop loop;
	struct vballoon_guest guest;
	struct vballoon_listener listener;
	/* The same guest's traditional balloon, where it has one beside. */
	struct vballoon_guest traditional;
	struct vballoon_listener traditional_listener;
	struct vballoon_control_server control;
	struct vballoon_source signals;
	bool stop;
	bool told_connected; /* what the service manager knows */
};

static void signal_arrived(void *context, uint32_t events)
{
	struct service *service = context;
	struct signalfd_siginfo info;

	(void)events;
	if (read(service->signals.fd, &info, sizeof(info)) != sizeof(info))
		return;
	vballoon_log(LOG_INFO, "ending: %s", strsignal((int)info.ssi_signo));
	service->stop = true;
}

static int watch_signals(struct service *service)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	service->signals.fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (service->signals.fd < 0)
		return -errno;
	service->signals.events = EPOLLIN;
	service->signals.ready = signal_arrived;
	service->signals.context = service;
	return vballoon_loop_add(&service->loop, &service->signals);
}

static int open_control(struct service *service, const struct vballoon_settings *settings)
{
	if (settings->control_path)
		return vballoon_control_server_listen(&service->control, settings->control_path);
	if (settings->control_fd >= 0)
		return vballoon_control_server_adopt(&service->control, settings->control_fd);
	return 0;
}

static bool is_connected(const struct service *service)
{
	return vballoon_guest_is_connected(&service->guest) ||
	       vballoon_guest_is_connected(&service->traditional);
}

static bool is_open(const struct service *service)
{
	return vballoon_listener_is_open(&service->listener) ||
	       vballoon_listener_is_open(&service->traditional_listener);
}

static void tell_path(const struct vballoon_listener *listener)
{
	if (listener->socket.path)
		vballoon_log(LOG_INFO, "waiting for a front end at %s", listener->socket.path);
}

/* From here on nothing more of the host can be had. */
static int lock_in(const struct service *service, enum vballoon_sandbox_mode mode)
{
	const struct vballoon_socket *const sockets[] = { &service->listener.socket,
							  &service->traditional_listener.socket,
							  &service->control.socket, NULL };

	/* To take up a front end takes the calls of a new one. */
	return vballoon_sandbox_enter(mode, sockets,
				      is_open(service) || vballoon_keeper_is_there());
}

/* What a worker before has left, a guest may have had its hands in: so it is looked at from
 * inside. */
static int take_up(struct service *service)
{
	int err;

	if (!vballoon_keeper_is_there())
		return 0;
	err = vballoon_guest_recover(&service->guest);
	if (!err) {
		vballoon_keeper_settle();
		vballoon_guest_begin_rules(&service->guest);
		return 0;
	}
	vballoon_log(LOG_ERR,
		     "cannot start: what the program before has left is not understood: %s",
		     strerror(-err));
	return -1;
}

static int start(struct service *service, const struct vballoon_settings *settings)
{
	bool listens;
	int err;

	vballoon_notify_open();
	vballoon_guest_init(&service->guest, &service->loop, settings);
	vballoon_listener_init(&service->listener, &service->loop, &service->guest);
	vballoon_guest_init_traditional(&service->traditional, &service->loop, settings);
	vballoon_listener_init(&service->traditional_listener, &service->loop,
			       &service->traditional);
	if (settings->traditional_socket_path)
		vballoon_pair_join(&service->guest, &service->traditional);
	vballoon_control_server_init(&service->control, &service->loop, &service->guest,
				     &settings->access);
	err = vballoon_loop_init(&service->loop);
	if (!err)
		err = watch_signals(service);
	if (err) {
		vballoon_log(LOG_ERR, "cannot start: %s", strerror(-err));
		return -1;
	}
	vballoon_guest_begin_rules(&service->guest);
	if (settings->load_state && !vballoon_keeper_history().starts &&
	    vballoon_guest_load(&service->guest, settings->load_state)) {
		if (!settings->start_empty) {
			vballoon_log(LOG_ERR, "cannot start: to begin with an empty balloon, give "
					      "--start-empty");
			return -1;
		}
		vballoon_log(LOG_WARNING, "the balloon begins empty");
	}
	/* Last the socket that others wait for: what is there by then is all there. */
	if (open_control(service, settings))
		return -1;
	if (settings->traditional_socket_path &&
	    vballoon_listener_open_path(&service->traditional_listener,
					settings->traditional_socket_path))
		return -1;
	/* If it does not listen it was connected, and whether it still is, the supervisor knows:
	 * anything may have this number by now. */
	if (vballoon_keeper_history().starts && settings->fd >= 0 &&
	    (vballoon_socket_probe(settings->fd, &listens) || !listens))
		return 0;
	return settings->socket_path
		       ? vballoon_listener_open_path(&service->listener, settings->socket_path)
		       : vballoon_listener_open_fd(&service->listener, settings->fd);
}

/* Tell the service manager what has changed. */
static void tell(struct service *service)
{
	bool connected = is_connected(service);

	if (connected == service->told_connected)
		return;
	service->told_connected = connected;
	vballoon_notify(connected ? STATUS_SERVING : STATUS_WAITING);
}

/* As for epoll_wait(2): until a guest or a client wants something, whatever is first. */
static int timeout_of(const struct service *service)
{
	const uint64_t dues_ms[] = {
		vballoon_guest_due_ms(&service->guest),
		vballoon_guest_due_ms(&service->traditional),
		vballoon_pair_due_ms(&service->guest),
		vballoon_control_server_due_ms(&service->control),
	};
	uint64_t now_ms = vballoon_loop_now_ms();
	uint64_t due_ms = VBALLOON_NEVER;

	for (unsigned int i = 0; i < sizeof(dues_ms) / sizeof(dues_ms[0]); i++)
		due_ms = dues_ms[i] < due_ms ? dues_ms[i] : due_ms;
	if (due_ms == VBALLOON_NEVER)
		return -1;
	if (due_ms <= now_ms)
		return 0;
	return due_ms - now_ms < INT_MAX ? (int)(due_ms - now_ms) : INT_MAX;
}

static int serve(struct service *service)
{
	int err;

	vballoon_notify("READY=1\n" STATUS_WAITING);
	tell_path(&service->traditional_listener);
	tell_path(&service->listener);
	while (!service->stop) {
		/* Also where the worker before has died when its front end had gone. */
		if (!is_connected(service) && !is_open(service)) {
			vballoon_log(LOG_INFO, "ending: no other front end can come");
			return 0;
		}
		err = vballoon_loop_dispatch(&service->loop, timeout_of(service));
		if (err) {
			vballoon_log(LOG_ERR, "cannot wait for events: %s", strerror(-err));
			return -1;
		}
		vballoon_guest_work(&service->guest);
		vballoon_guest_work(&service->traditional);
		vballoon_listener_work(&service->listener);
		vballoon_listener_work(&service->traditional_listener);
		vballoon_pair_look(&service->guest);
		vballoon_control_server_update(&service->control);
		if (service->guest.upgrades)
			(void)vballoon_keeper_say(VBALLOON_KEEPER_UPGRADE);
		service->guest.upgrades = false;
		tell(service);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct service service = { .stop = false };
	struct vballoon_settings settings;
	int outcome, err;

	vballoon_log_init();
	vballoon_keeper_init();
	if (!vballoon_keeper_is_there())
		vballoon_depot_prepare();
	outcome = vballoon_options_parse(argc, argv, &settings);
	if (outcome != VBALLOON_OPTIONS_RUN) {
		vballoon_settings_free(&settings);
		return outcome == VBALLOON_OPTIONS_EXIT ? EXIT_SUCCESS : EXIT_USAGE;
	}
	if (settings.supervise && !vballoon_keeper_is_there()) {
		setenv(VBALLOON_ENV_SETTINGS, settings.lines ? settings.lines : "", 1);
		vballoon_settings_free(&settings);
		return vballoon_supervisor_run(argv, vballoon_log);
	}
	if (!vballoon_keeper_is_there())
		vballoon_depot_discard();
	err = start(&service, &settings);
	if (!err)
		err = lock_in(&service, settings.sandbox);
	if (!err)
		err = take_up(&service);
	/* Another worker follows, and finds all that there is. */
	if (err && vballoon_keeper_history().starts)
		_exit(EXIT_FAILURE);
	if (!err)
		err = serve(&service);
	vballoon_notify("STOPPING=1");
	vballoon_control_server_deinit(&service.control);
	vballoon_listener_deinit(&service.listener);
	vballoon_listener_deinit(&service.traditional_listener);
	vballoon_guest_deinit(&service.guest);
	vballoon_guest_deinit(&service.traditional);
	vballoon_settings_free(&settings);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
