"""The compile worker: takes a spec through load, export, quantize, lower, vela and emit, and reports in events."""

import contextlib
import gc
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tui import files
from tui.compile.compilation import Compilation, StageFailed, versions
from tui.errors import Exit, UserError, one_line
from tui.run import events, store

NOTICEABLE_S = 0.1
GARBAGE_THRESHOLD = 100_000
"""Objects that Python allocates before it looks for garbage: a compilation makes millions, and most stay. With this
a compilation of the digits sample takes 12 % less CPU time than with Python's own threshold."""
ONES = "--ones"
"""Makes the samples ones: a runner without inputs gives these to a program."""


def prepare() -> None:
    """Set up a process that compiles, before it imports anything: few threads, and rare garbage collections.

    Cores are left to the machine's other work; some libraries read these variables on import, and only then.
    """
    gc.set_threshold(GARBAGE_THRESHOLD)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def main(directory: Path, out: BinaryIO, *, ones: bool = False, waited_s: float = 0.0) -> int:
    """Compile the spec of the run in `directory`, writing events to `out`; the exit status of the run so far.

    With `ones` the run's inputs are ones, whatever the spec says. `waited_s` counts as time of the first stage.
    """
    spec = store.load_spec(directory)
    if spec is None:
        sys.stderr.write(f"no spec in {directory}\n")
        return Exit.USAGE
    work = Compilation(directory, spec, out, ones=ones, waited_s=waited_s)
    work.emit(events.VersionsKnown(versions=versions()))
    try:
        _compile(work)
    except StageFailed as failed:
        return failed.status
    except OSError as error:
        # Raised by what is written between the stages.
        if not (full := files.no_room(error, directory)):
            raise
        sys.stderr.write(f"{full}\n")
        return Exit.FAILED
    return Exit.OK


@contextlib.contextmanager
def _importing() -> Iterator[None]:
    """Name the interpreter and the versions where the libraries cannot be imported: it is no fault of the model.

    Raises:
        UserError: they cannot, for whatever reason: an operator that a release of torch has dropped is an
            AttributeError.
    """
    try:
        yield
    except Exception as error:
        found = versions()
        what = f"torch {found.torch}, ExecuTorch {found.executorch} and Vela {found.vela} cannot be imported together"
        raise UserError(
            f"{what} by {sys.executable}, Python {found.python}: {type(error).__name__}: {one_line(error)}",
            "ExecuTorch 1.4.1 to 1.5 can be used: pip install 'fvp-tui[compile]', or --toolchain with another Python",
        ) from error


def _compile(work: Compilation) -> None:
    """Load and export the model; then take the rest from the cache, or compile it."""
    with work.stage("load"):
        # These imports take most of the stage: seconds, and ten and more from a cold disk.
        with _importing():
            from tui.compile import cache, frontend

        loaded = frontend.load(work.spec, ones=work.ones)
    with work.stage("export"):
        exported = frontend.export(work.spec, loaded, work.warn)
        home = cache.home_of(work.spec)
        key = cache.key(work.spec, exported) if work.spec.cache else None
        lowered_key = cache.lowered_key(work.spec, exported) if key is not None else None
    if key is not None and (cached := cache.restore(key, work.artifacts, home)) is not None:
        for event in cache.as_cached(cached):
            work.emit(event)
        return
    work.program = exported.program
    begun = time.monotonic()
    # Not needed so far. In a server, it is there already.
    try:
        with _importing():
            from tui.compile import backend
    except UserError as error:
        raise work.failed("load", error, time.monotonic() - begun) from error
    if (seconds := time.monotonic() - begun) > NOTICEABLE_S:
        work.extend("load", seconds)
    before = len(work.emitted)
    lowered = None if lowered_key is None else cache.restore_lowered(lowered_key, work.artifacts, home)
    if lowered is None:
        backend.run(work, exported)
    else:
        backend.run_again(work, list(cache.as_cached(lowered)))
    if key is not None:
        try:
            cache.keep(key, work.artifacts, work.emitted[before:], home, lowered_key)
        except OSError as error:
            work.note(f"not added to the compile cache: {error.strerror}")
