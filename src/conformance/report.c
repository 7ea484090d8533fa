/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/report.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static const char *const names[VBALLOON_OUTCOME_COUNT] = {
	[VBALLOON_PASS] = "PASS", [VBALLOON_REJECT] = "REJECT", [VBALLOON_SKIP] = "SKIP",
	[VBALLOON_FAIL] = "FAIL", [VBALLOON_WEDGED] = "WEDGED",
};

static bool is_bad(enum vballoon_outcome outcome)
{
	return outcome == VBALLOON_FAIL || outcome == VBALLOON_WEDGED;
}

void vballoon_report_begin(struct vballoon_report *report, const struct vballoon_options *options)
{
	*report = (struct vballoon_report){
		.options = options,
		.on_terminal = isatty(STDERR_FILENO),
	};
}

static void progress_clear(struct vballoon_report *report)
{
	if (report->drawn)
		fputs("\r\033[K", stderr);
	report->drawn = false;
}

static void progress_draw(struct vballoon_report *report, const struct vballoon_result *result)
{
	if (!report->on_terminal)
		return;
	fprintf(stderr, "\r%u of %u: %s/%s\033[K", report->runs, report->planned, result->topic,
		result->name);
	report->drawn = true;
}

void vballoon_report_setting(struct vballoon_report *report, const char *setting)
{
	report->settings++;
	if (report->options->style != VBALLOON_STYLE_PLAIN)
		return;
	progress_clear(report);
	printf("with %s\n", setting);
}

static void tell_plain(const struct vballoon_report *report, const struct vballoon_result *result)
{
	if (!is_bad(result->outcome) && !report->options->verbose)
		return;
	printf("  %-6s  %-16s  %s/%s%s%s\n", names[result->outcome], result->clause, result->topic,
	       result->name, result->why[0] ? ": " : "", result->why);
	if (is_bad(result->outcome) && result->last_words[0])
		printf("          it said: %s\n", result->last_words);
}

static void tell_tap(const struct vballoon_report *report, const struct vballoon_result *result)
{
	printf("%s %u - %s/%s [%s] (%s)", is_bad(result->outcome) ? "not ok" : "ok", report->runs,
	       result->topic, result->name, result->clause, result->setting);
	if (result->outcome == VBALLOON_SKIP)
		printf(" # SKIP %s", result->why);
	putchar('\n');
	if (is_bad(result->outcome))
		printf("# %s: %s\n", names[result->outcome], result->why);
}

static void tell_object(json_t *object)
{
	if (!object)
		return;
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void tell_json(const struct vballoon_result *result)
{
	tell_object(json_pack("{ss, ss, ss, ss, ss, sb, ss}", "topic", result->topic, "case",
			      result->name, "clause", result->clause, "setting", result->setting,
			      "outcome", names[result->outcome], "negative", result->negative,
			      "why", result->why));
}

void vballoon_report_result(struct vballoon_report *report, const struct vballoon_result *result)
{
	report->runs++;
	report->ended[result->outcome]++;
	progress_clear(report);
	switch (report->options->style) {
	case VBALLOON_STYLE_PLAIN:
		tell_plain(report, result);
		break;
	case VBALLOON_STYLE_TAP:
		tell_tap(report, result);
		break;
	case VBALLOON_STYLE_JSON:
		tell_json(result);
		break;
	}
	fflush(stdout);
	progress_draw(report, result);
}

int vballoon_report_end(struct vballoon_report *report)
{
	const unsigned int *ended = report->ended;
	bool failed = ended[VBALLOON_FAIL] || ended[VBALLOON_WEDGED];

	progress_clear(report);
	if (report->options->style == VBALLOON_STYLE_JSON) {
		tell_object(json_pack("{si, si, si, si, si, si, si, si, si}", "cases",
				      report->cases, "negative_cases", report->negative, "settings",
				      report->settings, "runs", report->runs, "pass",
				      ended[VBALLOON_PASS], "reject", ended[VBALLOON_REJECT],
				      "skip", ended[VBALLOON_SKIP], "fail", ended[VBALLOON_FAIL],
				      "wedged", ended[VBALLOON_WEDGED]));
	} else {
		if (report->options->style == VBALLOON_STYLE_TAP)
			printf("1..%u\n# ", report->runs);
		printf("%u cases, %u negative, in %u settings: %u passed, %u rejected, %u skipped, "
		       "%u failed, %u wedged\n",
		       report->cases, report->negative, report->settings, ended[VBALLOON_PASS],
		       ended[VBALLOON_REJECT], ended[VBALLOON_SKIP], ended[VBALLOON_FAIL],
		       ended[VBALLOON_WEDGED]);
	}
	return failed || report->runs == ended[VBALLOON_SKIP] ? VBALLOON_EXIT_FAILED
							      : VBALLOON_EXIT_CONFORMS;
}

static void list_row(const struct vballoon_options *options, const struct vballoon_topic *topic,
		     const struct vballoon_case *row)
{
	if (options->style == VBALLOON_STYLE_JSON)
		tell_object(json_pack("{ss, ss, ss, sb}", "topic", topic->name, "case", row->name,
				      "clause", row->clause, "negative", row->negative));
	else
		printf("%-8s  %-16s  %s/%s\n", row->negative ? "negative" : "", row->clause,
		       topic->name, row->name);
}

void vballoon_report_list(const struct vballoon_options *options)
{
	for (size_t i = 0; vballoon_topics[i]; i++) {
		if (!vballoon_topic_is_of(vballoon_topics[i], options->device))
			continue;
		for (size_t j = 0; j < vballoon_topics[i]->count; j++) {
			if (vballoon_options_want(options, vballoon_topics[i],
						  &vballoon_topics[i]->cases[j]))
				list_row(options, vballoon_topics[i],
					 &vballoon_topics[i]->cases[j]);
		}
	}
}
