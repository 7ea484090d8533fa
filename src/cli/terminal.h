/* SPDX-License-Identifier: BSD-3-Clause */
/* The terminal while a live view is on it; it is left as it was found. */
#ifndef VBALLOON_CLI_TERMINAL_H
#define VBALLOON_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct vballoon_terminal {
	bool on_screen; /* its modes were changed, to be put back */
	int signals; /* a descriptor */
	struct termios before;
};

/* Why a wait ended. */
enum vballoon_terminal_wait {
	VBALLOON_TERMINAL_TIME, /* it is time to look again */
	VBALLOON_TERMINAL_RESIZED,
	VBALLOON_TERMINAL_QUIT, /* q, Ctrl-C, or another signal to end */
};

/* Take the signals, and with @screen the terminal. Returns 0 or a negative errno. */
int vballoon_terminal_begin(struct vballoon_terminal *terminal, bool screen);
void vballoon_terminal_end(struct vballoon_terminal *terminal);

enum vballoon_terminal_wait vballoon_terminal_wait(struct vballoon_terminal *terminal, int ms);

/* The size in characters; 80 by 24 when it has none. */
void vballoon_terminal_size(size_t *columns_out, size_t *rows_out);

/* Whether its characters are UTF-8, by the locale. */
bool vballoon_terminal_is_utf8(void);

#endif /* VBALLOON_CLI_TERMINAL_H */
