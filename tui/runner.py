"""The run process: takes a spec through its stages and writes the journal. ``python -m tui.runner RUN_DIRECTORY``.

It belongs to no terminal. Whoever watches follows the journal; whoever wants it to stop says so on the control socket.
What comes after compiling takes a good part of a second to import: `tui.inferring` is loaded while the compiler works.
"""

import contextlib
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tui import catalogue, compiling, control, events, imports, runs, vela
from tui.errors import Exit, UserError
from tui.figures import Versions
from tui.platform import discovery
from tui.record import Ended, Record, Stopped

if TYPE_CHECKING:
    from tui.inferring import Inferring

WORK = "work"
"""The folder of what a platform reads and writes, in the run's directory."""


class Runner:
    """The stages of one run, and what is asked of it while it goes on."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.spec = record.spec
        self._inferring: Inferring | None = None

    def handle(self, message: dict[str, Any]) -> str | None:
        """A command from the control socket; None when taken, else why not."""
        if message.get("command") == "stop":
            self.end()
            return None
        if message.get("command") == "infer":
            return self._infer_again(message.get("inputs"))
        return f"unknown command {message.get('command')!r}"

    def end(self) -> None:
        """Stop the run; a platform that waits for further inferences has done its work, and is only let go."""
        if self._inferring is None or not self._inferring.close():
            self.record.stop.set()

    def _infer_again(self, inputs: object) -> str | None:
        if not self.spec.serve:
            return "its platform takes no further inferences: run it with --serve"
        if self._inferring is None:
            return "its platform takes no further inferences"
        return self._inferring.again([str(file) for file in inputs] if isinstance(inputs, list) else [])

    def run(self) -> None:
        """The run from its first event to its last."""
        record = self.record
        me = psutil.Process()
        record.emit(
            events.RunStarted(
                id=record.directory.name,
                spec=self.spec,
                pid=me.pid,
                pid_created=me.create_time(),
                host=socket.gethostname(),
                clock_hz=vela.lists().core_clock_hz.get(self.spec.target.system_config),
            )
        )
        server = control.Server(record.directory, self.handle)
        try:
            record.emit(self._end())
        finally:
            server.close()
            shutil.rmtree(record.directory / WORK, ignore_errors=True)
            runs.keep_snapshot(record.directory)
            record.close()

    def _end(self) -> events.RunFinished:
        """Go through the stages; the last event."""
        try:
            self._stages()
        except Stopped:
            return events.RunFinished(status="stopped", reason="stopped by the user", exit_status=Exit.INTERRUPTED)
        except Ended as end:
            return events.RunFinished(status="failed", reason=end.reason, hint=end.hint, exit_status=end.exit_status)
        except UserError as error:
            return events.RunFinished(status="failed", reason=error.what, hint=error.hint, exit_status=int(error.exit))
        except Exception as error:  # noqa: BLE001 - the last line of defence: a fault of ours must still end the run
            path = self.record.artifacts / "internal_error.txt"
            path.write_text(traceback.format_exc(), encoding="utf-8", errors="replace")
            self.record.keep(path)
            reason = f"internal error: {type(error).__name__}: {error}"
            return events.RunFinished(
                status="failed", reason=reason, hint=f"please report {path}", exit_status=Exit.FAILED
            )
        finally:
            self.record.fail()
        return events.RunFinished(status="ok", reason=None, exit_status=Exit.OK)

    def _stages(self) -> None:
        # First of all whether the platform will take the run: compiling for nothing costs a minute.
        choice = self._platform() if self.spec.until == "check" else None
        known = None if choice is None else discovery.check_parameters(self.spec, choice)
        runner = None if choice is None else choice.runner
        ones = runner is not None and not runner.takes_inputs
        if runner is not None and ones and self.spec.inputs:
            raise UserError(f"{runner.name}: --input has no use", "take a runner that reads files")
        is_program = catalogue.is_program(self.spec.model)
        if not is_program:
            compiling.compile_model(self.record, ones=ones, meanwhile=_load_what_follows)
        from tui import inferring

        if is_program:
            inferring.take_program(self.record, Path(self.spec.model), ones=ones)
        if choice is not None and choice.engine == "firmware":
            choice = inferring.check_firmware(self.record, choice)
            runner = choice.runner
        inferring.weigh_pools(self.record, {} if runner is None else runner.pools)
        if choice is not None:
            self._inferring = inferring.Inferring(self.record, choice, self.record.directory / WORK, known)
            self._inferring.run()
            self.record.begin("check")
            self._inferring.check(printed=ones)
            self.record.finish("check")
        inferring.check_limits(self.record)

    def _platform(self) -> discovery.Choice:
        choice = discovery.choose(self.spec)
        self.record.emit(events.VersionsKnown(versions=Versions(platform=choice.version)))
        if self.spec.serve and choice.runner_kind != "semihosting":
            raise UserError(
                f"{choice.name} cannot be asked again with this runner", "--serve needs one that reads files"
            )
        return choice


def _load_what_follows() -> None:
    with imports.without_garbage():
        from tui import inferring  # noqa: F401


@contextlib.contextmanager
def _signals(runner: Runner) -> Iterator[None]:
    """SIGTERM and SIGINT stop the run as the user would; SIGHUP is for terminals, of which there is none."""

    def handle(_number: int, _frame: Any) -> None:
        runner.end()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield


def main(argv: list[str]) -> int:
    """Run the spec in the directory given; the run's exit status."""
    directory = Path(argv[0])
    spec = runs.load_spec(directory)
    if spec is None:
        sys.stderr.write(f"no spec in {directory}\n")
        return Exit.USAGE
    record = Record(directory, spec)
    runner = Runner(record)
    with _signals(runner):
        runner.run()
    return record.state.run.exit_status or Exit.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
