// SPDX-License-Identifier: BSD-3-Clause
/* The ways in which a kernel ends. */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/swap.h>
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

/* swapon DEVICE: make the whole of it swap space, for a kernel with pages of 4 KiB. */
void power_swapon(char *arguments)
{
	unsigned char page[4096] = { 0 };
	uint32_t header[3] = { 1, 0, 0 }; /* version, last page, bad pages */
	int fd = open(arguments, O_RDWR | O_CLOEXEC);
	off_t bytes = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

	header[1] = (uint32_t)(bytes / (off_t)sizeof(page)) - 1;
	memcpy(page + 1024, header, sizeof(header));
	memcpy(page + sizeof(page) - 10, "SWAPSPACE2", 10);
	if (fd < 0 || pwrite(fd, page, sizeof(page), 0) != (ssize_t)sizeof(page) || fsync(fd) ||
	    swapon(arguments, 0))
		agent_error(errno, "swapon %s", arguments);
	else
		agent_ok("%s", arguments);
	if (fd >= 0)
		close(fd);
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
