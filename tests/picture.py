"""The README's picture: runs a model, and photographs the Run screen. ``python -m tests.picture MODEL FILE``"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def main(model: str, file: str) -> None:
    """Run, leave out the folder of this checkout, photograph."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["FVP_TUI_HOME"] = home
        os.environ["XDG_CONFIG_HOME"] = home
        subprocess.run([sys.executable, "-m", "tui", "run", model, "--inferences", "360"], check=True)
        for part in Path(home, "runs").glob("*/*.json*"):
            part.write_bytes(part.read_bytes().replace(f"{REPOSITORY}/".encode(), b""))
        picture = ["export", "last", "--format", "svg", "--size", "120x44", "-o", file]
        subprocess.run([sys.executable, "-m", "tui", *picture], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
