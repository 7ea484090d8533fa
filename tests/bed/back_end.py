# SPDX-License-Identifier: BSD-3-Clause
"""The least of a vhost-user back end that QEMU is content with: split rings, one front end.

For devices that a driver must survive; vballoond is for those that it may rely on.
"""

import array
import contextlib
import mmap
import os
import selectors
import shutil
import socket
import struct
import tempfile
import threading
from pathlib import Path

VIRTIO_F_VERSION_1 = 1 << 32
F_PROTOCOL_FEATURES = 1 << 30
PROTOCOL_MQ_REPLY_ACK_CONFIG = 1 << 0 | 1 << 3 | 1 << 9
NEED_REPLY = 1 << 3
REPLY_FLAGS = 1 << 2 | 1  # a reply, version 1
DESC_NEXT, DESC_WRITE = 1, 2
DESCRIPTORS_MAX = 8  # that come with one message


class Memory:
    """The guest's, by guest address and by the front end's."""

    def __init__(self, payload: bytes, fds: list[int]):
        count, = struct.unpack_from("<I", payload)
        self._regions = []
        for index, fd in zip(range(count), fds):
            region = struct.unpack_from("<QQQQ", payload, 8 + 32 * index)
            self._regions.append((*region, mmap.mmap(fd, region[1] + region[3])))
            os.close(fd)

    def guest(self, address: int) -> tuple[mmap.mmap, int]:
        for gpa, size, _, offset, mapped in self._regions:
            if gpa <= address < gpa + size:
                return mapped, address - gpa + offset
        raise ValueError(f"no guest memory at {address:#x}")

    def front_end(self, address: int) -> tuple[mmap.mmap, int]:
        for _, size, user, offset, mapped in self._regions:
            if user <= address < user + size:
                return mapped, address - user + offset
        raise ValueError(f"no memory of the front end at {address:#x}")


class Queue:
    """A split virtqueue, device side. Every buffer used is notified."""

    def __init__(self) -> None:
        self.size = self.next = 0
        self.kick = self.call = -1
        self.rings: tuple[int, ...] = ()

    def pop(self, memory: Memory):
        """The next chain: its head, what can be read, where can be written. Or None."""
        descriptors, _, available = (memory.front_end(address) for address in self.rings)
        if struct.unpack_from("<H", available[0], available[1] + 2)[0] == self.next:
            return None
        head, = struct.unpack_from("<H", available[0], available[1] + 4 + 2 * (self.next % self.size))
        self.next = (self.next + 1) & 0xffff
        readable, writable, index, flags = b"", [], head, DESC_NEXT
        while flags & DESC_NEXT:
            address, length, flags, following = struct.unpack_from(
                "<QIHH", descriptors[0], descriptors[1] + 16 * index)
            mapped, offset = memory.guest(address)
            if not length or (writable and not flags & DESC_WRITE):
                raise ValueError("a chain that must not be: DRV-RING-1, DRV-RING-2")
            if flags & DESC_WRITE:
                writable.append((mapped, offset, length))
            else:
                readable += mapped[offset:offset + length]
            index = following
        return head, readable, writable

    def push(self, memory: Memory, head: int, writable, answer: bytes, length: int) -> None:
        """Answer a chain, and say that `length` bytes of it were written."""
        for mapped, offset, room in writable:
            part, answer = answer[:room], answer[room:]
            mapped[offset:offset + len(part)] = part
        mapped, offset = memory.front_end(self.rings[1])
        used, = struct.unpack_from("<H", mapped, offset + 2)
        struct.pack_into("<II", mapped, offset + 4 + 8 * (used % self.size), head, length)
        struct.pack_into("<H", mapped, offset + 2, (used + 1) & 0xffff)
        self.notify(memory)

    def notify(self, _memory: Memory) -> None:
        """Tell the driver that a chain is answered."""
        os.write(self.call, struct.pack("<Q", 1))


class BackEnd:
    """Serves one front end in a thread. Subclasses say what the device does."""

    features = 0  # of the device
    config = b""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="vballoon-b-"))
        self.socket = self.directory / "vhost"
        self.queues = [Queue(), Queue()]
        self.memory = Memory(bytes(4), [])
        self.lock = threading.Lock()  # held while the device works
        self.error: Exception | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket))
        self._listener.listen(1)
        self._front_end = self._listener
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def started(self) -> None:
        """The guest has a driver, from now on."""

    def kicked(self) -> None:
        """There may be something in the queues."""

    def _serve(self) -> None:
        try:
            self._front_end, _ = self._listener.accept()
            while self._wait():
                pass
        except (OSError, ValueError, struct.error) as error:
            self.error = error

    def _wait(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._front_end, selectors.EVENT_READ)
            for queue in self.queues:
                if queue.kick >= 0:
                    selector.register(queue.kick, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select()]
        with self.lock:
            if self._front_end in ready:
                return self._message()
            for kick in ready:
                os.read(kick, 8)
            self.kicked()
        return True

    def _message(self) -> bool:
        header, ancillary, _, _ = self._front_end.recvmsg(
            12, socket.CMSG_SPACE(4 * DESCRIPTORS_MAX), socket.MSG_WAITALL)
        if len(header) < 12:
            return False
        request, flags, size = struct.unpack("<III", header)
        payload = self._front_end.recv(size, socket.MSG_WAITALL) if size else b""
        fds = array.array("i")
        for _, _, data in ancillary:
            fds.frombytes(data)
        reply = self._MESSAGES.get(request, lambda *_: None)(self, payload, list(fds))
        if reply is None and flags & NEED_REPLY:
            reply = bytes(8)
        if reply is not None:
            self._front_end.sendall(struct.pack("<III", request, REPLY_FLAGS, len(reply)) + reply)
        return True

    def _get_features(self, _payload, _fds):
        return struct.pack("<Q", self.features | VIRTIO_F_VERSION_1 | F_PROTOCOL_FEATURES)

    def _get_protocol_features(self, _payload, _fds):
        return struct.pack("<Q", PROTOCOL_MQ_REPLY_ACK_CONFIG)

    def _get_queue_num(self, _payload, _fds):
        return struct.pack("<Q", len(self.queues))

    def _get_config(self, payload, _fds):
        return payload[:12] + self.config.ljust(len(payload) - 12, b"\0")

    def _set_config(self, _payload, _fds):
        raise ValueError("the driver writes to the configuration space: DRV-CONF-3")

    def _set_mem_table(self, payload, fds):
        self.memory = Memory(payload, fds)

    def _set_vring_num(self, payload, _fds):
        index, self.queues[index].size = struct.unpack("<II", payload)

    def _set_vring_addr(self, payload, _fds):
        index, _, *rings = struct.unpack_from("<IIQQQ", payload)
        self.queues[index].rings = tuple(rings)

    def _set_vring_base(self, payload, _fds):
        index, self.queues[index].next = struct.unpack("<II", payload)

    def _get_vring_base(self, payload, _fds):
        index, _ = struct.unpack("<II", payload)
        queue = self.queues[index]
        if queue.kick >= 0:
            os.close(queue.kick)
        queue.kick = -1
        return struct.pack("<II", index, queue.next)

    def _set_vring_kick(self, payload, fds):
        self.queues[payload[0]].kick = fds[0]
        if all(queue.kick >= 0 for queue in self.queues):
            self.started()

    def _set_vring_call(self, payload, fds):
        queue = self.queues[payload[0]]
        if queue.call >= 0:
            os.close(queue.call)
        queue.call = fds[0] if fds else -1

    _MESSAGES = {1: _get_features, 5: _set_mem_table, 8: _set_vring_num, 9: _set_vring_addr,
                 10: _set_vring_base, 11: _get_vring_base, 12: _set_vring_kick,
                 13: _set_vring_call, 15: _get_protocol_features, 17: _get_queue_num,
                 24: _get_config, 25: _set_config}

    def __enter__(self):
        return self

    def __exit__(self, *_error) -> None:
        for end in (self._front_end, self._listener):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._thread.join(5)
        shutil.rmtree(self.directory, ignore_errors=True)
