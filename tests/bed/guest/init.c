// SPDX-License-Identifier: BSD-3-Clause
/* PID 1: prepares the few things that the commands need, then obeys. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include "agent.h"

#define AGENT_PORT "/dev/ttyS1"

struct agent_command {
	const char *name;
	void (*run)(char *arguments);
};

static const struct agent_command agent_commands[] = {
	{ "meminfo", memory_info },    { "fill", memory_fill },
	{ "verify", memory_verify },   { "release", memory_release },
	{ "touch", memory_touch },     { "load", module_load },
	{ "unload", module_unload },   { "read", file_read },
	{ "write", file_write },       { "storm", storm_run },
	{ "kexec", power_kexec },      { "reboot", power_reboot },
	{ "poweroff", power_off },     { "bandwidth", bandwidth_run },
	{ "scatter", memory_scatter }, { "swapon", power_swapon },
	{ "zeros", memory_zeros },     { "occupy", memory_occupy },
	{ "crowd", file_crowd },
};

/* Two streams: one that reads and writes would have to seek in between, and a port cannot. */
static FILE *agent_in;
static FILE *agent_out;

static void agent_answer(const char *verdict, const char *format, va_list values)
{
	fprintf(agent_out, "%s ", verdict);
	vfprintf(agent_out, format, values);
}

void agent_ok(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	agent_answer("ok", format, values);
	va_end(values);
	fputc('\n', agent_out);
	fflush(agent_out);
}

void agent_error(int error, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	agent_answer("error", format, values);
	va_end(values);
	if (error)
		fprintf(agent_out, ": %s", strerror(error));
	fputc('\n', agent_out);
	fflush(agent_out);
}

static void agent_obey(char *line)
{
	char *arguments = line;
	const char *name = strsep(&arguments, " ");
	size_t i;

	for (i = 0; i < sizeof(agent_commands) / sizeof(agent_commands[0]); i++) {
		if (strcmp(name, agent_commands[i].name) == 0) {
			agent_commands[i].run(arguments ? arguments : line + strlen(line));
			return;
		}
	}
	agent_error(0, "no such command: %s", name);
}

/* There is nobody to tell what goes wrong here: the host notices that "ready" does not come. */
static void agent_prepare(void)
{
	struct termios mode;

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	agent_in = fopen(AGENT_PORT, "r");
	agent_out = fopen(AGENT_PORT, "w");
	if (!agent_in || !agent_out)
		_exit(1);
	if (tcgetattr(fileno(agent_in), &mode) == 0) {
		cfmakeraw(&mode);
		tcsetattr(fileno(agent_in), TCSANOW, &mode);
	}
}

static void agent_greet(void)
{
	struct utsname kernel;

	uname(&kernel);
	fprintf(agent_out, "ready %s\n", kernel.release);
	fflush(agent_out);
}

int main(void)
{
	char line[AGENT_LINE_BYTES];

	agent_prepare();
	agent_greet();
	while (fgets(line, sizeof(line), agent_in)) {
		line[strcspn(line, "\r\n")] = '\0';
		agent_obey(line);
	}
	return 1;
}
