/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conformance/kind.h"
#include "conformance/plan.h"
#include "conformance/report.h"
#include "conformance/survey.h"
#include "conformance/trial.h"

#define SLEEP_MS 500 /* who is busy longer than that after a case spins */
#define MEMORY_KIB 1024 /* what a process may have gained after a topic */

struct run {
	const struct vballoon_options *options;
	struct vballoon_subject subject;
	struct vballoon_facts facts;
	struct vballoon_plan plan;
	struct vballoon_report report;
	struct vballoon_trial trial;
};

static unsigned int wanted_in(const struct vballoon_options *options,
			      const struct vballoon_topic *topic, bool negative_only)
{
	unsigned int count = 0;

	for (size_t i = 0; i < topic->count; i++)
		count += vballoon_options_want(options, topic, &topic->cases[i]) &&
			 (topic->cases[i].negative || !negative_only);
	return count;
}

/* Figures for the progress and for the last line. */
static void count_cases(struct run *run)
{
	for (size_t i = 0; vballoon_topics[i]; i++) {
		const struct vballoon_topic *topic = vballoon_topics[i];
		unsigned int wanted = wanted_in(run->options, topic, false);
		bool is_run = false;

		for (size_t j = 0; j < run->plan.count; j++) {
			if (!vballoon_topic_is_for(topic, run->options->device,
						   run->plan.settings[j].packed))
				continue;
			run->report.planned += wanted;
			is_run = true;
		}
		if (is_run) {
			run->report.cases += wanted;
			run->report.negative += wanted_in(run->options, topic, true);
		}
	}
}

/* Whether the back end does its main job, if need be over another connection. */
static bool revives(struct vballoon_trial *trial, bool reconnect)
{
	if (vballoon_trial_revive(trial, reconnect))
		return true;
	/* It may take its time to close the one on which it was asked for nonsense. */
	return !reconnect && vballoon_link_closed(&trial->front_end.link, 0) &&
	       vballoon_trial_revive(trial, true);
}

/* Whether the back end is as well after a case as it was before; else why not. */
static bool survives(struct run *run, const struct vballoon_case *row, char *why, size_t size)
{
	struct vballoon_trial *trial = &run->trial;
	bool reconnect = row->stage < VBALLOON_STAGE_RUNNING || !trial->open ||
			 vballoon_link_closed(&trial->front_end.link, 0);

	if (!vballoon_subject_lives(&run->subject, why, size))
		return false;
	if (row->negative && !revives(trial, reconnect)) {
		snprintf(why, size, "afterwards: %s", trial->why);
		return false;
	}
	if (!vballoon_subject_lives(&run->subject, why, size))
		return false;
	if (vballoon_subject_sleeps(&run->subject, SLEEP_MS))
		return true;
	snprintf(why, size, "it is busy %d ms after the case, with nothing to do", SLEEP_MS);
	return false;
}

static void run_case(struct run *run, const struct vballoon_topic *topic,
		     const struct vballoon_case *row, const char *setting)
{
	struct vballoon_trial *trial = &run->trial;
	enum vballoon_outcome outcome = vballoon_trial_run(trial, row);
	char why[sizeof(trial->why) + 16], after[sizeof(trial->why) + 16] = "", last_words[256];

	snprintf(why, sizeof(why), "%s", trial->why);
	if (outcome != VBALLOON_SKIP && !survives(run, row, after, sizeof(after))) {
		if (outcome != VBALLOON_FAIL)
			snprintf(why, sizeof(why), "%s", after);
		outcome = outcome == VBALLOON_FAIL ? outcome : VBALLOON_WEDGED;
	}
	vballoon_trial_disconnect(trial);
	vballoon_subject_last_words(&run->subject, last_words, sizeof(last_words));
	vballoon_report_result(&run->report, &(struct vballoon_result){
						     .topic = topic->name,
						     .name = row->name,
						     .clause = row->clause,
						     .setting = setting,
						     .why = why,
						     .last_words = last_words,
						     .outcome = outcome,
						     .negative = row->negative,
					     });
	if (after[0] || outcome == VBALLOON_WEDGED)
		vballoon_subject_stop(&run->subject);
}

/* What a back end has while it serves a connection on which nothing was said yet. */
struct footprint {
	unsigned int descriptors;
	uint64_t memory_kib;
};

static struct footprint footprint_take(struct run *run)
{
	struct vballoon_link link = { .timeout_ms = run->options->patience_ms };
	struct footprint footprint = { 0, 0 };
	uint64_t features;

	link.socket = vballoon_subject_connect(&run->subject, run->options->patience_ms);
	if (link.socket < 0)
		return footprint;
	/* An answer: so it has done with who came before. */
	if (!vballoon_link_get_u64(&link, VHOST_USER_GET_FEATURES, &features)) {
		footprint.descriptors = vballoon_subject_descriptors(&run->subject);
		footprint.memory_kib = vballoon_subject_memory_kib(&run->subject);
	}
	close(link.socket);
	return footprint;
}

/* A back end that has served a topic's cases must be no larger for it. */
static void check_growth(struct run *run, const struct vballoon_topic *topic, const char *setting,
			 const struct footprint *before)
{
	struct footprint now = footprint_take(run);
	char why[128] = "";

	if (now.descriptors > before->descriptors)
		snprintf(why, sizeof(why), "it had %u descriptors open before and has %u after",
			 before->descriptors, now.descriptors);
	else if (now.memory_kib > before->memory_kib + MEMORY_KIB)
		snprintf(why, sizeof(why), "it has grown by %llu KiB",
			 (unsigned long long)(now.memory_kib - before->memory_kib));
	if (why[0])
		vballoon_report_result(&run->report, &(struct vballoon_result){
							     .topic = topic->name,
							     .name = "leaves-no-traces",
							     .clause = "DEV-BAD-6",
							     .setting = setting,
							     .why = why,
							     .last_words = "",
							     .outcome = VBALLOON_FAIL,
						     });
}

/* Serve one driver, so that what is allocated once is there. */
static bool warm_up(struct run *run)
{
	bool served;

	run->trial.features = 0;
	served = vballoon_trial_revive(&run->trial, true);
	vballoon_trial_disconnect(&run->trial);
	return served;
}

static void run_topic(struct run *run, const struct vballoon_topic *topic, const char *setting)
{
	struct footprint before;
	pid_t pid;

	if (vballoon_subject_start(&run->subject) || !warm_up(run))
		fprintf(stderr, "vballoon-conformance: before %s: %s\n", topic->name,
			run->trial.why);
	pid = run->subject.pid;
	before = footprint_take(run);
	for (size_t i = 0; i < topic->count; i++) {
		if (!vballoon_options_want(run->options, topic, &topic->cases[i]))
			continue;
		(void)vballoon_subject_start(&run->subject);
		run_case(run, topic, &topic->cases[i], setting);
	}
	if (pid && run->subject.pid == pid)
		check_growth(run, topic, setting, &before);
	vballoon_subject_stop(&run->subject);
}

static void run_setting(struct run *run, const struct vballoon_setting *setting)
{
	char name[256];

	run->trial.setting = setting;
	vballoon_plan_name(run->facts.kind, setting, name, sizeof(name));
	vballoon_report_setting(&run->report, name);
	for (size_t i = 0; vballoon_topics[i]; i++) {
		if (vballoon_topic_is_for(vballoon_topics[i], run->options->device,
					  setting->packed) &&
		    wanted_in(run->options, vballoon_topics[i], false))
			run_topic(run, vballoon_topics[i], name);
	}
}

static int prepare(struct run *run)
{
	char why[512];
	int ret = vballoon_subject_init(&run->subject, run->options->command,
					run->options->socket_path);

	run->subject.round_command = run->options->round_command;
	if (!ret)
		ret = vballoon_subject_start(&run->subject);
	if (ret) {
		fprintf(stderr, "vballoon-conformance: %s: %s\n",
			run->options->command ? run->options->command[0]
					      : run->options->socket_path,
			strerror(-ret));
		return VBALLOON_EXIT_CANNOT;
	}
	if (!vballoon_survey(&run->subject, run->options->patience_ms, &run->facts, why,
			     sizeof(why))) {
		fprintf(stderr, "vballoon-conformance: there is nothing to test: %s\n", why);
		return VBALLOON_EXIT_CANNOT;
	}
	vballoon_plan_make(run->options, &run->facts, &run->plan);
	if (run->plan.count)
		return VBALLOON_EXIT_CONFORMS;
	fputs("vballoon-conformance: the back end does not offer the ring that was asked for\n",
	      stderr);
	return VBALLOON_EXIT_CANNOT;
}

int vballoon_run(const struct vballoon_options *options)
{
	static struct run run;
	int code;

	run.options = options;
	run.facts.kind = vballoon_kind_of(options->device);
	run.trial.facts = &run.facts;
	run.trial.subject = &run.subject;
	vballoon_report_begin(&run.report, options);
	code = prepare(&run);
	if (code == VBALLOON_EXIT_CONFORMS) {
		count_cases(&run);
		for (size_t i = 0; i < run.plan.count; i++)
			run_setting(&run, &run.plan.settings[i]);
		code = vballoon_report_end(&run.report);
	}
	vballoon_subject_deinit(&run.subject);
	return code;
}
