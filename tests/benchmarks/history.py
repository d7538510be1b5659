"""``python -m tests.benchmarks.history [RUN]``: what listing ten thousand runs costs.

The runs are copies of one that is finished: the directory RUN, or the sample's, which is then run first. Printed are
wall time and processor time of folding all journals, of reading all states, which is how it was done without an index,
and of ``fvp-tui history`` while the index is missing, damaged, made by two at once, and there; and what the History
screen takes in a real pseudo-terminal of 80x24. Whatever became of the index, all runs must be listed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.screen import COMMAND, Screen
from tests.conftest import TUI, environment
from tui.app import remembered
from tui.run import index, journal, store

RUNS = 10_000
COPIED = (store.SPEC, journal.FILE, store.SNAPSHOT, store.PROCESS_LOG)
REPEATS = 5
READ_ALL = "from tui.run import store; print(sum(1 for run in store.history()))"
FOLD_ALL = """
from tui.run import folding, journal, store
for name in store.ids():
    folding.fold_journal(store.folder() / name / journal.FILE)
"""


def finished(home: Path) -> Path:
    """The sample, run now."""
    done = subprocess.run([*TUI, "run", "sample:digits", "--json"], env=environment(home), stdout=-1, check=True)
    return home / "runs" / json.loads(done.stdout)["run"]["id"]


def copy(run: Path, home: Path) -> None:
    """Make the runs, each with its own id in its files."""
    contents = {name: (run / name).read_bytes() for name in COPIED}
    for number in range(RUNS):
        minutes, seconds = divmod(number % 1000, 60)
        name = f"202611{1 + number // 1000:02}-00{minutes:02}{seconds:02}{run.name[15:-4]}{number:04x}"
        directory = home / "runs" / name
        (directory / store.ARTIFACTS).mkdir(parents=True)
        for file, content in contents.items():
            (directory / file).write_bytes(content.replace(run.name.encode(), name.encode()))
    time.sleep(index.UNSETTLED_NS / 1e9)


def timed(command: Sequence[str], home: Path) -> tuple[float, float]:
    """Seconds of a command by the clock and on the processor."""
    begun = time.perf_counter()
    with subprocess.Popen(command, env=environment(home), stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime


def best(words: str, command: Sequence[str], home: Path, before: bytes | None = None, repeats: int = REPEATS) -> None:
    """Print the least of several times; `before` is what the index holds each time, empty for none."""
    wall, processor = [], []
    for _ in range(repeats):
        if before is not None:
            (home / index.FILE).unlink(missing_ok=True)
        if before:
            (home / index.FILE).write_bytes(before)
        seconds, used = timed(command, home)
        wall.append(seconds)
        processor.append(used)
    print(f"{words:45} {min(wall):7.2f} s {min(processor):7.2f} s on the processor", flush=True)


def listed(history: Sequence[str], home: Path) -> bytes:
    """Everything that ``fvp-tui history`` prints: the headings and all runs."""
    lines = subprocess.run(history, env=environment(home), stdout=-1, check=True).stdout
    assert lines.count(b"\n") == RUNS + 1
    return lines


def two_at_once(history: Sequence[str], home: Path) -> None:
    """Print what two take that make the index at once, and that they and who comes after them list the same."""
    (home / index.FILE).unlink(missing_ok=True)
    begun = time.perf_counter()
    both = [subprocess.Popen(history, env=environment(home), stdout=-1) for _ in range(2)]
    printed = [process.communicate()[0] for process in both]
    print(f"{'fvp-tui history twice at once, no index':45} {time.perf_counter() - begun:7.2f} s", flush=True)
    assert printed == [listed(history, home)] * 2


def commands(home: Path) -> None:
    """Print a line for each command."""
    history = [*TUI, "history"]
    best("all journals folded", [sys.executable, "-c", FOLD_ALL], home, repeats=1)
    best("all states read, as without an index", [sys.executable, "-c", READ_ALL], home)
    best("fvp-tui history, no index", history, home, before=b"", repeats=3)
    whole = listed(history, home)
    best("fvp-tui history, a damaged index", history, home, before=b"damaged" * 1000, repeats=3)
    assert listed(history, home) == whole
    two_at_once(history, home)
    assert listed(history, home) == whole
    best("fvp-tui history", history, home)
    best("fvp-tui history -n 10", [*history, "-n", "10"], home)
    best("fvp-tui --version, for comparison", [*TUI, "--version"], home)


def screen(home: Path) -> None:
    """Print a line for each thing that the History screen does."""
    amount = f"{RUNS:,} runs"
    for words, kept in (("no index", False), ("with the index", True)):
        if not kept:
            (home / index.FILE).unlink(missing_ok=True)
        tui = Screen(str(COMMAND), [], home)
        tui.until(lambda text: "fvp-tui run sample:digits" in text)
        tui.quiet(1.0)
        first = tui.timed("h", lambda text: "MATCH" in text)
        print(f"History, the first rows, {words:20} {first:7.2f} s")
        whole = first + tui.until(lambda text: amount in text and "reading" not in text)
        print(f"  all of them {'':31} {whole:7.2f} s", flush=True)
        if kept:
            tui.quiet(1.0)
            again = tui.timed("\x1b[C", lambda text: "▼ model" in text)
            print(f"  sorted by another column {'':18} {again:7.2f} s")
            tui.quiet(1.0)
            tui.timed("/", lambda text: "filter by run" in text)
            found = tui.timed("256-0001 ok", lambda text: f"1 of {RUNS:,} runs" in text)
            print(f"  filtered to one of them by 11 keys {'':8} {found:7.2f} s")
        tui.close()


def main(run: Path | None) -> None:
    """Print all."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        os.environ["FVP_TUI_HOME"] = str(home)
        remembered.keep(welcomed=True)
        copy(run or finished(Path(place) / "sample"), home)
        print(f"{RUNS:,} runs, the least of several times", flush=True)
        commands(home)
        screen(home)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
