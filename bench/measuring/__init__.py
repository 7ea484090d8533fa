# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks share: samples, rows, what disturbs a run, the guests they measure."""

import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
# The test bed, which boots guests.
sys.path.insert(0, str(TREE / "tests"))
