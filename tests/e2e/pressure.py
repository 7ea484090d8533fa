# SPDX-License-Identifier: BSD-3-Clause
"""warm memory is given back when the host's kernel tells that processes wait for memory"""

import contextlib
import json

from bed.build import OUT
from bed.lines import LineSocket
from bed.rig import expect
from bed.squeeze import squeezed

ALONE = True
BALLOON_MIB = 256
PRESSURE_SECONDS = 60


@contextlib.contextmanager
def events(rig):
    """What the daemon tells from now on."""
    with contextlib.closing(LineSocket(rig.daemon.control, "vballoond")) as lines:
        lines.receive(5, "its greeting")
        lines.send('{"execute": "events"}')
        lines.receive(5, "the answer to events")
        yield lines


def run(rig):
    rig.load()
    rig.check_returned()
    rig.daemon.execute("policy", pages="warm", host_pressure_percent=1)
    with events(rig) as lines:
        # First the pressure: where there can be none there is nothing to see.
        with squeezed(OUT):
            rig.daemon.resize(BALLOON_MIB)
            expect(rig.daemon.status()["host_pressure"]["watched"] == "psi",
                   "the kernel to be listened to")
            while json.loads(lines.receive(PRESSURE_SECONDS, "pressure"))["event"] != "host-pressure":
                pass
    expect(rig.daemon.reached(10), "the host to have taken what was warm")
    rig.check_host_has(BALLOON_MIB)
    rig.daemon.execute("policy", pages="eager", host_pressure_percent=10)
    rig.daemon.resize(0)
    rig.check_returned()
