# SPDX-License-Identifier: BSD-3-Clause
"""Something that is done again and again while something else is."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator


@contextlib.contextmanager
def meanwhile(step: Callable[[], Any]) -> Iterator[list[Any]]:
    """Take that step in a thread, at least once, until the body is through. The list is what it has
    returned. Raises what the step raises, but for a body that fails first."""
    ends = threading.Event()
    returned: list[Any] = []

    def take() -> None:
        while not (returned and ends.is_set()):
            returned.append(step())

    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(take)
        try:
            yield returned
        finally:
            ends.set()
        taken.result()
