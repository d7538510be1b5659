"""The run process, ``python -m tui.pipeline.process RUN_DIRECTORY``: takes a spec through its stages.

It belongs to no terminal. Whoever watches follows the journal; whoever wants it to stop says so on the control socket.
The modules of the stages after compiling take a good part of a second to import: they are loaded while the compiler
works.
"""

import contextlib
import os
import shutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tui import files, processes
from tui.errors import Exit, UserError
from tui.model import catalogue
from tui.pipeline import aot
from tui.pipeline.record import Ended, Record, Stopped
from tui.platform import parameters, selection
from tui.run import control, events, journal, store
from tui.run.figures import Versions
from tui.run.spec import Spec
from tui.toolchain import toolchains, vela

if TYPE_CHECKING:
    from tui.pipeline.requests import Requests

WORK = "work"
"""Name of the folder, in the run's directory, that a platform reads and writes."""

POLL_S = 0.1

INTERNAL = "internal error: "
"""Prefix of the reason of a run that met a fault of fvp-tui."""


class RunProcess:
    """The run process: the stages of its run, and the commands it takes meanwhile."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.spec = record.spec
        self._requests: Requests | None = None
        """Inferences asked of the platform, once there is a program for it."""

    def handle(self, message: dict[str, Any]) -> dict[str, Any] | str | None:
        """Handle a command from the control socket: None or an answer when taken, else a string that says why not."""
        if message.get("command") == "stop":
            return None if self.end() else "it has just ended"
        if message.get("command") == "infer":
            return self._infer_again(message.get("inputs"))
        return f"unknown command {message.get('command')!r}"

    def end(self) -> bool:
        """Stop the run; a platform that waits for further inferences has done its work, and is only let go.

        False where it is too late for that.
        """
        waits = self._requests is not None and self._requests.close()
        return waits or self.record.ask_to_stop()

    def _infer_again(self, inputs: object) -> dict[str, Any] | str:
        if not self.spec.serve:
            return "its platform takes no further inferences: start it with --serve"
        if self._requests is None:
            return "its platform takes no further inferences"
        answer = self._requests.add([str(file) for file in inputs] if isinstance(inputs, list) else [])
        return answer if isinstance(answer, str) else {"inference": answer}

    def run(self) -> None:
        """Go through the run, from its first event to its last.

        Raises:
            OSError: the last event cannot be written.
        """
        record = self.record
        with contextlib.ExitStack() as at_end:
            at_end.callback(record.close)
            at_end.callback(self._clear)
            end = self._end(at_end)
            record.emit(end)

    def _begin(self) -> None:
        """Write the first event."""
        me = psutil.Process()
        self.record.emit(
            events.RunStarted(
                id=self.record.directory.name,
                spec=self.spec,
                pid=me.pid,
                pid_created=me.create_time(),
                host=socket.gethostname(),
                clock_hz=vela.clock_hz(self.spec.target.system_config, toolchains.of(self.spec.toolchain).ethosu),
            )
        )

    def _listen(self, at_end: contextlib.ExitStack) -> None:
        """Take commands from now on, and a request to stop that came before."""
        at_end.callback(control.Server(self.record.directory, self.handle).close)
        if (self.record.directory / store.STOP).exists():
            self.end()

    def _clear(self) -> None:
        """Remove what was needed only while the run went on; keep its state for lists."""
        directory = self.record.directory
        shutil.rmtree(directory / WORK, ignore_errors=True)
        with contextlib.suppress(OSError):
            (directory / store.STOP).unlink(missing_ok=True)
            store.keep_snapshot(directory)

    def _end(self, at_end: contextlib.ExitStack) -> events.RunFinished:
        """Go through the stages, and return the last event."""
        end = self._outcome(at_end)
        # Whatever failed after the user's word to stop failed of that, but for a fault of ours.
        if not self.record.decide() and not (end.reason or "").startswith(INTERNAL):
            end = events.RunFinished(status="stopped", reason="stopped by the user", exit_status=Exit.INTERRUPTED)
        self.record.release()
        # The last event matters more than those of the stages, should there be room for one alone.
        with contextlib.suppress(OSError):
            self.record.break_off("stopped" if end.status == "stopped" else "failed")
        return end

    def _outcome(self, at_end: contextlib.ExitStack) -> events.RunFinished:
        try:
            # In this order: a run that has begun and takes no commands is over, wherever its process is.
            self._listen(at_end)
            self._begin()
            self._stages()
        except Stopped:
            return events.RunFinished(status="stopped", reason="stopped by the user", exit_status=Exit.INTERRUPTED)
        except Ended as end:
            return events.RunFinished(status=end.status, reason=end.reason, hint=end.hint, exit_status=end.exit_status)
        except UserError as error:
            return events.RunFinished(status="failed", reason=error.what, hint=error.hint, exit_status=int(error.exit))
        except Exception as error:  # noqa: BLE001 - the last line of defence: a fault of ours must still end the run
            return self._fault(error)
        return events.RunFinished(status="ok", reason=None, exit_status=Exit.OK)

    def _fault(self, error: Exception) -> events.RunFinished:
        """The end of a run that met a full disk or an internal error."""
        if full := files.no_room(error, self.record.directory):
            return self._disk_full(full)
        path = self.record.artifacts / "internal_error.txt"
        with contextlib.suppress(OSError):
            path.write_text(traceback.format_exc(), encoding="utf-8", errors="replace")
            self.record.keep(path)
        reason = f"{INTERNAL}{type(error).__name__}: {error}"
        return events.RunFinished(status="failed", reason=reason, hint=f"please report {path}", exit_status=Exit.FAILED)

    def _disk_full(self, reason: str) -> events.RunFinished:
        """The end of a run for which there was no room."""
        record = self.record
        record.release()
        if record.state.process is None:
            self._begin()
        return events.RunFinished(
            status="failed",
            reason=reason,
            hint="free some space, such as with fvp-tui rm RUN, or set FVP_TUI_HOME to another disk",
            exit_status=Exit.FAILED,
        )

    def _stages(self) -> None:
        record = self.record
        record.go_on()
        if self.spec.log is not None:
            from tui.pipeline import reading

            reading.read(record, self.spec.log)
            return
        # First of all whether the platform will take the run: compiling for nothing costs a minute.
        with self._impatient():
            choice = self._platform() if self.spec.until == "check" else None
            parameter_names = None if choice is None else parameters.check(self.spec, choice)
        record.go_on()
        runner = None if choice is None else choice.runner
        ones = choice is not None and not choice.takes_inputs
        if runner is not None and ones and self.spec.inputs:
            raise UserError(f"--input has no effect: {runner.name} reads no files", "take a runner that reads files")
        self._take_program(ones=ones)
        from tui.pipeline import check, preflight

        program = preflight.read_program(record)
        if program is not None:
            preflight.record_plan(record, program)
            preflight.count_commands(record, program)
        if choice is not None and choice.engine == "firmware":
            choice = preflight.check_firmware(record, program, choice)
        record.go_on()
        pools = {} if choice is None or choice.runner is None else choice.runner.pools
        # The pools are those of ExecuTorch's runner.
        if program is not None and not catalogue.is_network(self.spec.model):
            preflight.weigh_pools(record, program, pools)
        if choice is not None:
            self._infer(choice, parameter_names, ones=ones)
        check.check_limits(record)

    def _take_program(self, *, ones: bool) -> None:
        """Compile the model, or take it as it is where it is a program."""
        if catalogue.is_network(self.spec.model):
            from tui.pipeline import network

            network.take_network(self.record)
            return
        if not catalogue.is_program(self.spec.model):
            aot.compile_model(self.record, ones=ones, meanwhile=_load_what_follows)
            self.record.go_on()
            return
        from tui.pipeline import program

        program.take_program(self.record, Path(self.spec.model), ones=ones)

    def _infer(self, choice: selection.Choice, parameter_names: frozenset[str] | None, *, ones: bool) -> None:
        """Run the program on the platform, and check its outputs."""
        from tui.model import tensors
        from tui.pipeline import boot, inference
        from tui.pipeline.requests import Requests

        record = self.record
        platform = boot.Platform(choice, record.directory / WORK, parameter_names)
        self._requests = Requests(record, tensors.read_manifest(record.artifacts))
        outputs = inference.run(record, platform, self._requests)
        record.begin("check")
        outputs.check(printed=ones)
        record.finish("check")

    @contextlib.contextmanager
    def _impatient(self) -> Iterator[None]:
        """End the child processes of a block once the run is to stop: an FVP may wait for its licence for long."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(POLL_S):
                if self.record.stopping():
                    processes.end()

        watching = threading.Thread(target=watch, name="impatience", daemon=True)
        watching.start()
        try:
            yield
        finally:
            done.set()
            watching.join()

    def _platform(self) -> selection.Choice:
        choice = selection.choose(self.spec)
        self.record.emit(events.VersionsKnown(versions=Versions(platform=choice.version)))
        if self.spec.serve and choice.runner_kind != "semihosting":
            raise UserError(
                f"{choice.name} takes no further inferences with this runner", "--serve needs one that reads files"
            )
        return choice


def _load_what_follows() -> None:
    with processes.collection_suspended():
        from tui.pipeline import inference  # noqa: F401


def _handle_signals(run_process: RunProcess) -> None:
    """Have SIGTERM and SIGINT stop the run as the user would; SIGHUP is for terminals, of which there is none.

    Whoever started this process has them wait until then (`control.start`).
    """

    def handle(_number: int, _frame: Any) -> None:
        run_process.end()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, control.BLOCKED_SIGNALS)


def _record(directory: Path, spec: Spec) -> Record:
    try:
        return Record(directory, spec)
    except OSError as error:
        if error.errno not in files.FULL:
            raise
        # The disk was filled since the run was made: that is for the journal to say.
        journal.release(directory)
        return Record(directory, spec)


def main(argv: list[str]) -> int:
    """Run the spec in a directory, and return the run's exit status.

    The second argument is the descriptor that holds the run's lock: it is this process's alone.
    """
    directory = Path(argv[0])
    for lock in argv[1:]:
        os.set_inheritable(int(lock), False)
    spec = store.load_spec(directory)
    if spec is None:
        sys.stderr.write(f"no spec in {directory}\n")
        return Exit.USAGE
    try:
        record = _record(directory, spec)
        run_process = RunProcess(record)
        _handle_signals(run_process)
        processes.end_with_owner()
        run_process.run()
    except OSError as error:
        # Not even the last event could be written: whoever looks finds the run lost, and this.
        sys.stderr.write(f"cannot write to {error.filename or directory}: {error.strerror}\n")
        return Exit.FAILED
    return record.state.run.exit_status or Exit.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
