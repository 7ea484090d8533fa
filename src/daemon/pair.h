/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two devices of one virtual machine: the memory balloon, and the traditional one for a guest
 * that has a driver for no other. Each is a struct vballoon_guest with a front end's connection
 * of its own; the target, the policy, and the pages are one. Whoever is alone is a pair with
 * nobody, for which all of this is nothing.
 *
 * The target goes to the device for which the guest has a driver, the memory balloon if it has
 * one for both. A driver is there while its queues run. What the other one still holds counts, so
 * that the guest gives one balloon's worth and not two while pages go from hand to hand.
 */
#ifndef VBALLOON_DAEMON_PAIR_H
#define VBALLOON_DAEMON_PAIR_H

#include "daemon/guest.h"

/* Have two guests be one. @first is the one that is preferred. */
void vballoon_pair_join(struct vballoon_guest *first, struct vballoon_guest *second);

/* The target is for this one until the guest's drivers say otherwise: as its state is loaded. Of
 * who is alone it is anyhow. */
void vballoon_pair_begin_with(struct vballoon_guest *guest);

/* Of a pair, by either of the two: the device that has the target, which is the one that is
 * shown and asked. */
struct vballoon_guest *vballoon_pair_served(struct vballoon_guest *guest);

/* Whether that is this one. */
bool vballoon_pair_is_served(const struct vballoon_guest *guest);

/* What of the target this device is to ask for. */
uint64_t vballoon_pair_share(const struct vballoon_guest *guest);

/* Whether a target is more than the guest's memory, of which a share may not be. */
bool vballoon_pair_exceeds(const struct vballoon_guest *guest, uint64_t pages);

/* What the driver of the other device has given. */
uint64_t vballoon_pair_other_held(const struct vballoon_guest *guest);

/* Whether pages are on the record of the other device, whoever answers for them. */
bool vballoon_pair_other_has_record(const struct vballoon_guest *guest);

/* The devices of both, as a front end has come, or before one goes. */
void vballoon_pair_connect(struct vballoon_guest *guest);
void vballoon_pair_disconnect(struct vballoon_guest *guest);

/* Look which of them the guest has drivers for, and share the target out anew. */
void vballoon_pair_look(struct vballoon_guest *guest);

/* When that is to be done at the latest: as vballoon_guest_due_ms(). */
uint64_t vballoon_pair_due_ms(const struct vballoon_guest *guest);

#endif /* VBALLOON_DAEMON_PAIR_H */
