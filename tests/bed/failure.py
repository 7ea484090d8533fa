# SPDX-License-Identifier: BSD-3-Clause
"""The exceptions of the test bed: each is something for a person to read."""


class Failure(Exception):
    """What was wanted did not happen. The message says what was awaited and what came."""


class Complaint(Failure):
    """The guest's kernel complains of something, whatever else happened."""


class Skip(Exception):
    """The machine at hand cannot do what is wanted, and why."""
