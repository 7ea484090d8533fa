// SPDX-License-Identifier: BSD-3-Clause
#include <jansson.h>
#include <stdio.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/device.h>

#include "control/feature_set.h"
#include "daemon/about.h"

static const char help_text[] =
	"Usage: vballoond --socket-path PATH [--control-path PATH] [OPTION]...\n"
	"       vballoond --fd N [--control-path PATH] [OPTION]...\n"
	"\n"
	"Memory balloon (virtio device 13, or 5) for one virtual machine, as a vhost-user back\n"
	"end. It takes memory that the guest gives up, hands it back to the host, and\n"
	"keeps the record of what is whose. It stays in the foreground.\n"
	"\n"
	"  --socket-path PATH    wait for the virtual machine monitor at PATH\n"
	"  --fd N                or at descriptor N, which listens or is connected\n"
	"  --traditional-socket-path PATH\n"
	"                        serve the same machine's traditional balloon too, from there:\n"
	"                        the target goes to whichever the guest has a driver for\n"
	"  --control-path PATH   take orders there, from vballoonctl, as root or this user\n"
	"  --control-group NAME  or of the members of this group too\n"
	"  --control-mode MODE   of the control socket: 600 (default), 660 with a group\n"
	"  --device NAME         memory (default), or traditional: virtio device 5, for which a\n"
	"                        guest's kernel has a driver\n"
	"  --page-size SIZE      of the balloon: 4K (default) to 1G; 2M suits guest memory\n"
	"                        on huge pages of that size\n"
	"  --features LIST       what the guest is offered: all (default), none, or names with\n"
	"                        commas; \"-exchange\" is all but that one\n"
	"  --traditional-features LIST\n"
	"                        the same for the traditional balloon beside\n"
	"  --stats-period TIME   have the guest report its statistics every so often, such as\n"
	"                        5s; off (default)\n"
	"  --passthrough SAY     whether a device is passed through to the guest: detect\n"
	"                        (default), absent or present; with one, nothing is given\n"
	"                        back to the host, nor when it cannot be detected\n"
	"  --sandbox SAY         what the daemon shuts itself off from: auto (default), as much "
	"as\n"
	"                        the host permits; on, all of it or not start; off\n"
	"  --pages, --withdraw-target, --withdraw-pressure, --withdraw-oom, --floor,\n"
	"  --inflate-rate, --host-pressure\n"
	"                        the policy to begin with: see vballoonctl policy --help\n"
	"  --load-state FILE     go on with what vballoonctl save-state has written\n"
	"  --start-empty         with an empty balloon when that cannot be loaded\n"
	"  --supervise yes|no    have a supervisor keep the guest when this process dies,\n"
	"                        and start another (no)\n"
	"  --config FILE         read settings from FILE, \"page-size = 2M\" and the like,\n"
	"                        instead of " VBALLOON_CONFIG_DIR "/vballoond.conf\n"
	"  --no-config           read none\n"
	"  --print-capabilities  print what this program can do, as JSON, for management\n"
	"                        software, and exit\n"
	"  --help, --version     print that and exit\n"
	"\n"
	"Example, with QEMU 10.2 or newer:\n"
	"  vballoond --socket-path /run/vballoon/vm1.sock \\\n"
	"    --control-path /run/vballoon/vm1.ctl &\n"
	"  qemu-system-x86_64 -machine q35,memory-backend=mem \\\n"
	"    -object memory-backend-memfd,id=mem,size=2G,share=on -m 2G \\\n"
	"    -chardev socket,id=c,path=/run/vballoon/vm1.sock \\\n"
	"    -device vhost-user-test-device-pci,\\\n"
	"chardev=c,virtio-id=13,num_vqs=2,vq_size=256,config_size=8 ...\n"
	"  vballoonctl --control-path /run/vballoon/vm1.ctl set 1G --wait\n"
	"\n"
	"SIGTERM and SIGINT end it; the guest keeps running and its memory stays as it is.\n"
	"Exit status: 0 after a signal or when a connected descriptor's front end has\n"
	"gone; 1 when it failed; 2 when the command line or a\n"
	"configuration file is wrong.\n";

void vballoon_about_help(void)
{
	fputs(help_text, stdout);
}

void vballoon_about_version(void)
{
	puts("vballoond " VBALLOON_VERSION);
}

static json_t *names_of(uint32_t device_id)
{
	return vballoon_feature_set_names(device_id, vballoon_device_features_of(device_id));
}

void vballoon_about_capabilities(void)
{
	json_t *capabilities = json_pack("{sssoso}", "type", "balloon", "features",
					 names_of(VIRTIO_MEMORY_BALLOON_ID), "traditional-features",
					 names_of(VIRTIO_BALLOON_ID));

	json_dumpf(capabilities, stdout, 0);
	putchar('\n');
	json_decref(capabilities);
}
