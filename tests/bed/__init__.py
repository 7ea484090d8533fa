# SPDX-License-Identifier: BSD-3-Clause
"""The test bed: a real Linux guest under an unmodified QEMU, with the balloon beside it.

One module, one noun. `assets.prepare()` gets everything that is needed and says what it does;
`vm.VirtualMachine` is a guest that runs; `daemon.Daemon` its balloon; `guest.Guest` what the
guest itself says. Nothing here needs more than Python's standard library.
"""
