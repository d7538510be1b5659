"""Ahead-of-time compilation in a worker: its start, and its events and output on the record."""

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from tui.compile import client
from tui.errors import Exit
from tui.pipeline.record import Ended, Record
from tui.run import events
from tui.run.events import Level, Stage
from tui.run.state import stage
from tui.toolchain import toolchains

COMPILE_LOG = "compile.log"
STOP_GRACE_S = 5.0
POLL_S = 0.2

NOISE = (
    "_C_mxfp8",  # torchao looks for kernels of accelerators that are not here
    "_pytree.py",
    "copyreg.py",
    "return cls.__new__(cls, *args)",
    "isinstance(treespec, LeafSpec)",
    "Changing const_mem_area from",
    "FutureWarning",
    "DeprecationWarning",
    "UserWarning",
    "warnings.warn(",
    "quantization_annotation",
    "Different TOSA spec in flatbuffer",
)
"""Marks of harmless lines that the compile libraries print at every start: logged as debug, which views leave out."""


ENDED_BY: Mapping[int, str] = {
    signal.SIGKILL: "out of memory?",
    signal.SIGXCPU: "its time was used up: the file may be damaged",
    signal.SIGSEGV: "a fault of the compiler's: the file may be damaged",
    signal.SIGABRT: "a fault of the compiler's: the file may be damaged, or memory short",
}
"""Likely causes, by the signal that ended a worker."""


def compile_model(record: Record, *, ones: bool, meanwhile: Callable[[], None]) -> None:
    """Run the compile worker, taking its events and its noise as they come; `meanwhile` is called once it works.

    Raises:
        Stopped: the user wants the run to end.
        Ended: the model cannot be compiled.
    """
    toolchain = toolchains.of(record.spec.toolchain)
    worker = client.start(
        record.directory,
        record.artifacts,
        ones=ones,
        toolchain=toolchain,
        vela=record.spec.vela,
        on_waiting=lambda: _server_loads(record),
        while_waiting=record.go_on,
        say=lambda text: record.emit(events.Logged(source="run", text=text, level="warning")),
        note=record.note,
    )
    follow(record, worker, last="emit", meanwhile=meanwhile)


def follow(record: Record, worker: client.Worker, *, last: Stage, meanwhile: Callable[[], None] = lambda: None) -> None:
    """See a compile worker to its end, which comes with the stage `last`; `meanwhile` is called once it works.

    Raises:
        Stopped: the user wants the run to end.
        Ended: the model cannot be compiled.
    """
    log = record.artifacts / COMPILE_LOG
    try:
        meanwhile()
        with log.open("wb") as log_file:
            _follow(record, worker, log_file)
        status = _status(record, worker)
    finally:
        _end(worker)
    record.keep(log)
    _judge(record, status, last)


def _server_loads(record: Record) -> None:
    """Announce that the compile server loads PyTorch and ExecuTorch, as part of the first stage."""
    record.emit(events.StageStarted(stage="load"))
    text = "starting the compile server, which loads PyTorch and ExecuTorch once for many runs"
    record.emit(events.Logged(source="run", text=text, level="info"))


def _follow(record: Record, worker: client.Worker, log: Any) -> None:
    assert worker.stdout is not None and worker.stderr is not None
    partial = {worker.stdout: b"", worker.stderr: b""}
    with selectors.DefaultSelector() as selector:
        for stream in partial:
            selector.register(stream, selectors.EVENT_READ, stream)
        while partial:
            record.go_on()
            ready = selector.select(timeout=POLL_S)
            if not ready and worker.poll() is not None:
                # All is read, and who still holds the pipe is no worker.
                break
            for key, _ in ready:
                stream = key.data
                data = os.read(key.fd, 1 << 16)
                *lines, partial[stream] = (partial[stream] + data).split(b"\n")
                if stream is worker.stderr:
                    log.write(data)
                for line in lines if data else [partial[stream]]:
                    _take_line(record, line, is_event=stream is worker.stdout)
                if not data:
                    selector.unregister(stream)
                    del partial[stream]


def _status(record: Record, worker: client.Worker) -> int:
    """The exit status of a worker that has closed its pipes."""
    while True:
        record.go_on()
        with suppress(subprocess.TimeoutExpired):
            return worker.wait(POLL_S)


def _take_line(record: Record, line: bytes, *, is_event: bool) -> None:
    if is_event:
        if (event := events.decode(line)) is not None:
            record.emit(event)
    elif line.strip():
        text = line.decode("utf-8", "replace").rstrip("\r")
        record.emit(events.Logged(source="compile", text=text, level=_level(text)))


def _level(line: str) -> Level:
    if any(mark in line for mark in NOISE):
        return "debug"
    if line.startswith(("Traceback", "Error", "ERROR", "E ")) or "Error:" in line:
        return "error"
    return "warning" if "arning" in line or line.startswith(("W1", "W0", "WARNING")) else "info"


def _end(worker: client.Worker) -> None:
    """Make sure that the worker, and whatever it started, is gone."""
    with suppress(ProcessLookupError):
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGTERM)
            try:
                worker.wait(STOP_GRACE_S)
            except subprocess.TimeoutExpired:
                os.killpg(worker.pid, signal.SIGKILL)
    for stream in (worker.stdout, worker.stderr):
        if stream is not None:
            stream.close()


def _judge(record: Record, status: int, last: Stage) -> None:
    """Raise Ended unless the worker ended well, with the stage `last`."""
    if status == 0 and stage(record.state, last).status == "ok":
        return
    failed = next((s for s in record.state.stages if s.status == "failed"), None)
    if failed is not None:
        raise Ended(f"{failed.name}: {failed.reason}", status if status > 0 else Exit.FAILED)
    running = [s.name for s in record.state.stages if s.status == "running"]
    where = f" in {running[-1]}" if running else ""
    for name in running:
        record.emit(events.StageFinished(stage=name, status="failed", seconds=0.0, reason="the worker died"))
    if status < 0:
        hint = ENDED_BY.get(-status, "")
        raise Ended(f"the compile worker was ended by {signal.Signals(-status).name}{where}", hint=hint)
    if status == 0:
        hint = "the model's code may have ended it: os._exit"
        raise Ended(f"the compile worker ended{where} without a result", hint=hint)
    raise Ended(f"the compile worker failed{where}", hint=f"see {record.artifacts / COMPILE_LOG}")
