/* SPDX-License-Identifier: BSD-3-Clause */
/* What a back end is, before anything is tested. */
#ifndef VBALLOON_CONFORMANCE_SURVEY_H
#define VBALLOON_CONFORMANCE_SURVEY_H

#include "conformance/trial.h"

/* Ask a back end for its features and its configuration space; facts_out->kind says which
 * balloon it is expected to be. Returns false, and why in
 * @why_out, when it is no memory balloon that could be tested. */
bool vballoon_survey(struct vballoon_subject *subject, int timeout_ms,
		     struct vballoon_facts *facts_out, char *why_out, size_t size);

#endif /* VBALLOON_CONFORMANCE_SURVEY_H */
