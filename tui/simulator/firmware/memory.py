"""The guest's DDR, shared with QEMU: memory without a name, which is gone with the processes that have it open."""

import mmap
import os
from typing import Self

import numpy as np

from tui.simulator.ethosu.memory import Bytes
from tui.toolchain.qemu import DDR, DDR_BYTES


class GuestMemoryError(Exception):
    """An access outside the memory that is shared; one line."""


class GuestMemory:
    """The guest's DDR as bytes. Only pages that are written take memory of this machine."""

    def __init__(self) -> None:
        """Raises OSError: the system gives none."""
        # No file in /dev/shm: whoever is killed leaves nothing, and a small /dev/shm does not matter.
        self.fd = os.memfd_create("guest-ddr", os.MFD_CLOEXEC)
        os.ftruncate(self.fd, DDR_BYTES)
        self._bytes: Bytes = np.frombuffer(mmap.mmap(self.fd, DDR_BYTES), np.uint8)

    def holds(self, address: int, size: int) -> bool:
        """Return True if `size` bytes at an address of the guest's are shared."""
        return address >= DDR and size >= 0 and address + size <= DDR + DDR_BYTES

    def view(self, address: int, size: int) -> Bytes:
        """`size` bytes at an address of the guest's; writes are seen by the guest.

        Raises:
            GuestMemoryError: they are not all in DDR.
        """
        if not self.holds(address, size):
            raise GuestMemoryError(f"{size} bytes at {address:#x} are not in the board's DDR")
        return self._bytes[address - DDR : address - DDR + size]

    def place(self, address: int, data: bytes) -> None:
        """Write `data` at an address of the guest's.

        Raises:
            GuestMemoryError: it is not all in DDR.
        """
        self.view(address, len(data))[:] = np.frombuffer(data, np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up our part of it; views that are still there keep theirs."""
        os.close(self.fd)
