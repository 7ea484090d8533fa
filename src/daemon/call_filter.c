// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/call_filter.h"

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#define OUR_ARCH 0 /* nobody has said which calls its C library makes */
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOWER_HALF 0
#else
#define LOWER_HALF 4
#endif

/* Instructions that a call takes, the check of the architecture, and the end. */
#define CALL_WORDS 5
#define HEAD_WORDS 3
#define WORDS_MAX (VBALLOON_CALLS_MAX * CALL_WORDS + HEAD_WORDS + 1)

struct program {
	struct sock_filter words[WORDS_MAX];
	unsigned short count;
};

static void word(struct program *program, uint16_t code, uint32_t value, uint8_t if_so,
		 uint8_t if_not)
{
	program->words[program->count++] = (struct sock_filter){ code, if_so, if_not, value };
}

static void load(struct program *program, size_t offset)
{
	word(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* Go to the next call unless it is this one. */
static void add_call(struct program *program, const struct vballoon_call *call)
{
	size_t argument = offsetof(struct seccomp_data, args) + call->argument * sizeof(uint64_t) +
			  LOWER_HALF;

	load(program, offsetof(struct seccomp_data, nr));
	if (call->test == VBALLOON_CALL_ANY) {
		word(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, 1);
	} else {
		word(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, 3);
		load(program, argument);
		if (call->test == VBALLOON_CALL_IS)
			word(program, BPF_JMP | BPF_JEQ | BPF_K, call->value, 0, 1);
		else
			word(program, BPF_JMP | BPF_JSET | BPF_K, call->value, 1, 0);
	}
	word(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

int vballoon_call_filter_install(const struct vballoon_call *calls, size_t count)
{
	struct program program = { .count = 0 };
	struct sock_fprog filter = { .filter = program.words };

	if (!OUR_ARCH || count > VBALLOON_CALLS_MAX)
		return -EOPNOTSUPP;
	load(&program, offsetof(struct seccomp_data, arch));
	word(&program, BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
	word(&program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	for (size_t i = 0; i < count; i++)
		add_call(&program, &calls[i]);
	word(&program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	filter.len = program.count;
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) ? -errno : 0;
}
