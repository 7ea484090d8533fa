// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/terminal.h"

/* Another screen than the shell's, and no cursor. */
#define SCREEN_ON "\033[?1049h\033[?25l"
#define SCREEN_OFF "\033[?25h\033[?1049l"

static int take_signals(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGWINCH);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int vballoon_terminal_begin(struct vballoon_terminal *terminal, bool screen)
{
	struct termios raw;

	terminal->on_screen = false;
	terminal->signals = take_signals();
	if (terminal->signals < 0)
		return terminal->signals;
	if (!screen || tcgetattr(STDIN_FILENO, &terminal->before))
		return 0;
	raw = terminal->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_lflag |= NOFLSH; /* else an interrupt takes part of a picture away */
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	terminal->on_screen = true;
	fputs(SCREEN_ON, stdout);
	return 0;
}

void vballoon_terminal_end(struct vballoon_terminal *terminal)
{
	if (terminal->on_screen) {
		fputs(SCREEN_OFF, stdout);
		fflush(stdout);
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal->before);
	}
	terminal->on_screen = false;
	if (terminal->signals >= 0)
		close(terminal->signals);
	terminal->signals = -1;
}

static bool key_is_quit(void)
{
	char key = 'q'; /* as the end of the input is */

	return read(STDIN_FILENO, &key, 1) < 0 || key == 'q' || key == 'Q';
}

enum vballoon_terminal_wait vballoon_terminal_wait(struct vballoon_terminal *terminal, int ms)
{
	struct pollfd inputs[] = { { .fd = terminal->signals, .events = POLLIN },
				   { .fd = terminal->on_screen ? STDIN_FILENO : -1,
				     .events = POLLIN } };
	struct signalfd_siginfo info;

	if (poll(inputs, 2, ms) <= 0)
		return VBALLOON_TERMINAL_TIME;
	if (read(terminal->signals, &info, sizeof(info)) == sizeof(info))
		return info.ssi_signo == SIGWINCH ? VBALLOON_TERMINAL_RESIZED
						  : VBALLOON_TERMINAL_QUIT;
	return key_is_quit() ? VBALLOON_TERMINAL_QUIT : VBALLOON_TERMINAL_RESIZED;
}

void vballoon_terminal_size(size_t *columns_out, size_t *rows_out)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	*columns_out = size.ws_col;
	*rows_out = size.ws_row;
}

bool vballoon_terminal_is_utf8(void)
{
	setlocale(LC_CTYPE, "");
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}
