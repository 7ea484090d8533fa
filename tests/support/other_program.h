/* SPDX-License-Identifier: BSD-3-Clause */
/* A vballoond that is another program than ours: it keeps what it keeps in another format, and its
 * supervisor has less patience. Included before whatever it is made of. */
#ifndef VBALLOON_TESTS_OTHER_PROGRAM_H
#define VBALLOON_TESTS_OTHER_PROGRAM_H

#include "supervisor/pace.h"
#include "vhost_user/kept.h"

#undef VBALLOON_KEPT_VERSION
#define VBALLOON_KEPT_VERSION 4711U
#undef VBALLOON_PACE_MAX
#define VBALLOON_PACE_MAX 18
#undef VBALLOON_PACE_TRIAL_MS
#define VBALLOON_PACE_TRIAL_MS 400U

#endif /* VBALLOON_TESTS_OTHER_PROGRAM_H */
