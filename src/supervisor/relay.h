/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What supervisor and worker say to each other.
 *
 * Over the relay, a stream socket, the supervisor sends what the front end has sent, one message
 * at a time, with its descriptors; before each a header of its own, which tells how many have
 * been answered so far. The worker answers with whatever the front end is to have, if anything,
 * and then with a header that says that this is all. Both are headers of vhost-user, with request
 * numbers that it does not have.
 *
 * Over the keeper, a socket of datagrams, the worker sends lines as to a service manager
 * (sd_notify(3)): FDSTORE=1 and FDNAME=... with a descriptor that is to outlive it, in place of
 * what had this name, for which it waits; FDSTOREREMOVE=1 and FDNAME=...; and everything that is meant for the
 * service manager. One name means something to the supervisor: the front end's socket, for which
 * the worker gets its end of a relay back, with a datagram of one byte.
 *
 * A worker finds in its environment: the keeper's descriptor; what is kept, as "name=number"
 * with blanks between, with its end of the relay if there is a front end; how many there were
 * before it, how many of them have died and how often another program has taken over, when the
 * last one ended; what configuration files said when the supervisor began; and whether it is
 * another program that is tried, and may leave everything to the one before by ending before it is
 * ready.
 */
#ifndef VBALLOON_SUPERVISOR_RELAY_H
#define VBALLOON_SUPERVISOR_RELAY_H

#include <stdint.h>

#define VBALLOON_RELAY_NEXT 0x76620001U /* to the worker, with the payload below */
#define VBALLOON_RELAY_DONE 0x76620002U /* from it, without */

#define VBALLOON_RELAY_VERSION 0x1U /* struct vballoon_relay_header.flags */

struct vballoon_relay_header {
	uint32_t request, flags, size;
};

struct vballoon_relay_next {
	uint64_t answered; /* messages of this front end */
	uint64_t peer; /* the process that has sent the one that follows */
};

#define VBALLOON_RELAY_FDS_MAX 8 /* with one message */
#define VBALLOON_RELAY_PAYLOAD_MAX 4096 /* bytes of one, either way */

/* What is said to a worker whose descriptor outlives both from now on; anything else: it does
 * not. */
#define VBALLOON_KEEPER_KEPT "K"

#define VBALLOON_KEPT_FRONT_END "front-end"
#define VBALLOON_KEPT_RELAY "relay"
#define VBALLOON_KEEPER_UPGRADE "UPGRADE=1"
/* Is there a program to upgrade to: "-", or what is wrong. */
#define VBALLOON_KEEPER_LOOK "UPGRADE=look"
#define VBALLOON_KEEPER_ANSWER_BYTES 256

/* The exit status of a worker whose relay has gone: another may go on. */
#define VBALLOON_WORKER_LOST 75

#define VBALLOON_ENV_KEEPER "VBALLOON_KEEPER"
#define VBALLOON_ENV_KEPT "VBALLOON_KEPT"
#define VBALLOON_ENV_STARTS "VBALLOON_STARTS" /* of workers before this one */
#define VBALLOON_ENV_DEATHS "VBALLOON_DEATHS"
#define VBALLOON_ENV_UPGRADES "VBALLOON_UPGRADES"
#define VBALLOON_ENV_TRIED "VBALLOON_TRIED" /* 1: another program, before it is ready */
#define VBALLOON_ENV_SETTINGS "VBALLOON_SETTINGS" /* lines of "name=value" */
#define VBALLOON_ENV_DIED_US "VBALLOON_DIED_US" /* CLOCK_MONOTONIC, microseconds */

#endif /* VBALLOON_SUPERVISOR_RELAY_H */
