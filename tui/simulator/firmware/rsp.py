"""A client of gdb's remote serial protocol, as far as an emulated Cortex-M is driven with it.

Packets are ``$DATA#XX`` with the sum of DATA's bytes in two hex digits, answered by ``+``; ``}`` escapes the byte after
it (XOR 0x20), ``*`` repeats the byte before it. Source: gdb's manual, appendix E.
"""

import socket
import struct
from collections.abc import Callable, Mapping

REGISTERS = 16
LR, SP, PC = 14, 13, 15
CHUNK = 1 << 16
MOST = 1 << 20
"""Bytes of a packet: more is no answer of a stub."""

HARDWARE_BREAKPOINT = 1
"""Type of Z packets: nothing is written to the guest's memory."""


class RspError(Exception):
    """The stub is gone, or does not answer as the protocol says; one line."""


def packet(data: bytes) -> bytes:
    """The packet that carries `data`."""
    escaped = bytearray()
    for byte in data:
        if byte in b"$#}*":
            escaped += bytes((0x7D, byte ^ 0x20))
        else:
            escaped.append(byte)
    return b"$%s#%02x" % (bytes(escaped), sum(escaped) & 0xFF)


def content(escaped: bytes) -> bytes:
    """The data of a packet's inside: escapes and repetitions undone.

    Raises:
        RspError: it ends within one, or repeats nothing.
    """
    plain = bytearray()
    at = 0
    while at < len(escaped):
        byte = escaped[at]
        at += 1
        if byte in b"}*" and at == len(escaped):
            raise RspError("a packet of the gdb stub is cut short")
        if byte == 0x7D:
            plain.append(escaped[at] ^ 0x20)
            at += 1
        elif byte == 0x2A:
            count = escaped[at] - 29
            if count < 0 or not plain:
                raise RspError("a packet of the gdb stub repeats nothing")
            plain += plain[-1:] * count
            at += 1
        else:
            plain.append(byte)
        if len(plain) > MOST:
            raise RspError("a packet of the gdb stub is too long")
    return bytes(plain)


def take(buffer: bytearray) -> bytes | None:
    """The content of the first packet of `buffer`, which is taken out of it with all before it; None if none is whole.

    Raises:
        RspError: its checksum is wrong.
    """
    begin = buffer.find(b"$")
    if begin < 0:
        del buffer[:]
        return None
    end = buffer.find(b"#", begin)
    if end < 0 or len(buffer) < end + 3:
        if len(buffer) - begin > MOST:
            raise RspError("a packet of the gdb stub is too long")
        return None
    inside, checksum = bytes(buffer[begin + 1 : end]), bytes(buffer[end + 1 : end + 3])
    del buffer[: end + 3]
    if b"%02x" % (sum(inside) & 0xFF) != checksum.lower():
        raise RspError("a packet of the gdb stub has a wrong checksum")
    return content(inside)


class Client:
    """A conversation with a stub. The guest stands still but within `go`."""

    def __init__(self, connection: socket.socket, wait: Callable[[socket.socket], bool]) -> None:
        """`wait` returns when the socket can be read; what it returns is whether the stub is still there."""
        self._socket = connection
        self._wait = wait
        self._buffer = bytearray()
        self._acknowledges = True

    def begin(self) -> None:
        """Agree with the stub on how to talk, and stop the guest.

        Raises:
            RspError: it is no stub.
        """
        self.ask("qSupported:hwbreak+;qXfer:features:read+")
        if self.ask("QStartNoAckMode") == b"OK":
            self._acknowledges = False
        # A stub of QEMU writes single registers only for who has read what registers there are.
        self.ask("qXfer:features:read:target.xml:0,ffb")
        self.ask("?")

    def ask(self, text: str) -> bytes:
        """A request's answer; empty where the stub does not know the request.

        Raises:
            RspError: the stub is gone.
        """
        self._send(text.encode())
        return self._receive()

    def command(self, text: str) -> str:
        """Run a command of the emulator's monitor and return what it prints.

        Raises:
            RspError: the stub is gone or refuses.
        """
        self._send(b"qRcmd," + text.encode().hex().encode())
        said = bytearray()
        while (answer := self._receive()) != b"OK":
            if answer[:1] == b"O":
                said += _unhex(answer[1:])
            elif answer[:1] == b"E" or not answer:
                raise RspError(f"the emulator does not know the command {text!r}")
            else:
                said += _unhex(answer)
                break
        return said.decode("utf-8", "replace")

    def registers(self) -> list[int]:
        """R0 to R15.

        Raises:
            RspError: the stub is gone or refuses.
        """
        data = _unhex(self.ask("g"))
        if len(data) < 4 * REGISTERS:
            raise RspError("the gdb stub does not tell the registers")
        return list(struct.unpack_from(f"<{REGISTERS}I", data))

    def set_registers(self, values: Mapping[int, int]) -> None:
        """Write some of R0 to R15, by their numbers.

        Raises:
            RspError: the stub is gone or refuses.
        """
        for number, value in values.items():
            self._ok(f"P{number:x}={struct.pack('<I', value & 0xFFFFFFFF).hex()}")

    def read(self, address: int, size: int) -> bytes:
        """Memory of the guest.

        Raises:
            RspError: the stub is gone or refuses.
        """
        data = _unhex(self.ask(f"m{address:x},{size:x}"))
        if len(data) != size:
            raise RspError(f"the gdb stub does not read {size} bytes at {address:#x}")
        return data

    def set_breakpoint(self, address: int) -> None:
        """Stop the guest before the instruction at an address.

        Raises:
            RspError: the stub is gone or refuses.
        """
        self._ok(f"Z{HARDWARE_BREAKPOINT},{address:x},2")

    def step(self) -> None:
        """Execute one instruction, whether or not there is a breakpoint on it.

        Raises:
            RspError: the stub is gone.
        """
        self._stopped("s")

    def go(self) -> None:
        """Let the guest run until a breakpoint.

        Raises:
            RspError: the stub is gone.
        """
        self._stopped("c")

    def _stopped(self, request: str) -> None:
        answer = self.ask(request)
        while answer[:1] == b"O":
            answer = self._receive()
        if answer[:1] not in (b"S", b"T"):
            raise RspError(f"the guest ended: {answer[:40].decode('ascii', 'replace')}")

    def _ok(self, request: str) -> None:
        answer = self.ask(request)
        if answer != b"OK":
            raise RspError(f"the gdb stub refuses {request}: {answer[:40].decode('ascii', 'replace')}")

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(packet(data))
        except OSError as error:
            raise RspError("the gdb stub is gone") from error

    def _receive(self) -> bytes:
        while (packet := take(self._buffer)) is None:
            there = self._wait(self._socket)
            try:
                data = self._socket.recv(CHUNK) if there else b""
            except OSError:
                data = b""
            if not data:
                raise RspError("the gdb stub is gone")
            self._buffer += data
        if self._acknowledges:
            self._socket.sendall(b"+")
        return packet


def _unhex(data: bytes) -> bytes:
    try:
        return bytes.fromhex(data.decode("ascii"))
    except ValueError as error:
        raise RspError(f"the gdb stub answers {data[:40].decode('ascii', 'replace')}") from error
