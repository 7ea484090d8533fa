/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that a script talks to: a line in, a line out.
 *
 *	features BITS		a new device, its queues started	ok BITS-THERE-ARE
 *	memory ADDRESS BYTES	more guest memory			ok
 *	rings			where the queues begin			rings ADDRESS...
 *	start, pause		queues anew, or where they were		ok
 *	target PAGES, stats	the operator asks			ok
 *	todevq BYTES +ROOM	a message		answer BYTES, or stops REASON
 *	post			a buffer for a request			ok
 *	fromdevq		what came in one	request BYTES, or none
 *	held			what the record has			held PAGES
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device_bed.h"
#include "example.h"

#define ROOM_MAX 0x10000

static struct bed bed;

static void print_bytes(const char *word, const uint8_t *bytes, size_t len)
{
	printf("%s", word);
	for (size_t i = 0; i < len; i++)
		printf(" %02x", bytes[i]);
	puts("");
}

static void make(const struct example_line *line)
{
	if (bed.device)
		bed_destroy(&bed);
	bed_init(&bed, strtoull(line->rest, NULL, 0) & vballoon_device_features_max());
	bed_start_queues(&bed);
	printf("ok %#llx\n", (unsigned long long)vballoon_device_features_max());
}

static void add_memory(const struct example_line *line)
{
	unsigned long long at, size;

	if (sscanf(line->rest, "%lli %lli", &at, &size) != 2)
		exit(2);
	bed_add_memory(&bed, at, size, 12);
	puts("ok");
}

static void tell_rings(const struct example_line *line)
{
	(void)line;
	printf("rings");
	for (unsigned int i = 0; i < 2; i++)
		printf(" %#llx", (unsigned long long)bed.rings[i].queue.desc.value);
	puts("");
}

static void start(const struct example_line *line)
{
	(void)line;
	bed_start_queues(&bed);
	puts("ok");
}

static void pause_queues(const struct example_line *line)
{
	(void)line;
	bed_pause(&bed);
	puts("ok");
}

static void set_target(const struct example_line *line)
{
	vballoon_device_set_target(bed.device, strtoull(line->rest, NULL, 0));
	puts("ok");
}

static void ask_stats(const struct example_line *line)
{
	(void)line;
	vballoon_device_request_stats(bed.device);
	puts("ok");
}

static void say(const struct example_line *line)
{
	static uint8_t answer[ROOM_MAX];

	bed_post(&bed, line->bytes, line->len, line->room);
	bed_run(&bed);
	if (bed_status(&bed).violation)
		printf("stops %s\n", vballoon_violation_name(bed_status(&bed).violation));
	else
		print_bytes("answer", answer, bed_collect(&bed, answer, line->room));
}

static void listen(const struct example_line *line)
{
	struct virtio_memory_balloon_req request;

	(void)line;
	bed_run(&bed);
	if (bed_collect_request(&bed, &request))
		print_bytes("request", (const uint8_t *)&request, sizeof(request));
	else
		puts("none");
}

static void post(const struct example_line *line)
{
	(void)line;
	bed_post_request(&bed);
	puts("ok");
}

static void tell_held(const struct example_line *line)
{
	(void)line;
	printf("held %llu\n", (unsigned long long)bed_status(&bed).held_pages);
}

static const struct {
	const char *word;
	void (*follow)(const struct example_line *line);
} words[] = {
	{ "features", make },	{ "memory", add_memory },  { "rings", tell_rings },
	{ "start", start },	{ "pause", pause_queues }, { "target", set_target },
	{ "stats", ask_stats }, { "todevq", say },	   { "fromdevq", listen },
	{ "post", post },	{ "held", tell_held },
};

static void follow(const struct example_line *line)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(words[i].word, line->word)) {
			words[i].follow(line);
			return;
		}
	}
	fprintf(stderr, "no such word: %s\n", line->word);
	exit(2);
}

int main(void)
{
	static struct example_line line;
	static char text[EXAMPLE_TEXT_MAX];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(text, sizeof(text), stdin)) {
		if (!example_parse_line(&line, text))
			return 2;
		follow(&line);
	}
	return 0;
}
