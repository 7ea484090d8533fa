/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An account of every byte that `status` tells of: what was asked, what is in the
 * balloon, what the host holds; each split by cause, so that the parts add up.
 */
#ifndef VBALLOON_CLI_ACCOUNT_H
#define VBALLOON_CLI_ACCOUNT_H

#include <jansson.h>
#include <stdint.h>

#define VBALLOON_ACCOUNT_PARTS_MAX 16

struct vballoon_account_part {
	const char *cause; /* stable, for programs */
	uint64_t bytes; /* not 0 */
	const char *text;
	const char *remedy; /* what to do; NULL: nothing */
};

struct vballoon_account_sum {
	const char *name; /* stable, for programs */
	const char *text;
	uint64_t bytes; /* what its parts add up to */
	unsigned int count;
	struct vballoon_account_part parts[VBALLOON_ACCOUNT_PARTS_MAX];
};

enum {
	VBALLOON_ACCOUNT_TARGET, /* what was asked of the guest */
	VBALLOON_ACCOUNT_SURPLUS, /* in the balloon beyond that */
	VBALLOON_ACCOUNT_HELD, /* what is in the balloon */
	VBALLOON_ACCOUNT_MEMORY, /* the guest's memory on the host */
	VBALLOON_ACCOUNT_SUMS,
};

struct vballoon_account {
	struct vballoon_account_sum sums[VBALLOON_ACCOUNT_SUMS];
};

/* Account for @status, which has to outlive the account. */
void vballoon_account_make(struct vballoon_account *account, const json_t *status);

/* @return the account as an object, a new reference. */
json_t *vballoon_account_json(const struct vballoon_account *account);

/* Print it in sentences. */
void vballoon_account_print(const struct vballoon_account *account);

#endif /* VBALLOON_CLI_ACCOUNT_H */
