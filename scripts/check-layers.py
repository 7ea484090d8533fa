#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Keep the layers: every #include must be an arrow of the table below.

docs/architecture.md tells what the layers are. A layer owns a directory of
src/ and, most of them, public headers in include/. An arrow to "device" opens
all of that layer; an arrow to "device.public" only its public headers.
"""

import re
import sys
from pathlib import Path

PUBLIC = "include/vballoon"

# layer: (what it owns, what it may include, system headers; None: any)
FREESTANDING = {"stdint.h", "stddef.h", "stdbool.h", "limits.h", "string.h", "errno.h"}
LAYERS = {
    "abi": ([f"{PUBLIC}/abi"], [], {"linux/types.h", "stdint.h"}),
    "base": (["src/base", f"{PUBLIC}/types.h"], ["abi"], FREESTANDING),
    "memory": (["src/memory", f"{PUBLIC}/memory.h"], ["base"], FREESTANDING),
    "ring": (
        ["src/ring", f"{PUBLIC}/queue.h", f"{PUBLIC}/violation.h"],
        ["abi", "base", "memory"],
        FREESTANDING,
    ),
    "policy": (["src/policy", f"{PUBLIC}/policy.h"], ["abi", "base"], FREESTANDING),
    "state": (["src/state", f"{PUBLIC}/migration.h", f"{PUBLIC}/saved.h"], ["abi", "base", "memory.public"], FREESTANDING),
    "device": (
        ["src/device", *(f"{PUBLIC}/{name}.h" for name in ("device", "reclaim", "recover", "status"))],
        ["abi", "base", "memory", "ring", "policy", "state"],
        FREESTANDING,
    ),
    "driver/decide": (["src/driver/decide"], ["abi"], FREESTANDING | {"linux/types.h"}),
    "driver/port": (
        ["src/driver/port", f"{PUBLIC}/guest.h"],
        ["abi", "base", "ring", "driver/decide"],
        FREESTANDING,
    ),
    "driver/traditional": (
        ["src/driver/traditional", f"{PUBLIC}/traditional_guest.h"],
        ["abi", "base", "ring", "driver/decide", "driver/port"],
        FREESTANDING,
    ),
    "host": (["src/host"], [], None),
    "reclaim": (
        ["src/reclaim", f"{PUBLIC}/backing.h"],
        ["abi", "base", "memory.public", "device.public", "host"],
        None,
    ),
    "vhost_user": (
        ["src/vhost_user", f"{PUBLIC}/vhost_user.h"],
        [
            "abi", "base", "memory.public", "ring.public", "device.public", "reclaim.public",
            "host", "vhost_user wire", "supervisor wire",
        ],
        None,
    ),
    # The bytes of the protocol; the rest of vhost_user is the back end.
    "vhost_user wire": (["src/vhost_user/protocol.h"], [], FREESTANDING),
    "front_end": (["src/front_end"], ["base", "ring", "vhost_user wire"], None),
    "supervisor": (["src/supervisor"], ["host", "supervisor wire"], None),
    # The bytes between it and a worker.
    "supervisor wire": (["src/supervisor/relay.h"], [], FREESTANDING),
    "control": (["src/control"], ["abi", "base", "state.public"], None),
    "daemon": (
        ["src/daemon"],
        ["abi", "base", "memory.public", "policy.public", "device.public", "vhost_user.public",
         "host", "control", "supervisor", "supervisor wire"],
        None,
    ),
    "cli": (["src/cli"], ["abi", "base", "control", "state.public"], None),
    "conformance": (
        ["src/conformance"],
        ["abi", "base", "control", "front_end", "memory", "ring", "vhost_user", "vhost_user wire"],
        None,
    ),
    # What an embedder needs is public.
    "examples": (
        ["examples"],
        ["abi", "base.public", "memory.public", "ring.public", "device.public", "example guest"],
        None,
    ),
    "example guest": (
        ["examples/embed_guest.c", "examples/embed_guest.h"],
        ["abi", "base.public", "ring.public"],
        None,
    ),
    "example port": (
        ["examples/guest_port.c", "examples/guest_port.h", "examples/traditional_port.c",
         "examples/traditional_port.h", "examples/virtio_mmio.c", "examples/virtio_mmio.h"],
        ["abi", "base.public", "ring.public", "driver/port.public", "driver/traditional.public"],
        FREESTANDING,
    ),
    "kernel": (["kernel"], ["abi", "driver/decide"], None),
}
# System headers that only these layers may include.
RESERVED = {"jansson.h": {"control", "daemon", "cli", "conformance"}}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def owner(path):
    """The layer that owns a file, by its longest matching directory, or None."""
    best, layer = "", None
    for name, (owned, _, _) in LAYERS.items():
        for place in owned:
            if (path == place or path.startswith(place + "/")) and len(place) > len(best):
                best, layer = place, name
    return layer


def resolve(root, path, kind, name):
    """The path in the tree that an include names, or None for a system header."""
    places = ["include", "src", "src/driver/decide"]
    if kind == '"':
        places.insert(0, str(Path(path).parent))
    for place in places:
        if (root / place / name).is_file():
            return (root / place / name).resolve().relative_to(root).as_posix()
    return None


def complaint(root, path, kind, name):
    """What is wrong with one include of a file, or None."""
    layer = owner(path)
    _, arrows, system = LAYERS[layer]
    target = resolve(root, path, kind, name)
    if target is None:
        if kind == '"' or name.startswith("vballoon/"):
            return f"includes {name}, which is nowhere in the tree"
        if layer not in RESERVED.get(name, {layer}):
            return f"includes <{name}>, which is not for {layer}"
        if system is not None and name not in system:
            return f"includes <{name}>: {layer} is freestanding"
        return None
    to = owner(target)
    if to is None:
        return f"includes {target}, which belongs to no layer"
    if to == layer or to in arrows:
        return None
    if f"{to}.public" in arrows and target.startswith(PUBLIC):
        return None
    return f"includes {target}: {layer} may not include {to}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    failed = files = 0
    for top in ("include", "src", "kernel", "examples"):
        for file in sorted((root / top).rglob("*.[ch]")):
            path = file.relative_to(root).as_posix()
            if path.endswith(".mod.c"):
                continue
            files += 1
            if owner(path) is None:
                print(f"{path}: belongs to no layer: see scripts/check-layers.py")
                failed += 1
                continue
            text = file.read_text()
            for match in INCLUDE.finditer(text):
                wrong = complaint(root, path, *match.groups())
                if wrong:
                    line = text.count("\n", 0, match.start(1)) + 1
                    print(f"{path}:{line}: {wrong}")
                    failed += 1
    if not files:
        print("no file was looked at")
    return 1 if failed or not files else 0


sys.exit(main())
