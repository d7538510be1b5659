"""Read an ETDump with ExecuTorch's Inspector: ``python -m tui.compile.profile ETDUMP`` prints one event.

It is a process of its own, since the Inspector needs PyTorch. Times are cycles of the CPU, which the runner counts.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tui.run import events
from tui.run.figures import Profiled

if TYPE_CHECKING:
    from executorch.devtools.inspector import EventBlock


def read(etdump: Path) -> tuple[Profiled, ...]:
    """The events of an ETDump, by their start."""
    from executorch.devtools import Inspector
    from executorch.devtools.inspector import TimeScale

    inspector = Inspector(
        etdump_path=str(etdump), source_time_scale=TimeScale.CYCLES, target_time_scale=TimeScale.CYCLES
    )
    return tuple(profiled for block in inspector.event_blocks for profiled in _block(block))


def _block(block: "EventBlock") -> Iterator[Profiled]:
    started = [event for event in block.events if event.perf_data is not None]
    for event in sorted(started, key=lambda event: (event.start_time or [0])[0]):
        yield Profiled(
            name=event.name,
            block=block.name,
            calls=len(event.perf_data.raw),
            cycles=round(event.perf_data.p50),
            backend=event.delegate_backend_name,
        )


def main(arguments: list[str]) -> int:
    """Print the event on standard output; what the libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    out.write(events.encode(events.ProfileKnown(profile=read(Path(arguments[0])))) + b"\n")
    out.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
