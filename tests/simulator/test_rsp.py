"""gdb's remote protocol: packets however they are cut, damage, and a conversation with a stub that stands still."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.simulator.firmware.core import Core
from tui.simulator.firmware.rsp import Client, RspError, content, packet, take


@given(st.lists(st.binary(max_size=40), max_size=5), st.integers(1, 7))
def test_packets_come_out_as_they_went_in_however_they_are_cut(contents: list[bytes], size: int) -> None:
    sent = b"+".join(packet(one) for one in contents)
    buffer, found = bytearray(), []
    for at in range(0, len(sent), size):
        buffer += sent[at : at + size]
        while (one := take(buffer)) is not None:
            found.append(one)
    assert found == contents


@given(st.binary(max_size=200))
def test_anything_is_a_packet_or_an_error_and_never_something_else(data: bytes) -> None:
    buffer = bytearray(data)
    try:
        while take(buffer) is not None:
            pass
    except RspError as error:
        assert "\n" not in str(error)


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_wrong_checksum_is_not_taken(data: bytes, draw: st.DataObject) -> None:
    good = packet(data)
    wrong = draw.draw(st.integers(0, 255).filter(lambda n: b"%02x" % n != good[-2:]))
    with pytest.raises(RspError):
        take(bytearray(good[:-2] + b"%02x" % wrong))


def test_repetitions_are_written_out() -> None:
    assert content(b"0* ab") == b"0000ab"


class Stub:
    """A guest with registers, memory and a monitor, which stops whenever it is told to go."""

    def __init__(self) -> None:
        self.registers = list(range(100, 116))
        self.memory = bytes(range(256))
        self.asked: list[str] = []

    def answer(self, asked: str) -> bytes:
        self.asked.append(asked)
        if asked == "g":
            return struct.pack("<16I", *self.registers).hex().encode()
        if asked.startswith("P"):
            number, _, value = asked[1:].partition("=")
            (self.registers[int(number, 16)],) = struct.unpack("<I", bytes.fromhex(value))
            return b"OK"
        if asked.startswith("m"):
            address, size = (int(n, 16) for n in asked[1:].split(","))
            return self.memory[address : address + size].hex().encode()
        if asked.startswith("qRcmd,"):
            said = f"Recording execution: instruction count = 12345 ({bytes.fromhex(asked[6:]).decode()})\n"
            return b"O" + said.encode().hex().encode()
        if asked in ("c", "s"):
            return b"T05thread:01;"
        return {"QStartNoAckMode": b"OK", "?": b"S05"}.get(asked, b"OK" if asked.startswith("Z1") else b"")


@contextmanager
def talking(stub: Stub) -> Iterator[Client]:
    ours, theirs = socket.socketpair()

    def serve() -> None:
        buffer = bytearray()
        while data := theirs.recv(4096):
            buffer += data
            while (asked := take(buffer)) is not None:
                answer = stub.answer(asked.decode())
                theirs.sendall((b"" if "QStartNoAckMode" in stub.asked else b"+") + packet(answer))
                if answer.startswith(b"O") and answer != b"OK":
                    theirs.sendall(packet(b"OK"))
        theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Client(ours, lambda _: True)
    finally:
        ours.close()
        thread.join()


def test_the_core_reads_arguments_answers_and_calls() -> None:
    stub = Stub()
    with talking(stub) as client:
        client.begin()
        core = Core(client)
        core.stop_at(0x115)
        core.go()
        assert (core.pc, core.return_address) == (115, 114)
        # The fifth argument is the first word on the stack.
        assert [core.argument(n) for n in range(5)] == [
            100,
            101,
            102,
            103,
            struct.unpack_from("<I", stub.memory, 113)[0],
        ]
        assert core.instructions() == 12345
        core.call(0x8000, 7)
        assert (stub.registers[0], stub.registers[14], stub.registers[15]) == (7, 115, 0x8000)
        core.resume()
        assert stub.registers[:4] == [100, 101, 102, 103]
        core.answer(1, 2)
        assert (stub.registers[0], stub.registers[1], stub.registers[15]) == (1, 2, 114)


def test_a_stub_that_goes_away_is_an_error() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(RspError, match="gone"):
        Client(ours, lambda _: True).begin()
