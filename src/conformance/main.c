/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>

#include "conformance/report.h"
#include "conformance/run.h"

int main(int argc, char **argv)
{
	struct vballoon_options options;
	int code = vballoon_options_read(argc, argv, &options);

	if (code >= 0)
		return code;
	if (options.list) {
		vballoon_report_list(&options);
		return VBALLOON_EXIT_CONFORMS;
	}
	signal(SIGPIPE, SIG_IGN);
	return options.driver ? vballoon_run_driver(&options) : vballoon_run(&options);
}
