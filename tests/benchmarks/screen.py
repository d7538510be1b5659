"""``python -m tests.benchmarks.screen``: what the full screen costs, in a real pseudo-terminal of 80x24.

The installed command is attached to runs whose journals this program writes. Printed are the bytes that leave for the
terminal and the time from a key to the first bytes that answer it, idle and while a run streams 1,000 lines a second;
the bytes of a whole picture of 120x40; the time to the first whole picture beside that of a bare Textual app with the
same interpreter; and what a log of a million lines takes.
"""

import os
import re
import select
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import psutil
import pyte

from tests.app import fakes
from tui.run import events, journal

COMMAND = Path(sys.executable).with_name("fvp-tui")
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("first full picture")
Bare().run(mouse=False)
"""
LINES_PER_S = 1_000
SECONDS = 10.0
KEYS = 15
STARTS = 5
LONG = 1_000_000

UNKNOWN = re.compile(rb"\x1b\[[<>=?][0-9;]*[up$]+p?|\x1b\]22;[a-z]+\x07")
"""What the emulator does not know: the kitty keyboard protocol, queries of modes."""


class Screen:
    """A program on a pty, its output counted and drawn."""

    def __init__(self, command: str, arguments: list[str], home: Path, size: tuple[int, int] = (80, 24)) -> None:
        # As it is installed: with its modules compiled, as Textual's are.
        dropped = ("TEXTUAL_", "FVP_TUI_", "SSH_", "NO_COLOR", "PYTHONDONTWRITEBYTECODE")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        env = {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "FVP_TUI_HOME": str(home)}
        self.begun = time.perf_counter()
        self.child = pexpect.spawn(command, arguments, dimensions=size[::-1], env=env)
        self.child.delaybeforesend = None  # pexpect would wait 50 ms before every key
        self.screen = pyte.Screen(*size)
        self.stream = pyte.ByteStream(self.screen)
        self.bytes = 0

    @property
    def text(self) -> str:
        """What stands on it."""
        columns, lines = range(self.screen.columns), range(self.screen.lines)
        return "\n".join("".join(self.screen.buffer[y][x].data for x in columns) for y in lines)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def read(self, seconds: float) -> int:
        """Take what comes first within a time; how many bytes that were."""
        if not select.select([self.child.child_fd], [], [], seconds)[0]:
            return 0
        data = os.read(self.child.child_fd, 1 << 16)
        self.bytes += len(data)
        self.stream.feed(UNKNOWN.sub(b"", data))
        return len(data)

    def until(self, there: Callable[[str], object], seconds: float = 120) -> float:
        """Read until something is on the screen; the seconds that took."""
        begun = time.perf_counter()
        while not there(self.text):
            self.read(0.5)
            assert time.perf_counter() - begun < seconds, self.text
        return time.perf_counter() - begun

    def quiet(self, seconds: float) -> int:
        """Read for a time; how many bytes came."""
        end, before = time.perf_counter() + seconds, self.bytes
        while (left := end - time.perf_counter()) > 0:
            self.read(left)
        return self.bytes - before

    def timed(self, key: str, there: Callable[[str], object]) -> float:
        """Press a key; the seconds until something is on the screen."""
        self.child.send(key)
        return self.until(there)

    def answered(self, key: str, answer: bytes) -> float:
        """Press a key; the seconds until these bytes are there. Nothing is drawn meanwhile: that takes its time."""
        self.quiet(0.0)
        data = b""
        begun = time.perf_counter()
        self.child.send(key)
        while answer not in data:
            data += os.read(self.child.child_fd, 1 << 16)
        seconds = time.perf_counter() - begun
        self.bytes += len(data)
        self.stream.feed(UNKNOWN.sub(b"", data))
        return seconds

    def rss_mib(self) -> float:
        """Memory of the program."""
        return float(psutil.Process(self.child.pid).memory_info().rss) / 2**20

    def close(self) -> None:
        """End it."""
        self.child.close(force=True)


class Streaming(threading.Thread):
    """Appends lines to a journal at an even pace."""

    def __init__(self, directory: Path) -> None:
        super().__init__(daemon=True)
        self._path = directory / journal.FILE
        self.ended = threading.Event()

    def run(self) -> None:
        """Until it is ended."""
        begun, written = time.perf_counter(), 0
        with self._path.open("ab", buffering=0) as file:
            while not self.ended.wait(0.02):
                due = int((time.perf_counter() - begun) * LINES_PER_S)
                texts = [
                    f"Output[0][{n}]: (float) {n * 0.000137:.6f}  after layer {n % 97}" for n in range(written, due)
                ]
                file.write(b"".join(events.encode(event) + b"\n" for event in fakes.log(texts, t=time.time())))
                written = due


def under_way(name: str) -> Path:
    """A run in the middle of its inference."""
    request = fakes.spec_of()
    return fakes.make(name, request, [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted()])


def long_log(name: str) -> Path:
    """A run of a million lines, 200 MB."""
    request = fakes.spec_of()
    directory = fakes.make(name, request, [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted()])
    with (directory / journal.FILE).open("ab") as file:
        for first in range(0, LONG, 10_000):
            lines = []
            for n in range(first, first + 10_000):
                level = (
                    "error" if n % 99_991 == 5 else "warning" if n % 1_009 == 0 else "debug" if n % 17 == 0 else "info"
                )
                text = f"Output[0][{n}]: (float) {n * 0.000137:.6f}  " + "lorem ipsum dolor sit amet " * 3
                lines += fakes.log([text], level, "uart" if n % 5 else "platform", fakes.T0 + n * 1e-4)  # type: ignore[arg-type]
            file.write(b"".join(events.encode(event) + b"\n" for event in lines))
    fakes.append(directory, [*fakes.inferred(), *fakes.checked(), *fakes.finished()])
    return directory


def streaming(home: Path) -> None:
    """Bytes and latency."""
    for panel, words in (("5", "the log"), ("1", "execution time")):
        directory = under_way(f"20261123-00000{panel}-stream-u85-256-0001")
        tui = Screen(str(COMMAND), ["attach", directory.name], home)
        tui.until(lambda text: "1 Time" in text)
        tui.child.send(panel)
        tui.quiet(2.0)
        writer = Streaming(directory)
        writer.start()
        tui.quiet(2.0)
        sent = tui.quiet(SECONDS)
        print(f"{LINES_PER_S:,} lines a second, {words:15} {sent / SECONDS / 1024:8.1f} KiB/s")
        if panel == "5":
            latency(tui)
        writer.ended.set()
        writer.join()
        tui.close()
    over = fakes.whole("20261123-000009-idle-u85-256-0001")
    tui = Screen(str(COMMAND), ["attach", over.name], home)
    tui.until(lambda text: "✓ OK" in text)
    tui.quiet(2.0)
    print(f"idle, a finished run {'':21} {tui.quiet(5.0):6} bytes in 5 s")
    tui.close()


def latency(tui: Screen) -> None:
    """From a key to the bytes that answer it, by what the title says then."""
    found: dict[str, list[float]] = {}
    for _ in range(KEYS):
        for key, answer, words in (
            ("k", b"(f)", "k, to leave the end"),
            ("f", b"lines  following", "f, to follow"),
            ("/", b"search: text", "/, to search"),
        ):
            found.setdefault(words, []).append(tui.answered(key, answer) * 1e3)
            tui.quiet(0.07)
        tui.child.send("\x1b")
        tui.quiet(0.3)
    every = [t for times in found.values() for t in times]
    print(f"key to picture under that load {statistics.median(every):12.0f} ms median, {max(every):.0f} ms at most")
    for words, times in found.items():
        print(f"  {words:38} {statistics.median(times):8.0f} ms")


def starting(home: Path) -> None:
    """The first whole picture."""
    bare, ours = [], []
    for _ in range(STARTS):
        tui = Screen(sys.executable, ["-c", BARE], home)
        tui.until(lambda text: "first full picture" in text)
        bare.append(time.perf_counter() - tui.begun)
        tui.close()
        tui = Screen(str(COMMAND), [], home)
        tui.until(lambda text: "fvp-tui run sample:digits" in text)
        ours.append(time.perf_counter() - tui.begun)
        tui.close()
    a, b = statistics.median(ours), statistics.median(bare)
    print(f"first whole picture {'':20} {a:8.2f} s; a bare Textual app {b:.2f} s; ratio {a / b:.2f}")


def frames(home: Path) -> None:
    """One whole picture of 120x40: what another size of the terminal costs."""
    over = fakes.whole("20261123-000008-frame-u85-256-0001")
    shown: tuple[tuple[str, list[str], str, str], ...] = (
        ("Run", ["attach", over.name], "", "4,321"),
        ("Memory alone", ["attach", over.name], "4z", "4.0 KiB"),
        ("Setup", [], "", "fvp-tui run sample:digits"),
        ("History", [], "h", "digits"),
    )
    for words, arguments, keys, there in shown:
        tui = Screen(str(COMMAND), arguments, home, (121, 40))
        tui.until(lambda text, there=there: there in text)  # type: ignore[misc]
        tui.child.send(keys)
        tui.quiet(2.0)
        tui.resize(120, 40)
        print(f"a whole picture of 120x40, {words:15} {tui.quiet(2.0) / 1024:7.1f} KiB")
        tui.close()


def million(home: Path) -> None:
    """A long log."""
    directory = long_log("20261123-000010-long-u85-256-0001")
    size = (directory / journal.FILE).stat().st_size
    print(f"a log of {LONG:,} lines, {size / 1e6:.0f} MB")
    tui = Screen(str(COMMAND), ["attach", directory.name], home)
    tui.until(lambda text: "1 Time" in text)
    tui.child.send("5")
    tui.until(lambda text: f"Output[0][{LONG - 1}]" in text)
    print(f"  its end on the screen {'':17} {time.perf_counter() - tui.begun:8.2f} s after the start of the program")
    tui.until(lambda text: "reading" not in text and " lines" in text and "✓ OK" in text)
    print(f"  all of it indexed {'':21} {time.perf_counter() - tui.begun:8.2f} s after the start of the program")
    steps = (
        ("to its first line", "g", lambda text: "Output[0][1]:" in text),
        ("to its last line", "G", lambda text: f"Output[0][{LONG - 1}]" in text),
        ("to the first of a few matches", "g/[500000]\r", lambda text: "I>platform Output[0][500000]" in text),
        ("all matches of a text known", "g/amet\r", lambda text: f"{LONG:,} in total" in text),
        ("a text that is nowhere", "/nowhere\r", lambda text: "no match" in text),
        ("by an expression", "\\[9{5}\\d\\]\r", lambda text: "10 in total" in text or "9 in total" in text),
        ("the next error", "gE", lambda text: "E>" in text),
        ("only errors", "ll", lambda text: "errors only" in text),
        ("all levels", "l", lambda text: "errors only" not in text),
        ("filtered by an expression", "9{5}\\d\\]\r", lambda text: "with 9{5}" in text and "filtering" not in text),
    )
    for words, keys, there in steps:
        if "expression" in words:
            # What is typed at once is text: the field has to be there to be told what it takes.
            tui.timed("&" if "filter" in words else "/", lambda text: "(ctrl+r)" in text)
            if "regular expression (ctrl+r)" not in tui.text:
                tui.timed("\x12", lambda text: "regular expression (ctrl+r)" in text)
        print(f"  {words:38} {tui.timed(keys, there):8.2f} s", flush=True)
        tui.quiet(1.0)
    print(f"  memory of the program {'':17} {tui.rss_mib():8.0f} MiB")
    tui.close()


def main() -> None:
    """Print all."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["FVP_TUI_HOME"] = place
        starting(Path(place))
        frames(Path(place))
        streaming(Path(place))
        million(Path(place))


if __name__ == "__main__":
    main()
