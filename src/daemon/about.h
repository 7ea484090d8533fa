/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon prints of itself when it is asked. */
#ifndef VBALLOON_DAEMON_ABOUT_H
#define VBALLOON_DAEMON_ABOUT_H

void vballoon_about_help(void);
void vballoon_about_version(void);

/* As QEMU's docs/interop/vhost-user.rst, "Back end program conventions", has it. */
void vballoon_about_capabilities(void);

#endif /* VBALLOON_DAEMON_ABOUT_H */
