/* SPDX-License-Identifier: BSD-3-Clause */
/* A view as the control protocol shows it (docs/control-protocol.md, `status`). */
#ifndef VBALLOON_DAEMON_STATUS_JSON_H
#define VBALLOON_DAEMON_STATUS_JSON_H

#include <jansson.h>

#include "daemon/view.h"

/* Each returns a new reference; NULL when memory is short. */
json_t *vballoon_status_json(const struct vballoon_view *view,
			     const struct vballoon_waiting *waiting);
json_t *vballoon_status_json_guest(const struct vballoon_view *view); /* may be a JSON null */
json_t *vballoon_status_json_reason(const struct vballoon_view *view); /* likewise */
json_t *vballoon_status_json_epoch(const struct vballoon_view *view); /* likewise */
json_t *vballoon_status_json_passthrough(const struct vballoon_view *view); /* likewise */
json_t *vballoon_status_json_deadline(const struct vballoon_view *view); /* likewise */
json_t *vballoon_status_json_supervisor(const struct vballoon_view *view);
json_t *vballoon_status_json_pressure(const struct vballoon_view *view);
json_t *vballoon_status_json_sandbox(void);
json_t *vballoon_status_json_wait(const struct vballoon_view *view, bool reached);

/* The newest round of reports. */
json_t *vballoon_status_json_round(const struct vballoon_view *view);

#endif /* VBALLOON_DAEMON_STATUS_JSON_H */
