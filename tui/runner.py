"""The run process: takes a spec through its stages and writes the journal. ``python -m tui.runner RUN_DIRECTORY``.

It belongs to no terminal. Whoever watches follows the journal; whoever wants it to stop says so on the control socket.
"""

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from tui import artifacts, catalogue, check, control, events, journal, pools, pte, ready, runs, state, tensors, vela
from tui.compile import client
from tui.errors import Exit, UserError
from tui.events import Event, Level, Stage
from tui.figures import Check, Source, Versions
from tui.platform import command, counts, delivery, discovery, etdump, pmu_trace, session
from tui.platform.uart import CPU_CYCLES
from tui.simulator import estimates
from tui.simulator.delegate import DelegateError
from tui.spec import MACS_PARAMETER, Spec
from tui.state import State

COMPILE_LOG = "compile.log"
OUTPUTS = "outputs.npz"
PROGRAM = "program.pte"
PMU_TRACE = "pmu_trace.json.gz"
COUNTS = "counts.jsonl"
STOP_GRACE_S = 5.0
SIMULATED_CYCLES = (
    "the simulator's NPU cycles are estimated from the commands by Vela's formulas, waiting for memory included, "
    "as in Vela's total"
)

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


class Stopped(Exception):
    """The user wants the run to end."""


class Ended(Exception):
    """The run ends here, for a reason that is no fault of the run process."""

    def __init__(self, reason: str, exit_status: int = Exit.FAILED, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.exit_status = exit_status


def _level(line: str) -> Level:
    if any(mark in line for mark in NOISE):
        return "debug"
    if line.startswith(("Traceback", "Error", "ERROR", "E ")) or "Error:" in line:
        return "error"
    return "warning" if "arning" in line or line.startswith(("W1", "W0", "WARNING")) else "info"


class Runner:
    """One run: its spec, its directory, and the state its events have come to."""

    def __init__(self, directory: Path, spec: Spec) -> None:
        self.directory = directory
        self.artifacts = directory / runs.ARTIFACTS
        self.work = directory / "work"
        self.spec = spec
        self.state: State = state.EMPTY
        self.known: frozenset[str] | None = None
        """Names of the platform's parameters, where it lists them."""
        self.stop = threading.Event()
        self._further: list[list[tensors.NDArray] | None] = []
        """Inferences asked for while the platform stays: their inputs by number, None for those of the next sample."""
        self._closing = threading.Event()
        self._journal = journal.Journal(directory / journal.FILE)
        self._lock = threading.Lock()
        self._counting = -1
        """The inference whose instructions are being counted."""
        self._begun: dict[Stage, float] = {}

    def emit(self, event: Event) -> None:
        """Write an event and fold it."""
        event = journal.stamped(event)
        with self._lock:
            self._journal.write(event)
            self.state = state.fold(self.state, event)  # type: ignore[arg-type]

    def begin(self, stage: Stage) -> None:
        """Announce a stage of the run process's own."""
        self._begun[stage] = time.monotonic()
        self.emit(events.StageStarted(stage=stage))

    def finish(self, stage: Stage, status: events.StageStatus = "ok", reason: str | None = None) -> None:
        """Announce the end of a stage that `begin` announced; without effect where it did not."""
        begun = self._begun.pop(stage, None)
        if begun is not None:
            seconds = time.monotonic() - begun
            self.emit(events.StageFinished(stage=stage, status=status, seconds=seconds, reason=reason))

    def keep(self, path: Path) -> None:
        """Announce a finished file."""
        self.emit(events.ArtifactWritten(artifact=artifacts.describe(self.directory, path)))

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
        (self._closing if self.state.phase == session.WAITING else self.stop).set()

    def _infer_again(self, inputs: object) -> str | None:
        """Ask for one more inference, on files or on the next sample; why not, if it cannot be had."""
        if not self.spec.serve or self.state.platform_pid is None or self._closing.is_set():
            return "its platform takes no further inferences" + ("" if self.spec.serve else ": run it with --serve")
        files = inputs if isinstance(inputs, list) else []
        manifest = tensors.read_manifest(self.artifacts)
        try:
            taken = ready.from_files([str(file) for file in files], manifest.inputs) if files else None
        except UserError as error:
            return str(error)
        number = manifest.inferences + len(self._further)
        if taken is not None:
            kept = self.artifacts / f"inputs_{number}.npz"
            np.savez_compressed(kept, allow_pickle=False, **{f"{number}_{i}": a for i, a in enumerate(taken)})
            self.keep(kept)
            self.emit(
                events.Noted(text=f"inference {number + 1}: inputs from {', '.join(map(str, files))}; not checked")
            )
        self._further.append(taken)
        return None

    def _demand(self, inferences: int) -> session.Demand:
        stays = self.spec.serve and not self._closing.is_set()
        return session.Demand(inferences + len(self._further), stays)

    def run(self) -> None:
        """The run from its first event to its last."""
        me = psutil.Process()
        self.emit(
            events.RunStarted(
                id=self.directory.name,
                spec=self.spec,
                pid=me.pid,
                pid_created=me.create_time(),
                host=socket.gethostname(),
                clock_hz=vela.lists().core_clock_hz.get(self.spec.target.system_config),
            )
        )
        server = control.Server(self.directory, self.handle)
        try:
            self.emit(self._end())
        finally:
            server.close()
            shutil.rmtree(self.work, ignore_errors=True)
            runs.keep_snapshot(self.directory)
            self._journal.close()

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
            path = self.artifacts / "internal_error.txt"
            path.write_text(traceback.format_exc(), encoding="utf-8", errors="replace")
            self.keep(path)
            reason = f"internal error: {type(error).__name__}: {error}"
            return events.RunFinished(
                status="failed", reason=reason, hint=f"please report {path}", exit_status=Exit.FAILED
            )
        finally:
            for stage in list(self._begun):
                self.finish(stage, "failed")
        return events.RunFinished(status="ok", reason=None, exit_status=Exit.OK)

    def _stages(self) -> None:
        spec = self.spec
        # First of all whether the platform will take the run: compiling for nothing costs a minute.
        choice = None
        if spec.until == "check":
            choice = discovery.choose(spec)
            self.emit(events.VersionsKnown(versions=Versions(platform=choice.version)))
            self.known = discovery.check_parameters(spec, choice)
            self._note_differences(choice)
        runner = None if choice is None else choice.runner
        if choice is not None and self.spec.serve and command.runner_kind(choice) != "semihosting":
            raise UserError(
                f"{choice.name} cannot be asked again with this runner", "--serve needs one that reads files"
            )
        ones = runner is not None and not runner.takes_inputs
        if runner is not None and ones and spec.inputs:
            raise UserError(f"{runner.name}: --input has no use", "take a runner that reads files")
        if catalogue.is_program(spec.model):
            self._take_program(Path(spec.model), ones=ones)
        else:
            self._compile(ones=ones)
        if choice is not None and choice.engine == "firmware":
            choice = self._check_firmware(choice)
            runner = choice.runner
        self._weigh_pools({} if runner is None else runner.pools)
        if choice is not None:
            verdict, outputs = self._infer(choice)
            self._keep_etdump()
            self._weigh(verdict)
            self.begin("check")
            self._check(outputs, printed=ones)
            self.finish("check")
        self._limits()

    def _note_differences(self, choice: discovery.Choice) -> None:
        """Say which parameters that a run sets this version of the FVP does not list."""
        if choice.kind != "fvp" or self.known is None:
            return
        for name in sorted({*command.COMFORTS, MACS_PARAMETER} - self.known):
            done = "left out" if name in command.COMFORTS else "given to it all the same"
            self.emit(events.Noted(text=f"{choice.name} does not list the parameter {name}: {done}"))

    # -- compile

    def _compile(self, *, ones: bool) -> None:
        """Run the compile worker, taking its events and its noise as they come."""
        log = self.artifacts / COMPILE_LOG
        worker = client.start(
            self.directory, self.artifacts, ones=ones, warm=self.spec.cache, on_waiting=self._compiler_loads
        )
        try:
            with log.open("wb") as kept:
                self._follow_worker(worker, kept)
        finally:
            self._end_worker(worker)
        self.keep(log)
        self._judge_worker(worker.wait())

    def _compiler_loads(self) -> None:
        """PyTorch and ExecuTorch take their time, once: it counts as the time of the first stage."""
        self.emit(events.StageStarted(stage="load"))
        text = "starting the compile server, which loads PyTorch and ExecuTorch once for many runs"
        self.emit(events.Logged(source="run", text=text, level="info"))

    def _follow_worker(self, worker: client.Worker, log: Any) -> None:
        assert worker.stdout is not None and worker.stderr is not None
        partial = {worker.stdout: b"", worker.stderr: b""}
        with selectors.DefaultSelector() as selector:
            for stream in partial:
                selector.register(stream, selectors.EVENT_READ, stream)
            while partial:
                if self.stop.is_set():
                    raise Stopped
                for key, _ in selector.select(timeout=0.2):
                    stream = key.data
                    data = os.read(key.fd, 1 << 16)
                    *lines, partial[stream] = (partial[stream] + data).split(b"\n")
                    if stream is worker.stderr:
                        log.write(data)
                    for line in lines if data else [partial[stream]]:
                        self._take_line(line, is_event=stream is worker.stdout)
                    if not data:
                        selector.unregister(stream)
                        del partial[stream]

    def _take_line(self, line: bytes, *, is_event: bool) -> None:
        if is_event:
            if (event := events.decode(line)) is not None:
                self.emit(event)
        elif line.strip():
            text = line.decode("utf-8", "replace").rstrip("\r")
            self.emit(events.Logged(source="compile", text=text, level=_level(text)))

    def _end_worker(self, worker: client.Worker) -> None:
        """Make sure that the worker, and whatever it started, is gone."""
        with contextlib.suppress(ProcessLookupError):
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGTERM)
                try:
                    worker.wait(STOP_GRACE_S)
                except subprocess.TimeoutExpired:
                    os.killpg(worker.pid, signal.SIGKILL)
        for stream in (worker.stdout, worker.stderr):
            if stream is not None:
                stream.close()

    def _judge_worker(self, status: int) -> None:
        if status == 0:
            return
        failed = next((s for s in self.state.stages if s.status == "failed"), None)
        if failed is not None:
            raise Ended(f"{failed.name}: {failed.reason}", status if status > 0 else Exit.FAILED)
        running = [s.name for s in self.state.stages if s.status == "running"]
        where = f" in {running[-1]}" if running else ""
        for name in running:
            self.emit(events.StageFinished(stage=name, status="failed", seconds=0.0, reason="the worker died"))
        if status < 0:
            hint = "out of memory?" if -status == signal.SIGKILL else ""
            raise Ended(f"the compile worker was ended by {signal.Signals(-status).name}{where}", hint=hint)
        raise Ended(f"the compile worker failed{where}", hint=f"see {self.artifacts / COMPILE_LOG}")

    def _take_program(self, path: Path, *, ones: bool) -> None:
        """A ready program: no compile stages; inputs from files or bundled with it, or zeros."""
        data = path.read_bytes()
        given = self.artifacts / f"model{path.suffix}"
        given.write_bytes(data)
        self.keep(given)
        taken = ready.take(path, data, self.spec, ones=ones)
        if taken.program is not data:
            program = self.artifacts / "model.pte"
            program.write_bytes(taken.program)
            self.keep(program)
        np.savez_compressed(self.artifacts / tensors.INPUTS, allow_pickle=False, **taken.inputs)
        if taken.references:
            np.savez_compressed(self.artifacts / tensors.REFERENCES, allow_pickle=False, **taken.references)
        tensors.write_manifest(self.artifacts, taken.manifest)
        for stage in events.COMPILE_STAGES:
            self.emit(events.StageFinished(stage=stage, status="skipped", seconds=0.0))
        self.emit(events.Noted(text="no delegation report, no module names: the model was given as a ready program"))
        found = estimates.of_program(taken.program)
        if found.whole is not None:
            self.emit(events.Estimated(estimate=found.whole, partitions=found.partitions, operators=found.operators))
        for note in (*found.notes, *taken.notes):
            self.emit(events.Noted(text=note))

    def _weigh_pools(self, available: Mapping[str, int]) -> None:
        """Say what the program asks of the runner's memory before it is started."""
        try:
            found = pools.needs((self.artifacts / "model.pte").read_bytes(), available)
        except (pte.PteError, DelegateError) as error:
            self.emit(events.Noted(text=f"what it asks of the runner's memory is not known: {error}"))
            return
        self.emit(events.PoolsKnown(pools=found))
        for pool in found:
            if pool.excess:
                text = (
                    f"the program needs at least {pool.needed:,} bytes of the runner's {pool.name},"
                    f" which has {pool.available:,}"
                )
                self.emit(events.Logged(source="run", text=text, level="warning"))
                self.emit(events.Noted(text=text))

    def _check_firmware(self, choice: discovery.Choice) -> discovery.Choice:
        """See whether the firmware can run the program; where the engine is free, the interpreter does it instead."""
        # Only now: every other run does without the engine.
        from tui.simulator.firmware import image, preflight

        assert choice.runner is not None
        program = (self.artifacts / "model.pte").read_bytes()
        plan = pte.parse(program).main
        try:
            found = preflight.obstacles(program, image.load(choice.runner.path), self.spec.target.macs)
        except image.ImageError as error:
            raise UserError(str(error), "fvp-tui firmware install") from error
        if self.spec.engine == "auto" and (found or not plan.delegates):
            why = found[0].what if found else "nothing of the program runs on the NPU"
            self.emit(events.Noted(text=f"the interpreter runs the program, not the firmware: {why}"))
            return discovery.interpreted(choice, why)
        if found:
            raise UserError(found[0].what, found[0].hint)
        left = () if self.state.delegation is None else self.state.delegation.left
        self.emit(events.PlanKnown(steps=counts.steps(plan, left)))
        if any(isinstance(instruction, pte.JumpIfFalse) for instruction in plan.instructions):
            self.emit(events.Noted(text=counts.BRANCHING))
        return choice

    # -- platform

    def _infer(self, choice: discovery.Choice) -> tuple[events.PlatformExited, list[list[bytes]]]:
        """Boot the platform, run all inferences; its verdict and the bytes of each output of each inference.

        A runner without files cannot be asked for another inference: it is booted again for each.
        """
        manifest = tensors.read_manifest(self.artifacts)
        kind = command.runner_kind(choice)
        self.work.mkdir(exist_ok=True)
        shutil.copyfile(self.artifacts / "model.pte", self.work / PROGRAM)
        self._check_program_inside(choice)
        if choice.kind == "simulator" and not self.spec.fast:
            self.emit(events.Noted(text=SIMULATED_CYCLES))
        boots = 1 if kind == "semihosting" else manifest.inferences
        if boots > 1:
            self.emit(events.Noted(text=f"the platform was booted for each of {boots} inferences"))
        if (earlier := runs.earlier(self.directory, self.spec, choice.kind)) is not None:
            self.emit(events.EarlierKnown(earlier=earlier))
        outputs: list[list[bytes]] = []
        self.begin("boot")
        for first in range(boots):
            verdict = self._boot(choice, manifest, first, manifest.inferences // boots, outputs)
            if verdict.verdict != "pass":
                break
        if outputs:
            flat = {
                f"{k}_{j}": np.frombuffer(b, np.uint8) for k, outs in enumerate(outputs) for j, b in enumerate(outs)
            }
            np.savez_compressed(self.artifacts / OUTPUTS, **flat)
            self.keep(self.artifacts / OUTPUTS)
        return verdict, outputs

    def _boot(
        self,
        choice: discovery.Choice,
        manifest: tensors.Manifest,
        first: int,
        inferences: int,
        outputs: list[list[bytes]],
    ) -> events.PlatformExited:
        """One process of the platform, from inference `first` on; what comes out is added to `outputs`."""
        kind = command.runner_kind(choice)
        console = self.directory / runs.CONSOLE
        source: Source = "measured" if choice.kind == "fvp" else "estimated"
        argv = command.build(
            self.spec,
            choice,
            self.work,
            inputs=len(manifest.inputs),
            output_bytes=sum(info.nbytes for info in manifest.outputs),
            program=PROGRAM,
            server=inferences > 1 or self.spec.serve,
            pmu_trace=PMU_TRACE if self._traces(choice) else None,
            counts=COUNTS,
            known=self.known,
        )
        with np.load(self.artifacts / tensors.INPUTS) as packed:

            def prepare(k: int) -> None:
                given = self._given(manifest, k)
                if given is None:
                    sample = tensors.sample_of(manifest, k)
                    given = [packed[f"{sample}_{i}"] for i in range(len(manifest.inputs))]
                delivery.put(kind, self.work, [array.tobytes() for array in given])

            def collect(k: int) -> None:
                if (found := delivery.take(kind, self.work, manifest.outputs, console)) is not None:
                    outputs.append(found)

            verdict = session.run(
                argv,
                cwd=self.work,
                env=choice.env,
                console=console,
                emit=self._platform_event,
                source=source,
                demand=lambda: self._demand(inferences),
                prepare=prepare,
                collect=collect,
                timeout_s=self.spec.timeout_s,
                should_stop=self.stop.is_set,
                on_started=lambda pid: self._started(choice, argv, pid),
                follow=self._follow(source, first),
                first=first,
            )
        if (self.work / PMU_TRACE).exists():
            shutil.move(self.work / PMU_TRACE, self.artifacts / PMU_TRACE)
            self.keep(self.artifacts / PMU_TRACE)
        return verdict

    def _given(self, manifest: tensors.Manifest, inference: int) -> list[tensors.NDArray] | None:
        """The inputs an inference was asked for with; None where they are a sample's."""
        return None if inference < manifest.inferences else self._further[inference - manifest.inferences]

    def _traces(self, choice: discovery.Choice) -> bool:
        return self.spec.pmu_trace if choice.kind == "fvp" else not self.spec.fast

    def _keep_etdump(self) -> None:
        """What a runner with an event tracer says of its kernels, read by ExecuTorch's Inspector."""
        for name, content in etdump.found(self.work, (self.directory / runs.CONSOLE).read_bytes()):
            if content is None:
                self.emit(events.Noted(text=f"{name} was printed, but not whole: nothing is made of it"))
                continue
            path = self.artifacts / name
            path.write_bytes(content)
            self.keep(path)
            if name == etdump.ETDUMP:
                self._profile(path)

    def _profile(self, path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "tui.compile.profile", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        event = events.decode(done.stdout) if done.returncode == 0 else None
        if event is not None:
            self.emit(event)
            self.emit(events.Noted(text=CPU_CYCLES))
            return
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        self.emit(
            events.Noted(text=f"ExecuTorch's Inspector cannot read {path.name}: {said[-1] if said else 'it died'}")
        )

    def _check_program_inside(self, choice: discovery.Choice) -> None:
        """Refuse a runner that has another program inside than the one that is run."""
        runner = choice.runner
        if runner is None or runner.program is None:
            return
        if not runner.program.startswith((self.work / PROGRAM).read_bytes()):
            raise UserError(
                f"{runner.path} has another program inside than {self.spec.model}",
                "build it with this program, or take a runner that reads files",
            )

    def _started(self, choice: discovery.Choice, argv: list[str], pid: int) -> None:
        self.emit(events.PlatformStarted(platform=discovery.describe(choice, argv), pid=pid))

    def _follow(self, source: Source, first: int) -> Callable[[], Sequence[Event]]:
        plan = pte.parse((self.artifacts / "model.pte").read_bytes()).main
        places = pmu_trace.Places(self.state.operators, plan.calls)
        traced = pmu_trace.Follower(self.work / PMU_TRACE, places, source)
        (self.work / COUNTS).unlink(missing_ok=True)
        counted = counts.Follower(self.work / COUNTS, plan, first)
        return lambda: [*traced.events(), *counted.events()]

    def _platform_event(self, event: Event) -> None:
        """Pass on an event of the platform; the first inference ends the stage boot."""
        # Arm's inference runner says nothing between its boot and its end; the instructions counted tell.
        if isinstance(event, events.InstructionsCounted) and self._counting != event.inference:
            self._counting = event.inference
            self._platform_event(events.InferenceStarted(index=event.inference))
        if isinstance(event, events.InferenceStarted) and "boot" in self._begun:
            self.finish("boot")
            self.begin("infer")
        self.emit(event)

    def _weigh(self, verdict: events.PlatformExited) -> None:
        """Record how the platform ended; go on only if it ended well."""
        self.emit(verdict)
        good = verdict.verdict == "pass"
        for stage in ("boot", "infer"):
            self.finish(stage, "ok" if good else "failed", None if good else verdict.reason)
        if verdict.verdict == "stopped":
            raise Stopped
        if not good:
            raise Ended(verdict.reason, Exit.FAILED, verdict.hint)

    # -- check

    def _check(self, outputs: list[list[bytes]], *, printed: bool) -> None:
        manifest = tensors.read_manifest(self.artifacts)
        asked = range(manifest.inferences + len(self._further))
        known = [k for k in asked if self._given(manifest, k) is None]
        samples = [tensors.sample_of(manifest, k) for k in known]
        found = [outputs[k] for k in known if k < len(outputs)]
        result: Check = check.compare(self.artifacts, manifest, samples, found, printed=printed)
        self.emit(events.Checked(check=result))
        if result.reference == "bundle" and result.status == "mismatch":
            # The expectation came with the program: that it is not met is this run's failure.
            raise Ended(f"not the outputs that are bundled with the program: {result.reason}")

    def _limits(self) -> None:
        found = check.limits(self.spec.limits, self.state)
        if not found:
            return
        self.emit(events.LimitsChecked(limits=found))
        broken = [limit for limit in found if not limit.ok]
        if broken:
            texts = [
                f"{b.name} is {'not known' if b.value is None else f'{b.value:g}'}, the limit is {b.limit:g}"
                for b in broken
            ]
            raise Ended("limit exceeded: " + "; ".join(texts), Exit.LIMIT)


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
    runner = Runner(directory, spec)
    with _signals(runner):
        runner.run()
    return runner.state.run.exit_status or Exit.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
