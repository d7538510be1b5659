"""The ETDump of a runner with an event tracer: kept, and read by ExecuTorch's Inspector."""

import subprocess
from pathlib import Path

from tui.compile import lending
from tui.pipeline.record import Record
from tui.platform import etdump
from tui.platform.uart import CPU_CYCLES
from tui.run import events, store
from tui.toolchain import toolchains


def keep_etdump(record: Record, folder: Path, console: bytes | None = None) -> None:
    """Keep what the runner left of its tracer in the platform's folder or on the console, and read the ETDump.

    `console` is what was printed, where that is not what the run's log holds.
    """
    log = record.directory / store.CONSOLE
    if console is None:
        # A platform that never started has no console.
        console = log.read_bytes() if log.exists() else b""
    for name, content in etdump.files(folder, console):
        if content is None:
            record.note(f"{name} is ignored: it was printed incompletely")
            continue
        path = record.artifacts / name
        path.write_bytes(content)
        record.keep(path)
        if name == etdump.ETDUMP:
            _read(record, path)


def _read(record: Record, path: Path) -> None:
    # In a process of its own: only that needs ExecuTorch.
    toolchain = toolchains.of(record.spec.toolchain)
    if toolchain.lacks:
        record.note(f"{path.name} is kept, but not read: that takes ExecuTorch ({toolchains.WAYS})")
        return
    done = subprocess.run(
        [toolchain.python, "-m", "tui.compile.profile", str(path)],
        env=lending.environment(toolchain),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    event = events.decode(done.stdout) if done.returncode == 0 else None
    if event is not None:
        record.emit(event)
        record.note(CPU_CYCLES)
        return
    last_words = done.stderr.decode("utf-8", "replace").strip().splitlines()
    why = last_words[-1] if last_words else "it died"
    record.note(f"ExecuTorch's Inspector cannot read {path.name}: {why}")
