"""``python -m tests.benchmarks.board``: 10,000 cells of a campaign on the screen: seconds to the picture, memory."""

import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.app import campaigns
from tests.app.pseudo_terminal import Terminal


def main() -> None:
    """Print both, and how long keys take."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FVP_TUI_HOME", folder)
        directory = campaigns.ten_thousand()
        begun = time.perf_counter()
        tui = Terminal(["campaign", "--board", directory.name], Path(folder), rows=40, columns=120)
        tui.wait(lambda: "10,000 of 10,000" in tui.text, 60)
        print(f"10,000 cells: {time.perf_counter() - begun:.2f} s from the command to all of them")
        for key, name, sign in (("v", "one by one", "memory mode"), ("G", "to the end", "candidate1249")):
            begun = time.perf_counter()
            tui.child.send(key)
            tui.wait(lambda sign=sign: sign in tui.text)  # type: ignore[misc]
            print(f"{name:12} {time.perf_counter() - begun:.2f} s")
        status = Path(f"/proc/{tui.child.pid}/status").read_text()
        peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        print(f"memory       {int(peak) / 1024:.0f} MiB at most")
        tui.child.close(force=True)


if __name__ == "__main__":
    sys.exit(main())
