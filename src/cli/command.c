// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/option.h"
#include "cli/report.h"

#define BIT(name) VBALLOON_OPTION_BIT(name)

static const char about_set[] =
	"SIZE is the size of the balloon, what the guest gives up in all, and not what it\n"
	"keeps: bytes, or with K, M, G or T (powers of 1024), or with % a part of the\n"
	"guest's memory. 0 gives everything back. The order stays until there is another,\n"
	"also for a guest that is not there yet.\n"
	"\n"
	"With --wait a bar shows on a terminal how far it is. A guest that is paused or\n"
	"restarts is waited for like one that is slow; one that never had a driver is not\n"
	"waited for longer than two seconds.\n"
	"\n"
	"With --deadline an order that is not carried out by then ends: with --keep what was\n"
	"reached is the target, with --revert the size that was asked for before.\n"
	"\n"
	"  vballoonctl --control-path /run/vballoon/vm1.ctl set 25% --wait --timeout 120\n"
	"  vballoonctl --control-path /run/vballoon/vm1.ctl set --guest-size 2G\n";

static const char about_status[] =
	"What was asked of the guest, what it gave up, how much of that the host has got\n"
	"back, what the host still holds, and what the guest reported last.\n";

static const char about_stats[] =
	"Asks the guest's driver, which answers at once unless the guest is very busy. This\n"
	"never waits longer than 60 seconds. With --period it tells the guest to report by\n"
	"itself, which works while it is very busy too, or no longer to.\n";

static const char about_reclaim_free[] =
	"Asks the guest to report its free memory, once, which the host then takes until the\n"
	"guest uses it again; the size of the balloon stays. --wait returns when the guest is\n"
	"through, and tells how much the host got back. Memory on huge pages stays: the guest\n"
	"would be killed if there were none when it uses it again.\n";

static const char about_watch[] =
	"The current figures and a chart of each over time: what the guest has available\n"
	"and free, the balloon, and what the host holds of the guest. It asks the guest to\n"
	"report each time. q or Ctrl-C ends it. Away from a terminal it prints a line each\n"
	"time, with --json the object of status.\n";

static const char about_why[] =
	"Accounts for every byte: what was asked against what is in the balloon, that\n"
	"against what the host got back, and the guest's memory against what the host\n"
	"holds; each by its cause, with what to do about it. The parts add up.\n";

static const char about_doctor[] =
	"Looks at this host, the virtual machine and its guest, and says of each finding\n"
	"whether it is ok, worth a note, or a problem, and what to do. It takes up to four\n"
	"seconds. Exit status: 0 when there is no problem, 1 when there are some.\n";

static const char about_events[] =
	"One JSON object a line, as it happens, until vballoond ends: front-end-connected,\n"
	"front-end-gone, target-changed, held-changed, driver-hello, device-stopped,\n"
	"device-reset, state-changed, passthrough-changed, policy-changed, deadline-passed,\n"
	"host-pressure, stats; and events-lost, with how many, for a reader that is too\n"
	"slow. vballoond does nothing for it while nothing happens.\n";

static const char about_policy[] =
	"Without rules it shows them. What is changed holds at once, for this guest and the\n"
	"next, until vballoond ends; to make it last, put it into vballoond.conf.\n"
	"\n"
	"  pages=eager|warm     memory in the balloon is given back at once, or kept for a\n"
	"                       fast return, until drop, pressure on the host, or eager\n"
	"  withdraw-target=ANSWER, withdraw-pressure=ANSWER, withdraw-oom=ANSWER\n"
	"                       when the guest asks for memory to follow the target, under\n"
	"                       pressure, or out of memory: grant, floor (but so much stays\n"
	"                       in the balloon) or refuse; out of memory no more strictly than\n"
	"                       under pressure\n"
	"  floor=SIZE           for those\n"
	"  inflate-rate=SIZE/s  how fast the balloon grows; none: as fast as it can\n"
	"  host-pressure=N%     when processes of the host wait for memory so much of their\n"
	"                       time, warm memory is given back; off: never\n"
	"\n"
	"  vballoonctl --control-path /run/vballoon/vm1.ctl policy pages=warm host-pressure=20%\n"
	"  vballoonctl --control-path /run/vballoon/vm1.ctl policy withdraw-oom=floor "
	"withdraw-pressure=floor floor=512M\n";

static const char about_drop[] =
	"What is in the balloon and kept warm is given back, and what the host has failed to\n"
	"take is tried again. The policy stays: what comes after that is kept warm as before.\n";

static const char about_features[] =
	"Without words it shows what the guest is offered and what was negotiated.\n"
	"\n"
	"  check SOURCE DESTINATION\n"
	"                       tell whether a guest can move from one to the other: each is\n"
	"                       the control socket of a vballoond, or a file of what features\n"
	"                       --json has printed. It needs no --control-path\n"
	"\n"
	"A feature that the driver uses has to be offered by the destination. One is the\n"
	"other way round: with must-tell-host (traditional balloon) a driver that has not\n"
	"agreed to it cannot move to a destination that offers it.\n"
	"\n"
	"  vballoonctl features check /run/vballoon/vm1.ctl there.json\n";

static const char about_save_state[] =
	"Of a guest that stands still: what its driver relies on, for a vballoond that goes\n"
	"on in this one's place with --load-state. It is written whole or not at all. The\n"
	"guest's memory and the monitor's state are saved by others, at the same time.\n";

static const char about_skip_map[] =
	"Of a guest that stands still: the memory in its balloon, which nobody needs.\n"
	"\n"
	"With --zeros instead all memory that the host has nothing of now, so that it reads as\n"
	"zeros: what is in the balloon and was given back, what was reported as free and not\n"
	"used since, what was never used. It need not travel to where memory is new. This asks\n"
	"the host, not the balloon; of huge pages the host does not tell.\n"
	"\n"
	"The guest must stand still because it was paused, while its driver ran. After a\n"
	"reset of the guest that memory may be in use again, and vballoond cannot tell the\n"
	"one from the other: see that status says ready until the guest is paused.\n"
	"\n"
	"The bitmap has a bit for each page from guest address 0 on, the lowest bit first;\n"
	"it ends with the last page that need not travel.\n";

static const char about_reset[] =
	"For a device that has stopped because the guest broke the protocol. The balloon is\n"
	"empty then, and the guest's driver is asked to start again.\n";

static const char about_upgrade[] =
	"For a vballoond that was started with --supervise yes: the program that is installed now\n"
	"takes the place of the one that runs. The guest goes on; connections to the control\n"
	"socket end. A new program that does not run is given up for the one before.\n";

static const struct vballoon_command commands[] = {
	{ "set", "SIZE", false, false,
	  BIT(GUEST_SIZE) | BIT(WAIT) | BIT(TIMEOUT) | BIT(DEADLINE) | BIT(KEEP) | BIT(REVERT),
	  vballoon_cmd_set, "ask the guest to give up SIZE of its memory", about_set },
	{ "status", NULL, false, false, 0, vballoon_cmd_status,
	  "show what was asked, done and given back", about_status },
	{ "stats", NULL, false, false, BIT(TIMEOUT) | BIT(PERIOD), vballoon_cmd_stats,
	  "ask the guest how its memory is used", about_stats },
	{ "watch", NULL, false, false, BIT(INTERVAL) | BIT(ONCE) | BIT(NO_COLOR),
	  vballoon_cmd_watch, "show the figures live, with a chart", about_watch },
	{ "why", NULL, false, false, 0, vballoon_cmd_why,
	  "explain every byte that is not where it should be", about_why },
	{ "doctor", NULL, false, false, 0, vballoon_cmd_doctor,
	  "find what is wrong, and say what to do", about_doctor },
	{ "events", NULL, false, false, 0, vballoon_cmd_events, "print what happens, as it happens",
	  about_events },
	{ "policy", "[RULE]...", true, false, 0, vballoon_cmd_policy,
	  "show or change what the host makes of the balloon", about_policy },
	{ "reclaim-free", NULL, false, false, BIT(WAIT) | BIT(TIMEOUT), vballoon_cmd_reclaim_free,
	  "give the host what the guest has free now", about_reclaim_free },
	{ "drop", NULL, false, false, 0, vballoon_cmd_drop,
	  "give warm memory back to the host, once", about_drop },
	{ "save-state", "FILE", false, false, 0, vballoon_cmd_save_state,
	  "save the device of a paused guest", about_save_state },
	{ "skip-map", NULL, false, false, BIT(BITMAP) | BIT(ZEROS), vballoon_cmd_skip_map,
	  "tell what memory of a paused guest need not travel", about_skip_map },
	{ "features", "[WORD]...", true, true, 0, vballoon_cmd_features,
	  "show the features, or check whether a guest can move", about_features },
	{ "reset", NULL, false, false, 0, vballoon_cmd_reset,
	  "bring a device back that has stopped", about_reset },
	{ "upgrade", NULL, false, false, 0, vballoon_cmd_upgrade,
	  "have the installed vballoond go on in place of the one that runs", about_upgrade },
};

const struct vballoon_command *vballoon_command_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	}
	return NULL;
}

static void help_for_all(void)
{
	size_t i;

	puts("Usage: vballoonctl --control-path PATH COMMAND [OPTION]...\n\n"
	     "Orders for the memory balloon of one virtual machine, see vballoond(8).\n\n"
	     "Commands:");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-13s%-10s%s\n", commands[i].name,
		       commands[i].operand ? commands[i].operand : "", commands[i].summary);
	puts("\nOptions:");
	vballoon_option_help(VBALLOON_OPTIONS_COMMON);
	puts("\nvballoonctl COMMAND --help tells what else a command takes.\n");
	vballoon_report_print_codes();
}

void vballoon_command_help(const struct vballoon_command *command)
{
	if (!command) {
		help_for_all();
		return;
	}
	printf("Usage: vballoonctl --control-path PATH %s%s%s [OPTION]...\n\n"
	       "vballoonctl %s: %s\n\n%s\nOptions:\n",
	       command->name, command->operand ? " " : "", command->operand ? command->operand : "",
	       command->name, command->summary, command->about);
	vballoon_option_help(command->options | VBALLOON_OPTIONS_COMMON);
}
