# SPDX-License-Identifier: BSD-3-Clause
"""the module keeps the clauses that a device's lies put to the test"""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from bed.rig import expect

GUESTS_OF_THEIR_OWN = True
HERE = Path(__file__).resolve().parent
# A guest boots for each: few are enough where crooked_device tells one guest many lies, and
# all_features has it do the rest.
CASES = ["driver/follows-its-target", "driver-lies/start-over-not-empty",
         "driver-ring-split/used-index-jumps", "driver-report/round"]
PATIENCE = "120"


def run(assets):
    suite = assets.built.vballoond.parent.parent / "conformance/vballoon-conformance"
    cases = [word for case in CASES for word in ("--case", case)]
    with tempfile.TemporaryDirectory(prefix="vballoon-e2e-") as directory:
        pickled = Path(directory, "assets")
        pickled.write_bytes(pickle.dumps(assets))
        done = subprocess.run(
            [suite, "--driver", "--ring", "split", "--timeout", PATIENCE, *cases, "--", "env",
             f"PYTHONPATH={HERE.parent}", sys.executable, "-m", "bed.driver_guest", pickled, "%s"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    expect(done.returncode == 0, f"every case to pass:\n{done.stdout}{done.stderr}")
    expect(f"{len(CASES)} cases" in done.stdout, f"{len(CASES)} cases to run: {done.stdout}")
