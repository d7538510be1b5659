"""``--pmu-trace``: the cycle model's timeline as the file the FVP writes, growing while the simulation runs.

A gzip'd Chrome trace; numbers are strings, times are NPU cycles. Events with the thread ``qread`` say how far the NPU
has read: when the position is that of an operation, the one before it ended a cycle earlier; 0 begins a stream. Source
of the format: ExecuTorch's examples/arm/visualize.py. The times are estimates.
"""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui import processes
from tui.simulator import signals
from tui.simulator.cycle_model import ON_CHIP, Modelled, modelled
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu.stream import Command, Stream, commands
from tui.simulator.ethosu.timeline import Span, Timeline
from tui.simulator.parameters import ExtraArgs, ParameterError

GZIP = 31
"""zlib's window bits for a gzip container."""

WORD = 4
HEAD, TAIL = '{"traceEvents": [', "\n]}\n"


class TraceError(Exception):
    """The trace cannot be written; one line."""


class UnknownCyclesError(Exception):
    """There is nothing to write, since the cycle model has no figures; one line."""


class _File:
    """Trace events as a gzip'd JSON object that can be read as far as it was written."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise TraceError(f"cannot write {path}: {error.strerror}") from error
        self._path = path
        self._gzip = zlib.compressobj(wbits=GZIP)
        self._pending: list[str] = []
        self._before = "\n"
        self._ended = False
        self._write(HEAD, zlib.Z_SYNC_FLUSH)

    def add(self, event: dict[str, Any]) -> None:
        """Take an event, to be written with the next `flush`."""
        self._pending.append(json.dumps(event))

    def flush(self) -> None:
        """Write what was taken, so that a reader has it."""
        self._write("", zlib.Z_SYNC_FLUSH)

    def _write(self, tail: str, mode: int) -> None:
        # What was compressed is written, too, whatever ends the simulation.
        with processes.signals_held(signals.ENDING):
            if self._ended:
                return
            text = ""
            for event in self._pending:
                text += self._before + event
                self._before = ",\n"
            self._pending.clear()
            data = self._gzip.compress((text + tail).encode()) + self._gzip.flush(mode)
            self._ended = mode == zlib.Z_FINISH
            try:
                self._file.write(data)
                self._file.flush()
            except OSError as error:
                self._ended = True
                raise TraceError(f"cannot write {self._path}: {error.strerror}") from error

    def close(self) -> None:
        """Complete the object. What a signal kept from being written is written now."""
        try:
            self._write(TAIL, zlib.Z_FINISH)
        finally:
            self._file.close()


def _following(stream: Stream) -> dict[int, int]:
    """The byte offset of the next operation for that of each."""
    offsets = [command.offset for command in commands(stream)]
    return dict(zip(offsets, [*offsets[1:], WORD * len(stream.words)], strict=True))


def _event(kind: str, unit: str, begin: int, cycles: int) -> dict[str, Any]:
    return {"name": kind, "ph": "X", "ts": str(begin), "pid": unit, "tid": kind, "dur": str(cycles)}


def _events(span: Span) -> Iterator[dict[str, Any]]:
    """Parts at work in a span, each with its duration."""
    cost = span.cost
    if cost.command.name == "DMA_START":
        yield _event("dma_active_cycles", "DMA", span.begin, cost.total)
        return
    yield _event("npu_active_cycles", "NPU", span.begin, cost.total)
    yield _event("mac_active_cycles", "MAC", span.begin, cost.work.mac_cycles)
    for memory, cycles in cost.access.items():
        yield _event(
            "sram_axi_active_cycles" if memory == ON_CHIP else "ext_axi_active_cycles", "AXI", span.begin, cycles
        )


class Trace:
    """The trace of one simulation: all its delegates and inferences one after the other."""

    def __init__(self, path: Path) -> None:
        """Begin the file.

        Raises:
            TraceError: it cannot be written.
        """
        self._file = _File(path)
        self._known: dict[EthosU, tuple[Modelled, dict[int, int]]] = {}
        self._timeline: Timeline | None = None
        self._now = 0
        self._place = -1
        self._failed: str | None = None
        self.unknown: str | None = None
        """Reason the cycle model has no figures for the trace."""

    def observe(self, delegate: EthosU, command: Command) -> None:
        """Take an operation that a delegate has executed, and write it."""
        if self._failed is not None or self.unknown is not None:
            return
        try:
            if command.index == 0 or self._timeline is None:
                self._begin(delegate)
            self._add(delegate, command)
            self._file.flush()
        except TraceError as error:
            self._failed = str(error)
        except UnknownCyclesError as error:
            self.unknown = str(error)

    def close(self) -> str | None:
        """Complete the file; why it lacks something, or None."""
        try:
            self._file.close()
        except TraceError as error:
            self._failed = self._failed or str(error)
        return self._failed

    def _begin(self, delegate: EthosU) -> None:
        """A delegate starts, when the one before it is done."""
        if delegate not in self._known:
            outcome = modelled(delegate)
            if isinstance(outcome, str):
                raise UnknownCyclesError(outcome)
            self._known[delegate] = outcome, _following(delegate.stream)
        if self._timeline is not None:
            self._now = self._timeline.end
        self._timeline = Timeline(delegate.stream, self._known[delegate][0].costs, self._now)
        self._read(0)

    def _add(self, delegate: EthosU, command: Command) -> None:
        assert self._timeline is not None
        # At the start and after a branch, the position is not where the operation before was left.
        if command.offset != self._place:
            self._read(command.offset)
        span = self._timeline.play(command)
        if span is not None:
            for event in _events(span):
                if event["dur"] != "0":
                    self._file.add(event)
            if command.name != "DMA_START":
                self._now = span.end
        self._read(self._known[delegate][1][command.offset])

    def _read(self, place: int) -> None:
        """The NPU has read up to a byte offset."""
        self._place = place
        self._file.add(
            {
                "name": "qread",
                "ph": "i",
                "ts": str(self._now + 1),
                "pid": "NPU",
                "tid": "qread",
                "args": {"qread": str(place // WORD)},
            }
        )


def begin(extra: ExtraArgs) -> Trace | None:
    """The trace that ``ethosu.extra_args`` ask for; None where they do not, or ask for no cycle model.

    Raises:
        ParameterError: its file cannot be written.
    """
    if extra.pmu_trace is None or extra.fast:
        return None
    try:
        return Trace(Path(extra.pmu_trace))
    except TraceError as error:
        raise ParameterError(f"--pmu-trace: {error}") from error
