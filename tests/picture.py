"""The README's pictures: runs models, and photographs the screens that show them. ``python -m tests.picture FOLDER``

The runs are real, on the simulator; only the folder of this checkout is left out.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tui.run import store

REPOSITORY = Path(__file__).resolve().parent.parent
SIZE = (120, 40)
STILL_S, PATIENCE_S = 1.5, 120.0
"""A picture stands still when nothing has changed for so long; the longest wait for that."""
RUNS = (
    ("sample:digits", "--target", "ethos-u85-128", "--inferences", "360"),
    ("sample:digits", "--inferences", "360"),
    ("sample:split",),
    ("executorch:resnet8",),
    ("executorch:resnet8",),
)
"""The last one is photographed, once its advice was tried."""
SCREENS = {"setup": (), "sweep": ("w",)}
"""Pictures by name: keys from Setup on, with the last model under the cursor."""


def tui(*arguments: str) -> None:
    """Call the program."""
    subprocess.run([sys.executable, "-m", "tui", *arguments], check=True, cwd=REPOSITORY)


def main(folder: str) -> None:
    """Run, leave out the folder of this checkout, photograph."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"FVP_TUI_HOME": home, "XDG_CONFIG_HOME": home}
        for arguments in RUNS:
            tui("run", *arguments)
        shown = store.ids()[0]
        tui("advise", shown, "--try")
        for part in Path(home, "runs").glob("*/*.json*"):
            part.write_bytes(part.read_bytes().replace(f"{REPOSITORY}/".encode(), b""))
        size = "x".join(map(str, SIZE))
        tui("export", shown, "--format", "svg", "--size", size, "-o", f"{folder}/run.svg")
        for name, keys in SCREENS.items():
            picture = asyncio.run(photograph(RUNS[-1][0], keys))
            Path(folder, f"{name}.svg").write_text(picture, encoding="utf-8")


async def photograph(model: str, keys: Sequence[str]) -> str:
    """Open Setup on a model, press keys, and wait until nothing changes."""
    from tui.app import remembered
    from tui.app.screens.root import FvpApp
    from tui.app.start import set_defaults
    from tui.reports.export import offline

    set_defaults()
    remembered.keep(welcomed=True, guided=True)
    app = FvpApp(model)
    async with app.run_test(size=SIZE) as pilot:
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            limit, still, last = time.monotonic() + PATIENCE_S, time.monotonic(), ""
            while time.monotonic() - still < STILL_S and time.monotonic() < limit:
                await pilot.pause(0.05)
                shown = app.export_screenshot()
                if shown != last:
                    last, still = shown, time.monotonic()
        return offline(app.export_screenshot(title="fvp-tui"))


if __name__ == "__main__":
    main(*sys.argv[1:])
