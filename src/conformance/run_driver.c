/* SPDX-License-Identifier: BSD-3-Clause */
/* Running the cases of a driver: for each, what carries it is started anew. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conformance/bout.h"
#include "conformance/report.h"
#include "conformance/run.h"

#define GRACE_MS 300

static void run_case(struct vballoon_bout *bout, struct vballoon_report *report,
		     const struct vballoon_topic *topic, const struct vballoon_case *row)
{
	enum vballoon_outcome outcome = vballoon_bout_run(bout, row);
	char last_words[256];

	vballoon_impostor_forget(&bout->impostor);
	vballoon_subject_last_words(bout->subject, last_words, sizeof(last_words));
	vballoon_report_result(report, &(struct vballoon_result){
					       .topic = topic->name,
					       .name = row->name,
					       .clause = bout->clause,
					       .setting = bout->packed ? "packed" : "split",
					       .why = bout->why,
					       .last_words = last_words,
					       .outcome = outcome,
					       .negative = row->negative,
				       });
	vballoon_subject_stop(bout->subject);
}

static void run_topic(struct vballoon_bout *bout, struct vballoon_report *report,
		      const struct vballoon_topic *topic)
{
	for (size_t i = 0; i < topic->count; i++) {
		if (vballoon_options_want(report->options, topic, &topic->cases[i]))
			run_case(bout, report, topic, &topic->cases[i]);
	}
}

/* Whether a driver's rings are to be packed, or split. */
static bool is_wanted(const struct vballoon_options *options, bool packed)
{
	return options->ring != (packed ? VBALLOON_RING_SPLIT : VBALLOON_RING_PACKED);
}

static void count_topic(struct vballoon_report *report, const struct vballoon_topic *topic)
{
	unsigned int settings = 0;

	for (int packed = 0; packed < 2; packed++)
		settings += is_wanted(report->options, packed) &&
			    vballoon_topic_is_for_driver(topic, packed);
	for (size_t i = 0; settings && i < topic->count; i++) {
		if (!vballoon_options_want(report->options, topic, &topic->cases[i]))
			continue;
		report->cases++;
		report->planned += settings;
		report->negative += topic->cases[i].negative;
	}
}

static void run_setting(struct vballoon_bout *bout, struct vballoon_report *report, bool packed)
{
	bout->packed = packed;
	vballoon_report_setting(report, packed ? "packed rings" : "split rings");
	for (size_t i = 0; vballoon_topics[i]; i++) {
		if (vballoon_topic_is_for_driver(vballoon_topics[i], packed))
			run_topic(bout, report, vballoon_topics[i]);
	}
}

int vballoon_run_driver(const struct vballoon_options *options)
{
	static struct vballoon_bout bout;
	static struct vballoon_subject subject;
	struct vballoon_report report;
	int ret = vballoon_subject_init(&subject, options->command, options->socket_path);

	subject.connects = true;
	bout.subject = &subject;
	bout.patience_ms = options->patience_ms;
	bout.grace_ms = GRACE_MS;
	bout.features = options->features;
	if (!ret)
		ret = vballoon_impostor_listen(&bout.impostor, subject.path);
	if (ret) {
		fprintf(stderr, "vballoon-conformance: %s: %s\n", subject.path, strerror(-ret));
		return VBALLOON_EXIT_CANNOT;
	}
	vballoon_report_begin(&report, options);
	for (size_t i = 0; vballoon_topics[i]; i++)
		count_topic(&report, vballoon_topics[i]);
	for (int packed = 0; packed < 2; packed++) {
		if (is_wanted(options, packed))
			run_setting(&bout, &report, packed);
	}
	vballoon_impostor_close(&bout.impostor);
	unlink(subject.path);
	vballoon_subject_deinit(&subject);
	return vballoon_report_end(&report);
}
