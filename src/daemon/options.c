// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/device.h>

#include "control/size.h"
#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/options.h"

static const char help_text[] =
	"Usage: vballoond --socket-path PATH [--control-path PATH] [--page-size SIZE]\n"
	"       vballoond --fd N [--control-path PATH] [--page-size SIZE]\n"
	"\n"
	"Memory balloon (virtio device 13) for one virtual machine, as a vhost-user back\n"
	"end. It takes memory that the guest gives up, hands it back to the host, and\n"
	"keeps the record of what is whose. It stays in the foreground.\n"
	"\n"
	"  --socket-path PATH    wait for the virtual machine monitor at PATH\n"
	"  --fd N                or at descriptor N, which listens or is connected\n"
	"  --control-path PATH   take orders there, from vballoonctl, this user's alone\n"
	"  --page-size SIZE      of the balloon: 4K (default) to 1G; 2M suits guest memory\n"
	"                        on huge pages of that size\n"
	"  --print-capabilities  print them as JSON, for management software, and exit\n"
	"  --help, --version     print that and exit\n"
	"\n"
	"Example, with QEMU 10.2 or newer:\n"
	"  vballoond --socket-path /run/vm1.sock --control-path /run/vm1.ctl &\n"
	"  qemu-system-x86_64 -machine q35,memory-backend=mem \\\n"
	"    -object memory-backend-memfd,id=mem,size=2G,share=on -m 2G \\\n"
	"    -chardev socket,id=c,path=/run/vm1.sock -device vhost-user-test-device-pci,\\\n"
	"chardev=c,virtio-id=13,num_vqs=2,vq_size=256,config_size=8 ...\n"
	"  vballoonctl --control-path /run/vm1.ctl set 1G --wait\n"
	"\n"
	"SIGTERM and SIGINT end it; the guest keeps running and its memory stays as it is.\n"
	"Exit status: 0 after a signal or when a connected descriptor's front end has\n"
	"gone; 1 when it failed; 2 when the command line is wrong.\n";

enum {
	OPT_SOCKET_PATH = 1,
	OPT_FD,
	OPT_CONTROL_PATH,
	OPT_PAGE_SIZE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "socket-path", required_argument, NULL, OPT_SOCKET_PATH },
	{ "fd", required_argument, NULL, OPT_FD },
	{ "control-path", required_argument, NULL, OPT_CONTROL_PATH },
	{ "page-size", required_argument, NULL, OPT_PAGE_SIZE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int take_socket_path(struct vballoon_options *options, const char *text)
{
	options->socket_path = text;
	return VBALLOON_OPTIONS_RUN;
}

static int take_fd(struct vballoon_options *options, const char *text)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || end == text || *end || fd < 0 || fd > INT_MAX) {
		vballoon_log(LOG_ERR, "--fd %s: it is no descriptor: give its number", text);
		return VBALLOON_OPTIONS_WRONG;
	}
	options->fd = (int)fd;
	return VBALLOON_OPTIONS_RUN;
}

static int take_control_path(struct vballoon_options *options, const char *text)
{
	options->control_path = text;
	return VBALLOON_OPTIONS_RUN;
}

static int take_page_size(struct vballoon_options *options, const char *text)
{
	uint32_t shift;
	uint64_t bytes;

	if (vballoon_size_parse(text, &bytes)) {
		vballoon_log(LOG_ERR, "--page-size %s: it is no size: such as 4K or 2M", text);
		return VBALLOON_OPTIONS_WRONG;
	}
	for (shift = VIRTIO_MEMORY_BALLOON_SHIFT_MIN; shift <= VIRTIO_MEMORY_BALLOON_SHIFT_MAX;
	     shift++) {
		if (bytes == UINT64_C(1) << shift) {
			options->page_shift = shift;
			return VBALLOON_OPTIONS_RUN;
		}
	}
	vballoon_log(LOG_ERR,
		     "--page-size %s: it is not possible: give a power of two "
		     "from 4K to 1G",
		     text);
	return VBALLOON_OPTIONS_WRONG;
}

static int print_help(struct vballoon_options *options, const char *text)
{
	(void)options;
	(void)text;
	fputs(help_text, stdout);
	return VBALLOON_OPTIONS_EXIT;
}

static int print_version(struct vballoon_options *options, const char *text)
{
	(void)options;
	(void)text;
	puts("vballoond " VBALLOON_VERSION);
	return VBALLOON_OPTIONS_EXIT;
}

static int (*const takers[])(struct vballoon_options *options, const char *text) = {
	[OPT_SOCKET_PATH] = take_socket_path,
	[OPT_FD] = take_fd,
	[OPT_CONTROL_PATH] = take_control_path,
	[OPT_PAGE_SIZE] = take_page_size,
	[OPT_HELP] = print_help,
	[OPT_VERSION] = print_version,
};

/* QEMU's docs/interop/vhost-user.rst, "Back end program conventions": every other
 * option is to be ignored, so not even looked at. */
static bool wants_capabilities(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--print-capabilities"))
			return true;
	}
	return false;
}

static void print_capabilities(void)
{
	json_t *capabilities =
		json_pack("{ssso}", "type", "balloon", "features",
			  vballoon_names_of_features(vballoon_device_features_max()));

	json_dumpf(capabilities, stdout, 0);
	putchar('\n');
	json_decref(capabilities);
}

static int wrong(const char *text, const char *what)
{
	vballoon_log(LOG_ERR, "%s%s: see vballoond --help", text, what);
	return VBALLOON_OPTIONS_WRONG;
}

static int check(const struct vballoon_options *options)
{
	if (options->socket_path && options->fd >= 0)
		return wrong("--socket-path and --fd were both given", ": give one of them");
	if (!options->socket_path && options->fd < 0)
		return wrong("where the front end comes from was not said",
			     ": give --socket-path PATH");
	if (options->socket_path && options->control_path &&
	    !strcmp(options->socket_path, options->control_path))
		return wrong("--socket-path and --control-path are the same", ": give two paths");
	return VBALLOON_OPTIONS_RUN;
}

int vballoon_options_parse(int argc, char **argv, struct vballoon_options *options_out)
{
	int option, outcome;

	memset(options_out, 0, sizeof(*options_out));
	options_out->fd = -1;
	options_out->page_shift = VIRTIO_MEMORY_BALLOON_SHIFT_MIN;
	if (wants_capabilities(argc, argv)) {
		print_capabilities();
		return VBALLOON_OPTIONS_EXIT;
	}
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (option == ':')
			return wrong(argv[optind - 1], " needs a value");
		if (option == '?')
			return wrong(argv[optind - 1], ": there is no such option");
		outcome = takers[option](options_out, optarg);
		if (outcome != VBALLOON_OPTIONS_RUN)
			return outcome;
	}
	if (optind < argc)
		return wrong(argv[optind], ": it is no option");
	return check(options_out);
}
