"""A stand-in for a board on a serial line: ``python stand_in_board.py FOLDER`` is the board, with more words a command.

The board makes a pseudo-terminal, whose other end is FOLDER/port. What is flashed is kept; a reset has it speak as
ExecuTorch's runner does, with the simulator's figures and the program's true outputs, or with the text of the file that
``BOARD_TEXT`` in its environment names. Nothing of it waits for a time: each word on its socket is answered once it is
done. ``BOARD`` picks a fault.
"""

import os
import pty
import socket
import sys
import tty
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
FAULT = os.environ.get("BOARD", "")
OLD = b"I [executorch:arm_executor_runner.cpp:1 main()] Starting running 1 inferences...\r\n"
OLD_REPORT = (
    b"I [executorch:arm_perf_monitor.cpp:1 StopMeasurements()] Ethos-U PMU report:\r\n"
    b"I [executorch:arm_perf_monitor.cpp:1 StopMeasurements()] ethosu_pmu_cycle_cntr : 77 (77.00 per inference)\r\n"
    b"I [executorch:arm_executor_runner.cpp:1 main()] 1 inferences finished\r\n"
)


def console(program: bytes) -> bytes:
    """What the runner prints for a program."""
    from tests.platform import stand_in

    read, write = os.pipe()
    parts: list[bytes] = []
    pid = os.fork()
    if not pid:
        os.close(read)
        os.dup2(write, 1)
        stand_in.executor_runner(program, 0)
        os._exit(0)
    os.close(write)
    while data := os.read(read, 65536):
        parts.append(data)
    os.close(read)
    os.waitpid(pid, 0)
    return b"".join(parts)


class Board:
    """The board: its memory, and its end of the line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = b""
        self.line, other = pty.openpty()
        tty.setraw(other)
        port = folder / "port"
        port.unlink(missing_ok=True)
        port.symlink_to(os.ttyname(other))
        # Nobody but the program under test has the port open.
        os.close(other)

    def say(self, data: bytes) -> None:
        """Write to the line."""
        while data:
            data = data[os.write(self.line, data) :]

    def flash(self, files: list[str]) -> str:
        """Take the program; the one before speaks until it is overwritten."""
        if FAULT == "talks":
            self.say(OLD + OLD_REPORT)
        self.program = Path(files[-1]).read_bytes()
        return f"wrote {len(self.program)} bytes"

    def reset(self) -> str:
        """Begin anew."""
        if FAULT == "talks":
            self.say(OLD_REPORT)
        given = os.environ.get("BOARD_TEXT")
        text = Path(given).read_bytes() if given else console(self.program)
        half = text.index(b"\n", text.index(b"Starting running")) + 1 if b"Starting running" in text else 0
        match FAULT:
            case "silent":
                return "reset"
            case "stuck" | "unplugged":
                self.say(text[:half])
            case "garbled":
                # As at another speed: each byte another.
                self.say(bytes((b * 167 + 129) % 256 for b in text))
            case "noise":
                self.say(text[:half] + b"\xff\x00\xfe" + text[half:])
            case "slow":
                for at in range(len(text)):
                    self.say(text[at : at + 1])
            case "no-outputs":
                self.say(b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(b"Output[")))
            case "no-end":
                self.say(text.replace(b"Program complete, exiting.", b"Back to the shell"))
            case "goes-on":
                self.say(text + OLD + OLD_REPORT)
            case _:
                self.say(text)
        return "reset"


def serve(folder: Path) -> None:
    """Be the board until its line is unplugged or standard input ends."""
    board = Board(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "control"))
        server.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = server.accept()
            with connection, connection.makefile("rw") as stream:
                word, *files = stream.readline().rstrip("\n").split("\t")
                if word in ("unplug", "end"):
                    os.close(board.line)
                    (folder / "port").unlink()
                    stream.write("unplugged\n")
                    return
                stream.write((board.flash(files) if word == "flash" else board.reset()) + "\n")


def ask(folder: Path, words: list[str]) -> str:
    """Say a word to the board; its answer."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "control"))
        with client.makefile("rw") as stream:
            stream.write("\t".join(words) + "\n")
            stream.flush()
            return stream.readline().strip()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    if sys.argv[2:] == ["fail"]:
        sys.exit("connecting to the probe\nno probe found")
    if sys.argv[2:]:
        sys.stdout.write(f"{ask(Path(sys.argv[1]), sys.argv[2:])}\n")
    else:
        serve(Path(sys.argv[1]))
