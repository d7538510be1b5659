"""``python -m tests.benchmarks.driver``: what driving a platform costs, a run's session and journal against a pipe.

The same command runs once with its console piped to a file, as run.sh's users do, and once as a run drives it: through
a pty, kept byte for byte, parsed, journalled, folded. Consoles: silent (an inference prints nothing), a million lines
at the pace of a platform that computes between them, and a million lines as fast as they can be written, where there
is nothing to hide behind.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.platform.listener import Idle
from tui.platform import session
from tui.run import journal, state
from tui.run.events import Event

LINES = 1_000_000
REPEATS = 3

PLATFORM = """
import sys, time
lines, seconds = int(sys.argv[1]), float(sys.argv[2])
begun = time.monotonic()
print("I [executorch:arm_executor_runner.cpp:1 main()] Starting running 1 inferences...", flush=True)
batches = 1000
for batch in range(batches):
    # As a platform does it: compute, then print; never asleep.
    while time.monotonic() - begun < seconds * (batch + 1) / batches:
        pass
    first = batch * lines // batches
    last = (batch + 1) * lines // batches
    sys.stdout.write("".join(f"Output[0][{n}]: (float) 0.{n:06d}\\n" for n in range(first, last)))
    sys.stdout.flush()
print("I [executorch:arm_executor_runner.cpp:1 main()] 1 inferences finished")
print("I [executorch:arm_executor_runner.cpp:1 main()] Program complete, exiting.")
"""

CONSOLES = (
    ("silent, 20 s", 0, 20.0),
    (f"{LINES:,} lines in 20 s", LINES, 20.0),
    (f"{LINES:,} lines at once", LINES, 0.0),
)


def piped(command: list[str], folder: Path) -> float:
    """Seconds of the command with its console in a file."""
    begun = time.perf_counter()
    with (folder / "console.txt").open("wb") as console:
        subprocess.run(command, stdout=console, stderr=subprocess.STDOUT, check=True)
    return time.perf_counter() - begun


def driven(command: list[str], folder: Path) -> float:
    """Seconds of the command as a run drives it."""
    folded = state.EMPTY
    written = journal.Journal(folder / journal.FILE)

    class Recorder(Idle):
        def event(self, event: Event) -> None:
            nonlocal folded
            event = journal.stamped(event)
            written.write(event)
            folded = state.fold(folded, event)  # type: ignore[arg-type]

    begun = time.perf_counter()
    request = session.Request(
        argv=command,
        cwd=folder,
        env=os.environ,
        console=folder / "console.log",
        source="measured",
        timeout_s=600,
    )
    verdict = session.run(request, Recorder())
    seconds = time.perf_counter() - begun
    written.close()
    assert verdict.verdict == "pass", verdict
    assert (folder / "console.log").stat().st_size == (folder / "console.txt").stat().st_size
    return seconds


def main() -> None:
    """Print a line for each console."""
    print(f"{'console':28} {'piped, s':>10} {'driven, s':>10}   driven / piped")
    for name, lines, seconds in CONSOLES:
        command = [sys.executable, "-c", PLATFORM, str(lines), str(seconds)]
        times = []
        for _ in range(REPEATS):
            with tempfile.TemporaryDirectory() as place:
                times.append((piped(command, Path(place)), driven(command, Path(place))))
        # The best of each: whatever else the machine did made it slower.
        plain, through = (min(column) for column in zip(*times, strict=True))
        print(f"{name:28} {plain:10.2f} {through:10.2f}   {through / plain:.3f}", flush=True)


if __name__ == "__main__":
    main()
