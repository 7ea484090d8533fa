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
					       .setting = "split",
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

static void count_cases(struct vballoon_report *report)
{
	for (size_t i = 0; vballoon_topics[i]; i++) {
		for (size_t j = 0; j < vballoon_topics[i]->count; j++) {
			if (!vballoon_topic_is_of_driver(vballoon_topics[i]) ||
			    !vballoon_options_want(report->options, vballoon_topics[i],
						   &vballoon_topics[i]->cases[j]))
				continue;
			report->cases++;
			report->planned++;
			report->negative += vballoon_topics[i]->cases[j].negative;
		}
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
	if (!ret)
		ret = vballoon_impostor_listen(&bout.impostor, subject.path);
	if (ret) {
		fprintf(stderr, "vballoon-conformance: %s: %s\n", subject.path, strerror(-ret));
		return VBALLOON_EXIT_CANNOT;
	}
	vballoon_report_begin(&report, options);
	count_cases(&report);
	vballoon_report_setting(&report, "split rings");
	for (size_t i = 0; vballoon_topics[i]; i++) {
		if (vballoon_topic_is_of_driver(vballoon_topics[i]))
			run_topic(&bout, &report, vballoon_topics[i]);
	}
	vballoon_impostor_close(&bout.impostor);
	unlink(subject.path);
	vballoon_subject_deinit(&subject);
	return vballoon_report_end(&report);
}
