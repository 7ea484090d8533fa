/* SPDX-License-Identifier: BSD-3-Clause */
/* A front end that breaks the rules of vhost-user: headers, requests, lengths, descriptors. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "conformance/peer_message.h"
#include "conformance/topics.h"

#define VERSION VHOST_USER_VERSION
#define ANSWERED VHOST_USER_NEED_REPLY

#define ROW(its_name, its_clause, ...)                                                             \
	{                                                                                          \
		its_name, its_clause, vballoon_peer_refuses,                                       \
			&(const struct vballoon_peer_row){ __VA_ARGS__ }, true,                    \
			VBALLOON_STAGE_NEGOTIATED, 0, 0                                            \
	}

/* A message of another length than it has. */
#define SIZED(its_name, its_request, its_size)                                                     \
	ROW(its_name, "vhost-user " #its_request, .request = VHOST_USER_##its_request,             \
	    .size = its_size)
/* A request that has no meaning here, or whose protocol feature was not negotiated. */
#define UNKNOWN(its_name, its_number, its_size)                                                    \
	ROW(its_name, "vhost-user requests", .request = its_number, .size = its_size)
/* A message with descriptors that it does not have, or without those that it has. */
#define WITH(its_name, its_request, its_size, ...)                                                 \
	ROW(its_name, "vhost-user " #its_request, .request = VHOST_USER_##its_request,             \
	    .size = its_size, .fds = { __VA_ARGS__ })

/* So many bytes of a message, and then the end. */
static void cut_off(struct vballoon_trial *trial, const void *how)
{
	const struct vhost_user_header header = { VHOST_USER_SET_FEATURES, VERSION, 8 };
	const size_t *len = how;
	uint8_t bytes[sizeof(header) + 8] = { 0 };

	memcpy(bytes, &header, sizeof(header));
	vballoon_require(trial,
			 send(trial->front_end.link.socket, bytes, *len, MSG_NOSIGNAL) ==
				 (ssize_t)*len,
			 "%zu bytes of a message cannot be sent", *len);
	shutdown(trial->front_end.link.socket, SHUT_WR);
	vballoon_require(trial,
			 vballoon_link_closed(&trial->front_end.link, trial->setting->patience_ms),
			 "a connection that ends within a message stays open");
}

/* A message byte by byte is a message. */
static void in_single_bytes(struct vballoon_trial *trial, const void *how)
{
	const struct vhost_user_header header = { VHOST_USER_GET_FEATURES, VERSION, 0 };
	const uint8_t *bytes = (const uint8_t *)&header;
	uint64_t features;
	int ret;

	(void)how;
	for (size_t i = 0; i < sizeof(header); i++)
		vballoon_require(
			trial, send(trial->front_end.link.socket, bytes + i, 1, MSG_NOSIGNAL) == 1,
			"a byte cannot be sent");
	ret = vballoon_link_receive(&trial->front_end.link, VHOST_USER_GET_FEATURES, &features,
				    sizeof(features));
	vballoon_trial_check(trial, ret, "GET_FEATURES in single bytes");
}

/* Questions whose answers nobody reads: the back end waits, and does not keep them. */
static void answers_are_not_read(struct vballoon_trial *trial, const void *how)
{
	const struct vhost_user_header header = { VHOST_USER_GET_FEATURES, VERSION, 0 };

	(void)how;
	while (send(trial->front_end.link.socket, &header, sizeof(header),
		    MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(header))
		;
	vballoon_require(trial, vballoon_subject_sleeps(trial->subject, 500),
			 "it spins while its answers are not read");
}

static void nothing_is_said(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_require(trial, vballoon_subject_sleeps(trial->subject, 500),
			 "it spins while nothing is said");
}

static void questions_before_features(struct vballoon_trial *trial, const void *how)
{
	uint32_t base;
	int ret = vballoon_front_end_get_vring_base(&trial->front_end, 0, &base);

	(void)how;
	vballoon_require(trial, ret != -EAGAIN, "a question before any other is not answered");
}

#define CUT(its_name, its_len)                                                                     \
	{                                                                                          \
		its_name, "vhost-user header", cut_off, &(const size_t){ its_len }, true,          \
			VBALLOON_STAGE_NEGOTIATED, 0, 0                                            \
	}

static const struct vballoon_case cases[] = {
	{ "in-single-bytes", "vhost-user header", in_single_bytes, NULL, false,
	  VBALLOON_STAGE_CONNECTED, 0, 0 },
	{ "nothing-said", "DEV-BAD-6", nothing_is_said, NULL, true, VBALLOON_STAGE_CONNECTED, 0,
	  0 },
	{ "answers-not-read", "DEV-BAD-6", answers_are_not_read, NULL, true,
	  VBALLOON_STAGE_CONNECTED, 0, 0 },
	{ "question-before-features", "vhost-user GET_VRING_BASE", questions_before_features, NULL,
	  true, VBALLOON_STAGE_CONNECTED, 0, 0 },
	CUT("ends-in-a-header", 5),
	CUT("ends-behind-a-header", 12),
	CUT("ends-in-a-payload", 15),

	ROW("version-0", "vhost-user header", .request = VHOST_USER_GET_FEATURES,
	    .flags = ANSWERED),
	ROW("version-2", "vhost-user header", .request = VHOST_USER_GET_FEATURES,
	    .flags = ANSWERED | 2),
	ROW("version-3", "vhost-user header", .request = VHOST_USER_GET_FEATURES,
	    .flags = ANSWERED | 3),
	ROW("is-an-answer", "vhost-user header", .request = VHOST_USER_SET_OWNER,
	    .flags = VERSION | ANSWERED | VHOST_USER_REPLY),
	ROW("length-of-2-GiB", "vhost-user header", .request = VHOST_USER_SET_FEATURES, .size = 8,
	    .told = 0x80000000),
	ROW("length-all-ones", "vhost-user header", .request = VHOST_USER_SET_FEATURES, .size = 8,
	    .told = UINT32_MAX),
	ROW("longer-than-any-message", "vhost-user header", .request = VHOST_USER_SET_MEM_TABLE,
	    .size = 8192),

	UNKNOWN("request-0", 0, 0),
	UNKNOWN("request-send-rarp", 19, 8),
	UNKNOWN("request-net-set-mtu", 20, 8),
	UNKNOWN("request-iotlb", 22, 32),
	UNKNOWN("request-set-vring-endian", 23, 8),
	UNKNOWN("request-create-crypto-session", 26, 64),
	UNKNOWN("request-close-crypto-session", 27, 8),
	UNKNOWN("request-postcopy-advise", 28, 0),
	UNKNOWN("request-postcopy-listen", 29, 0),
	UNKNOWN("request-postcopy-end", 30, 0),
	UNKNOWN("request-get-inflight-fd", 31, 24),
	UNKNOWN("request-set-inflight-fd", 32, 24),
	UNKNOWN("request-gpu-set-socket", 33, 0),
	UNKNOWN("request-vring-kick", 35, 8),
	UNKNOWN("request-get-shared-object", 41, 16),
	UNKNOWN("request-set-device-state-fd", 42, 8),
	UNKNOWN("request-check-device-state", 43, 0),
	UNKNOWN("request-all-ones", UINT32_MAX, 0),

	SIZED("get-features-with-a-payload", GET_FEATURES, 16),
	SIZED("set-features-short", SET_FEATURES, 4),
	SIZED("set-features-long", SET_FEATURES, 16),
	SIZED("set-owner-with-a-payload", SET_OWNER, 8),
	SIZED("reset-owner-with-a-payload", RESET_OWNER, 8),
	SIZED("set-mem-table-empty", SET_MEM_TABLE, 0),
	SIZED("set-mem-table-half-a-head", SET_MEM_TABLE, 4),
	SIZED("set-log-base-empty", SET_LOG_BASE, 0),
	SIZED("set-log-base-long", SET_LOG_BASE, 24),
	SIZED("set-vring-num-short", SET_VRING_NUM, 4),
	SIZED("set-vring-num-long", SET_VRING_NUM, 12),
	SIZED("set-vring-addr-short", SET_VRING_ADDR, 32),
	SIZED("set-vring-addr-long", SET_VRING_ADDR, 48),
	SIZED("set-vring-base-short", SET_VRING_BASE, 4),
	SIZED("set-vring-base-long", SET_VRING_BASE, 16),
	SIZED("get-vring-base-short", GET_VRING_BASE, 4),
	SIZED("get-vring-base-long", GET_VRING_BASE, 12),
	SIZED("set-vring-kick-short", SET_VRING_KICK, 4),
	SIZED("set-vring-kick-long", SET_VRING_KICK, 16),
	SIZED("set-vring-call-short", SET_VRING_CALL, 7),
	SIZED("set-vring-call-long", SET_VRING_CALL, 9),
	SIZED("set-vring-err-short", SET_VRING_ERR, 1),
	SIZED("set-vring-err-long", SET_VRING_ERR, 32),
	SIZED("get-protocol-features-with-a-payload", GET_PROTOCOL_FEATURES, 16),
	SIZED("set-protocol-features-short", SET_PROTOCOL_FEATURES, 4),
	SIZED("set-protocol-features-long", SET_PROTOCOL_FEATURES, 12),
	SIZED("get-queue-num-with-a-payload", GET_QUEUE_NUM, 16),
	SIZED("set-vring-enable-short", SET_VRING_ENABLE, 4),
	SIZED("set-vring-enable-long", SET_VRING_ENABLE, 12),
	SIZED("get-config-short", GET_CONFIG, 8),
	SIZED("get-config-long", GET_CONFIG, 300),
	SIZED("set-config-short", SET_CONFIG, 8),
	SIZED("set-config-long", SET_CONFIG, 300),
	SIZED("reset-device-with-a-payload", RESET_DEVICE, 8),
	SIZED("get-max-mem-slots-with-a-payload", GET_MAX_MEM_SLOTS, 16),
	SIZED("rem-mem-reg-short", REM_MEM_REG, 32),
	SIZED("rem-mem-reg-long", REM_MEM_REG, 48),
	SIZED("set-status-short", SET_STATUS, 4),
	SIZED("set-status-long", SET_STATUS, 16),
	SIZED("get-status-with-a-payload", GET_STATUS, 16),

	WITH("set-features-with-a-descriptor", SET_FEATURES, 8, VBALLOON_FD_EVENT),
	WITH("get-features-with-a-descriptor", GET_FEATURES, 0, VBALLOON_FD_MEMORY),
	WITH("set-owner-with-a-descriptor", SET_OWNER, 0, VBALLOON_FD_NULL),
	WITH("set-vring-num-with-a-descriptor", SET_VRING_NUM, 8, VBALLOON_FD_EVENT),
	WITH("set-vring-base-with-a-descriptor", SET_VRING_BASE, 8, VBALLOON_FD_EVENT),
	WITH("set-vring-addr-with-a-descriptor", SET_VRING_ADDR, 40, VBALLOON_FD_MEMORY),
	WITH("set-vring-enable-with-a-descriptor", SET_VRING_ENABLE, 8, VBALLOON_FD_EVENT),
	WITH("get-vring-base-with-a-descriptor", GET_VRING_BASE, 8, VBALLOON_FD_EVENT),
	WITH("get-config-with-a-descriptor", GET_CONFIG, 20, VBALLOON_FD_EVENT),
	WITH("set-config-with-a-descriptor", SET_CONFIG, 20, VBALLOON_FD_EVENT),
	WITH("set-status-with-a-descriptor", SET_STATUS, 8, VBALLOON_FD_SOCKET),
	WITH("reset-device-with-a-descriptor", RESET_DEVICE, 0, VBALLOON_FD_EVENT),
	WITH("set-vring-kick-without-one", SET_VRING_KICK, 8, VBALLOON_FD_NONE),
	WITH("set-vring-call-without-one", SET_VRING_CALL, 8, VBALLOON_FD_NONE),
	WITH("set-vring-err-without-one", SET_VRING_ERR, 8, VBALLOON_FD_NONE),
	WITH("set-vring-kick-with-two", SET_VRING_KICK, 8, VBALLOON_FD_EVENT, VBALLOON_FD_EVENT),
	WITH("set-vring-call-with-two", SET_VRING_CALL, 8, VBALLOON_FD_EVENT, VBALLOON_FD_EVENT),
	WITH("set-vring-err-with-two", SET_VRING_ERR, 8, VBALLOON_FD_EVENT, VBALLOON_FD_EVENT),
	WITH("set-backend-req-fd-without-one", SET_BACKEND_REQ_FD, 8, VBALLOON_FD_NONE),
	WITH("set-backend-req-fd-with-two", SET_BACKEND_REQ_FD, 8, VBALLOON_FD_SOCKET,
	     VBALLOON_FD_SOCKET),
	WITH("more-descriptors-than-a-message-has", SET_MEM_TABLE, 8, VBALLOON_FD_EVENT,
	     VBALLOON_FD_EVENT, VBALLOON_FD_EVENT, VBALLOON_FD_EVENT, VBALLOON_FD_EVENT,
	     VBALLOON_FD_EVENT, VBALLOON_FD_EVENT, VBALLOON_FD_EVENT, VBALLOON_FD_EVENT),
};

VBALLOON_SHARED_TOPIC(vballoon_topic_front_end, "front-end", VBALLOON_RING_ANY,
		      "a hostile front end: headers, requests, lengths, descriptors", cases);
