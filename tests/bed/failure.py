# SPDX-License-Identifier: BSD-3-Clause
"""The one exception of the test bed: something for a person to read."""


class Failure(Exception):
    """What was wanted did not happen. The message says what was awaited and what came."""
