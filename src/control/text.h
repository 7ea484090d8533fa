/* SPDX-License-Identifier: BSD-3-Clause */
/* Text that others have chosen, as a name of a file is, or that was cut off. */
#ifndef VBALLOON_CONTROL_TEXT_H
#define VBALLOON_CONTROL_TEXT_H

/* Make @text UTF-8, which JSON has to be: each byte that is of no character becomes "?". */
void vballoon_text_repair(char *text);

#endif /* VBALLOON_CONTROL_TEXT_H */
