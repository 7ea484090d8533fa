// SPDX-License-Identifier: BSD-3-Clause
/* The ways in which a kernel ends. */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"

#define KEXEC_KERNEL "/kexec/vmlinuz"
#define KEXEC_INITRD "/kexec/initrd"

/* The answer is given first: afterwards there is nobody left to give it. */
static void power_end(unsigned int how, const char *name)
{
	agent_ok("%s", name);
	reboot((int)how);
	_exit(1);
}

void power_off(char *arguments)
{
	(void)arguments;
	power_end(LINUX_REBOOT_CMD_POWER_OFF, "poweroff");
}

void power_reboot(char *arguments)
{
	(void)arguments;
	power_end(LINUX_REBOOT_CMD_RESTART, "reboot");
}

/* kexec: the same kernel with the same command line and a plain initramfs, without firmware. */
void power_kexec(char *arguments)
{
	char command_line[AGENT_LINE_BYTES];
	int kernel_fd = open(KEXEC_KERNEL, O_RDONLY | O_CLOEXEC);
	int initrd_fd = open(KEXEC_INITRD, O_RDONLY | O_CLOEXEC);

	(void)arguments;
	if (kernel_fd < 0 || initrd_fd < 0) {
		agent_error(errno, "this guest was booted without a kernel to start");
		return;
	}
	if (file_slurp("/proc/cmdline", command_line, sizeof(command_line)) ||
	    syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(command_line) + 1,
		    command_line, 0UL)) {
		agent_error(errno, "kexec_file_load");
		return;
	}
	power_end(LINUX_REBOOT_CMD_KEXEC, "kexec");
}
