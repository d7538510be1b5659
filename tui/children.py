"""What every process that we start of this very package has in its environment."""

import os
from pathlib import Path


def environment() -> dict[str, str]:
    """Ours, with this package first: the child finds it, too, wherever it is started and we run from a checkout."""
    package = str(Path(__file__).parent.parent)
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{path}" if path else package}
