"""QEMU's process: an emulated board that waits for gdb, with its console and its memory within our reach.

It is given everything as open files, nothing by a name: no socket with a path too long, nothing left behind.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tui import processes
from tui.simulator.firmware.memory import GuestMemory
from tui.simulator.firmware.rsp import Client, RspError
from tui.toolchain.qemu import DDR_BYTES, MACHINE, QemuError

SHIFT = 6
"""An instruction takes 2**6 ns of the guest's time. Without a fixed time its clocks would follow the machine's."""

POLL_S = 0.02
"""Seconds the console may wait to be read while the guest runs."""
_CHUNK = 1 << 16
_SAID = 2000


class Board:
    """An emulated board, which stands still until its `gdb` lets it go."""

    def __init__(self, program: Path, kernel: Path, memory: GuestMemory, console: Callable[[bytes], None]) -> None:
        """Start it. `console` is given what the board's UART prints, while it is printed.

        Raises:
            QemuError: it does not start.
        """
        self._console = console
        # A file, since QEMU never waits for one: the board would notice, and count other instructions.
        self._uart = os.memfd_create("guest-uart", os.MFD_CLOEXEC)
        self._read = 0
        # What it says of itself, such as warnings of devices without a peer, is told only if it dies.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        parent_end, child_end = socket.socketpair()
        with child_end:
            try:
                self._process = subprocess.Popen(
                    _command(program, kernel, memory.fd, self._uart, child_end.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=self._said,
                    stderr=self._said,
                    pass_fds=(memory.fd, self._uart, child_end.fileno()),
                    preexec_fn=processes.tie(),
                )
            except OSError as error:
                raise QemuError(f"{program} cannot be started: {error.strerror}") from error
        self._connection = parent_end
        self.gdb = Client(parent_end, self._wait)
        try:
            self.gdb.begin()
        except RspError as error:
            why = self.why_ended() or str(error)
            self.close()
            raise QemuError(f"{program.name} does not start: {why}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self, connection: socket.socket) -> bool:
        """Pass on the console until the stub has an answer, or is gone."""
        while not select.select([connection], [], [], POLL_S)[0]:
            self.flush()
        return True

    def flush(self) -> None:
        """Pass on what the UART has printed since the last time."""
        while data := os.pread(self._uart, _CHUNK, self._read):
            self._read += len(data)
            self._console(data)

    def why_ended(self) -> str | None:
        """Reason of its end, with its last words; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            # Its end of the conversation closes a moment before the process is gone.
            self._process.wait(1.0)
        status = self._process.returncode
        if status is None:
            return None
        if status < 0:
            number = -status
            name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
            return f"ended by {name}"
        self._said.seek(0)
        said = self._said.read()[-_SAID:].decode("utf-8", "replace").strip().splitlines()
        return f"exit status {status}{f': {said[-1]}' if said else ''}"

    def close(self) -> None:
        """End it for sure, and give up all it had."""
        self._process.kill()
        self._process.wait()
        self._connection.close()
        os.close(self._uart)
        self._said.close()


def _command(program: Path, kernel: Path, memory: int, uart: int, gdb: int) -> list[str]:
    place = "/proc/self/fd/{}".format
    return [
        *(str(program), "-nodefaults", "-display", "none", "-monitor", "none", "-S"),
        *("-M", f"{MACHINE},memory-backend=ddr"),
        *("-object", f"memory-backend-file,id=ddr,size={DDR_BYTES},mem-path={place(memory)},share=on"),
        *("-chardev", f"socket,id=gdb,fd={gdb}", "-gdb", "chardev:gdb"),
        *("-chardev", f"file,id=uart,path={place(uart)}", "-serial", "chardev:uart"),
        # Recorded, since only then QEMU tells how many instructions were executed. The record itself has no use.
        *("-icount", f"shift={SHIFT},rr=record,rrfile={os.devnull}"),
        *("-kernel", str(kernel)),
    ]
