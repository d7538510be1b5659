"""Serial ports that are plugged in, by the names that systems give the consoles of boards."""

import importlib.util
from pathlib import Path

PATTERNS = ("ttyACM*", "ttyUSB*", "cu.usb*")
"""Names in /dev: Linux's for boards with a USB of their own and for converters, and those of macOS."""


def plugged(devices: Path = Path("/dev")) -> list[str]:
    """The ports that are plugged in, in the order of their names; none without pyserial, which a run needs."""
    if importlib.util.find_spec("serial") is None:
        return []
    return [str(path) for pattern in PATTERNS for path in sorted(devices.glob(pattern))]
