"""A console that was captured elsewhere, read as a run: by the parser of the live path, and judged by what it shows."""

import os
import shutil
from pathlib import Path

from tui import __version__
from tui.errors import Exit, UsageError
from tui.model import catalogue, pte
from tui.pipeline import compiled_here, preflight, profile, program, read_outputs
from tui.pipeline.check import check_limits
from tui.pipeline.record import Ended, Record, Stopped
from tui.platform import captured, dialects
from tui.platform.captured import Told
from tui.platform.failure_table import Kind
from tui.platform.failures import find
from tui.platform.lines import messages
from tui.platform.uart import Parser
from tui.platform.verdict import End, Evidence, judge_log, remarks
from tui.run import events, store
from tui.run.events import COMPILE_STAGES, Event, Logged, PhaseChanged, Stage
from tui.run.figures import Origin, PlatformInfo, Source, Versions
from tui.run.options import STANDARD_INPUT, Log

SOURCES: dict[Origin, Source] = {"fvp": "measured", "board": "measured", "simulator": "estimated"}

UNTOLD = "the log does not tell whether its cycles are an FVP's or a board's: --from fvp or --from board says so"
NO_PROGRAM = "no operators, no memory map and no check against a reference: --model X.pte names the log's program"


def read(record: Record, log: Log) -> None:
    """Take a log for the whole run: keep its bytes, record what they say, and end with what they show.

    Raises:
        Stopped: the user wants the run to end.
        Ended: the log shows a failure, or not all of a run; or a limit is exceeded.
        UserError: the log or its program cannot be read.
    """
    console = _kept(record, log)
    record.emit(events.VersionsKnown(versions=Versions(fvp_tui=__version__)))
    platform = _platform(record, log, captured.told(captured.text(console)))
    record.emit(events.PlatformStarted(platform=platform, pid=os.getpid()))
    _take_program(record)
    seen = _Reading(record, platform.origin)
    for piece in captured.text(console):
        if record.stopping():
            raise Stopped
        seen.take(piece)
    seen.close()
    printed = b"".join(captured.text(console))
    profile.keep_etdump(record, record.directory / store.ARTIFACTS / "none", printed)
    end = seen.end()
    for text in remarks(seen.evidence, end):
        record.note(text)
    verdict = judge_log(seen.evidence, end)
    record.emit(verdict)
    _finish_stages(record, verdict)
    read_outputs.check(record, printed)
    match verdict.verdict:
        case "fail":
            raise Ended(verdict.reason, Exit.FAILED, verdict.hint)
        case "unknown":
            _judge_bundle(record)
            check_limits(record)
            raise Ended(verdict.reason, Exit.UNKNOWN, verdict.hint, status="unknown")
    _judge_bundle(record)
    check_limits(record)


def _judge_bundle(record: Record) -> None:
    """End the run where the outputs are not those that came with the program, as on the live path.

    Raises:
        Ended: they are not.
    """
    check = record.state.check
    if check is not None and check.reference == "bundle" and check.status == "mismatch":
        raise Ended(f"the outputs are not those bundled with the program: {check.links[-1].reason}")


def _kept(record: Record, log: Log) -> Path:
    """The run's own copy of the log, byte for byte.

    Raises:
        UsageError: there is nothing to read.
    """
    console = record.directory / store.CONSOLE
    if not console.exists():
        if log.path == STANDARD_INPUT:
            raise UsageError("what came in through a pipe cannot be read again", "read the run's console.log instead")
        try:
            shutil.copyfile(log.path, console)
        except OSError as error:
            raise UsageError(f"cannot read {log.path}: {error.strerror}") from error
    if not console.stat().st_size:
        raise UsageError(f"{log.path} is empty" if log.path != STANDARD_INPUT else "nothing came in")
    return console


def _platform(record: Record, log: Log, told: Told) -> PlatformInfo:
    """The platform that the log is of: what the user says, but what the simulator printed stays the simulator's."""
    origin: Origin | None = told.origin
    if log.origin is not None and told.origin != "simulator":
        origin = log.origin
    if told.origin is not None and log.origin not in (None, told.origin):
        record.note(f"--from says {log.origin}, and the log has a line of the {told.origin}: {told.by}")
    if origin is None:
        record.note(UNTOLD)
    why = f"the log says: {told.by}" if origin == told.origin and told.by else f"--from {log.origin}"
    return PlatformInfo(
        kind="log",
        name=told.name if told.name is not None and origin == "fvp" else "a console log",
        version=told.version if origin == "fvp" else None,
        why=why if origin is not None else "the log does not say",
        origin=origin,
    )


def _take_program(record: Record) -> None:
    """Take the program that the log is of, where the user names it.

    Raises:
        UserError: it is none.
    """
    if not catalogue.is_program(record.spec.model):
        record.note(NO_PROGRAM)
        if (target := record.spec.target).is_known and not target.is_complete:
            record.note(f"the log names the NPU {target.accelerator}: --target gives it a clock, and cycles a time")
        for stage in COMPILE_STAGES:
            record.emit(events.StageFinished(stage=stage, status="skipped", seconds=None))
        return
    path = Path(record.spec.model)
    if not compiled_here.take(record, path):
        program.take_program(record, path, ones=False)
    parsed: pte.Program | None = preflight.read_program(record)
    if parsed is not None:
        preflight.record_plan(record, parsed)
        preflight.count_commands(record, parsed)
        preflight.weigh_pools(record, parsed, {})


class _Reading:
    """The log as the parser reads it, and the evidence in it.

    Before the platform's first line a log may hold anything: the lines of a build, of a package manager. Of those only
    what the platform itself would say counts, and nothing once the platform has begun.
    """

    def __init__(self, record: Record, origin: Origin | None) -> None:
        self._record = record
        # All of it is there at once: it says nothing of the time between.
        source = SOURCES[origin] if origin is not None else None
        self._parser = Parser(source, lambda: 0.0, on_board=origin == "board")
        self._fast = record.spec.fast
        self.evidence = Evidence(fast=self._fast)
        self._begun = False
        self._exit_status: int | None = None

    def take(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._pass_on(self._parser.feed(piece))

    def close(self) -> None:
        """Take the end of the log."""
        self._pass_on(self._parser.close())

    def end(self) -> End:
        """The end of the run, as far as the log tells it."""
        return End(
            exit_status=self._exit_status,
            finished=self._parser.finished,
            phase=self._parser.phase,
        )

    def _pass_on(self, found: list[Event]) -> None:
        for event in found:
            if isinstance(event, Logged):
                self._weigh(event)
            elif isinstance(event, PhaseChanged) and event.phase != "boot":
                self._begin()
            self._record.emit(event)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            # A platform that begins has been started.
            self.evidence.forget(Kind.LOADER)

    def _weigh(self, line: Logged) -> None:
        if not self._begun:
            said = messages(line.text)
            if line.source == "platform" or any(one.letter or one.text.startswith("INFO - ") for one in said):
                self._begin()
            elif line.level == "error" and not any(find(one.text) for one in said):
                return
        if exited := dialects.EXITED.search(line.text):
            self._exit_status = int(exited[1])
        self.evidence.add(line)


def _finish_stages(record: Record, verdict: events.PlatformExited) -> None:
    """Record the stages that the log shows. How long they took it does not tell."""
    phase = record.state.phase or ""
    booted = bool(record.state.inferences) or phase not in ("", "boot")
    started = bool(record.state.inferences) or phase in ("infer", "report")
    ended: events.StageStatus = "ok" if record.state.inferences else "skipped"
    if verdict.verdict != "fail":
        _finish(record, "boot", "ok" if booted else "skipped", verdict)
        _finish(record, "infer", ended, verdict)
    else:
        _finish(record, "boot", "ok" if started else "failed", verdict)
        _finish(record, "infer", "failed" if started else "skipped", verdict)
    if started and not record.state.inferences and verdict.verdict == "unknown":
        record.note("the log ends in an inference")


def _finish(record: Record, stage: Stage, status: events.StageStatus, verdict: events.PlatformExited) -> None:
    reason = verdict.reason if status == "failed" else "the log does not show it" if status == "skipped" else None
    record.emit(events.StageFinished(stage=stage, status=status, seconds=None, reason=reason))
