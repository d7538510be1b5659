"""The run process's part after compiling: the platform, boot by boot and inference by inference, and the check.

Its imports take a good part of a second: the run process loads it while the compiler works.
"""

import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tui.compile.links import state_links
from tui.errors import Exit, UserError
from tui.model import pte, tensors
from tui.pipeline import check, estimates, program
from tui.pipeline.record import Ended, Record, Stopped
from tui.platform import command, counts, delivery, etdump, pmu_trace, selection, session
from tui.platform.uart import CPU_CYCLES
from tui.platform.verdict import Failure
from tui.run import events, store
from tui.run.check import Check
from tui.run.events import Event
from tui.run.figures import Source
from tui.simulator import miscompiled
from tui.simulator.delegate import DelegateError
from tui.simulator.ethosu85 import CommandStreamError

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile

OUTPUTS = "outputs.npz"
OUTPUTS_OF = "outputs_{}.npz"
"""Those of an inference that was asked for while the platform stayed, by its number."""
PMU_TRACE = "pmu_trace.json.gz"
COUNTS = "counts.jsonl"
SIMULATED_CYCLES = (
    "the simulator's NPU cycles are estimated from the commands by Vela's formulas, waiting for memory included, "
    "as in Vela's total"
)


class Inferring:
    """The inferences of a run: those of its spec, and the ones asked for while its platform stays."""

    def __init__(self, record: Record, choice: selection.Choice, work: Path, known: frozenset[str] | None) -> None:
        """`work` is the platform's folder; `known` are the names of its parameters, where it lists them."""
        self.record = record
        self.spec = record.spec
        self.artifacts = record.artifacts
        self.work = work
        self.choice = choice
        self.known = known
        self.kind = choice.runner_kind
        self.manifest = tensors.read_manifest(self.artifacts)
        self.outputs: dict[int, list[bytes]] = {}
        """The bytes of each output of each inference that gave any."""
        self._further: list[list[tensors.NDArray] | None] = []
        """Inferences asked for while the platform stays: their inputs by number, None for those of the next sample."""
        self._closing = threading.Event()
        self._counting = -1
        """The inference whose instructions are being counted."""

    @property
    def _booted_each(self) -> bool:
        """Whether each inference has a boot of its own: a runner without files cannot be asked for another."""
        return self.kind != "semihosting"

    def close(self) -> bool:
        """Let go a platform that waits for further inferences; False if it does not."""
        if self.record.state.phase != session.WAITING:
            return False
        self._closing.set()
        return True

    def again(self, files: Sequence[str]) -> int | str:
        """Ask for one more inference, on files or on the next sample: its number, or why it cannot be had."""
        if self.record.state.platform_pid is None or self._closing.is_set():
            return "its platform takes no further inferences"
        try:
            taken = program.from_files(list(files), self.manifest.inputs) if files else None
        except UserError as error:
            return str(error)
        number = self.manifest.inferences + len(self._further)
        if taken is not None:
            kept = self.artifacts / f"inputs_{number}.npz"
            np.savez_compressed(kept, **{f"{number}_{i}": a for i, a in enumerate(taken)})
            self.record.keep(kept)
            self.record.note(f"inference {number + 1}: inputs from {', '.join(files)}; not checked")
        elif self.manifest.state is not None:
            why = f"the model has state, and the reference is for {self.manifest.inferences} in a row"
            self.record.note(f"inference {number + 1}: not checked: {why}")
        self._further.append(taken)
        return number

    def run(self) -> None:
        """Boot the platform, run all inferences, and weigh how it ended.

        A runner without files cannot be asked for another inference: it is booted again for each.

        Raises:
            Stopped: the user wants the run to end.
            Ended: the platform did not end well.
        """
        self._note_differences()
        self.work.mkdir(exist_ok=True)
        shutil.copyfile(self.artifacts / store.MODEL, self.work / command.PROGRAM)
        self._check_program_inside()
        if self.choice.kind == "simulator" and not self.spec.fast:
            self.record.note(SIMULATED_CYCLES)
            self._note_tables()
        boots = self.manifest.inferences if self._booted_each else 1
        if boots > 1:
            kept = pte.parse((self.artifacts / store.MODEL).read_bytes()).main.state
            lost = ": its state was lost each time" if kept else ""
            self.record.note(f"the platform was booted for each of {boots} inferences{lost}")
        if (earlier := store.earlier(self.record.directory, self.spec, self.choice.kind)) is not None:
            self.record.emit(events.EarlierKnown(earlier=earlier))
        self.record.begin("boot")
        for first in range(boots):
            verdict = self._boot(first, self.manifest.inferences // boots)
            if verdict.verdict != "pass":
                if boots > 1 and verdict.verdict == "fail":
                    reason = f"inference {first + 1} of {boots}: {verdict.reason}"
                    verdict = msgspec.structs.replace(verdict, reason=reason)
                break
        if self.outputs:
            flat = {
                f"{k}_{j}": np.frombuffer(b, np.uint8) for k, outs in self.outputs.items() for j, b in enumerate(outs)
            }
            np.savez_compressed(self.artifacts / OUTPUTS, **flat)
            self.record.keep(self.artifacts / OUTPUTS)
        self._keep_etdump()
        self._weigh(verdict)

    def check(self, *, printed: bool) -> None:
        """Compare the outputs of the inferences whose answers are known with the references.

        Raises:
            Ended: they are not those that came with the program.
        """
        result = self._compared(printed=printed)
        self.record.emit(events.Checked(check=result))
        if result.reference == "bundle" and result.status == "mismatch":
            # The expectation came with the program: that it is not met is this run's failure.
            raise Ended(f"not the outputs that are bundled with the program: {result.links[-1].reason}")

    def gave(self, inference: int, outputs: list[bytes]) -> None:
        """Keep the outputs of an inference; of one that was asked for later, show them and the check so far."""
        self.outputs[inference] = outputs
        if inference < self.manifest.inferences:
            return
        path = self.artifacts / OUTPUTS_OF.format(inference)
        flat = {f"{inference}_{at}": np.frombuffer(one, np.uint8) for at, one in enumerate(outputs)}
        np.savez_compressed(path, **flat)
        self.record.keep(path)
        self.record.emit(events.Checked(check=self._compared(so_far=True)))

    def _compared(self, *, printed: bool = False, so_far: bool = False) -> Check:
        """The check of all inferences, or of those that have ended `so_far`."""
        asked = range(self.manifest.inferences + len(self._further))
        # The reference of a model with state is for the inferences of the spec, one after the other.
        last = self.manifest.inferences if self.manifest.state is not None else len(asked)
        known = [k for k in asked[:last] if self.given(k) is None]
        if so_far:
            known = [k for k in known if k in self.outputs]
        samples = [tensors.sample_of(self.manifest, k) for k in known]
        found = [self.outputs[k] for k in known if k in self.outputs]
        links = self.record.state.links
        result: Check = check.compare(self.artifacts, self.manifest, samples, found, links=links, printed=printed)
        result = state_links.judge(result, self.manifest.state, known, booted_each=self._booted_each)
        if result.links and result.links[-1].status == "mismatch" and result.links[-1].hint is None:
            platform = msgspec.structs.replace(result.links[-1], hint=self._miscompiled())
            result = msgspec.structs.replace(result, links=(*result.links[:-1], platform))
        return result

    def _miscompiled(self) -> str | None:
        """What the program's commands say of the compiler, and what helps: its marks, each at its operator's line."""
        try:
            marks = list(miscompiled.marks(pte.parse((self.artifacts / store.MODEL).read_bytes())))
        except (pte.PteError, DelegateError, CommandStreamError):
            return None
        lines = {(o.partition, offset): o.line for o in self.record.state.operators for offset in o.commands}
        found = dict.fromkeys((mark.fault, mark.remedy) for mark in marks)
        said = []
        for fault, remedy in found:
            first = next(mark for mark in marks if mark.fault == fault)
            line = lines.get((first.partition, first.offset))
            said.append(f"a fault of Vela: {fault}{f', first at {line}' if line else ''}; what helps: {remedy}")
        return "; ".join(said) or None

    def _note_tables(self) -> None:
        """Say what loading tables adds to the estimate: where they are much of it, Vela's total is far from it."""
        try:
            note = estimates.tables_note(pte.parse((self.artifacts / store.MODEL).read_bytes()))
        except (pte.PteError, DelegateError, CommandStreamError):
            return  # of a program that cannot be understood there is no figure that could differ
        if note is not None:
            self.record.note(note)

    def _note_differences(self) -> None:
        """Say which parameters that a run sets this version of the FVP does not list."""
        if self.choice.kind != "fvp" or self.known is None:
            return
        board = self.spec.target.board
        for name in sorted({*board.fvp.comforts, board.parameters.macs} - self.known):
            done = "left out" if name in board.fvp.comforts else "given to it all the same"
            self.record.note(f"{self.choice.name} does not list the parameter {name}: {done}")

    def demand(self, inferences: int) -> session.Demand:
        """What is asked of a process that was started for so many inferences."""
        stays = self.spec.serve and not self._closing.is_set()
        return session.Demand(inferences + len(self._further), stays)

    def _boot(self, first: int, inferences: int) -> events.PlatformExited:
        """One process of the platform, from inference `first` on."""
        console = self.record.directory / store.CONSOLE
        begun = console.stat().st_size if console.exists() else 0
        source: Source = "measured" if self.choice.kind == "fvp" else "estimated"
        argv = command.build(
            self.spec,
            self.choice,
            self.work,
            inputs=len(self.manifest.inputs),
            output_bytes=sum(info.nbytes for info in self.manifest.outputs),
            program=command.PROGRAM,
            server=inferences > 1 or self.spec.serve,
            pmu_trace=PMU_TRACE if self._traces() else None,
            counts=COUNTS,
            known=self.known,
        )
        request = session.Request(
            argv=argv,
            cwd=self.work,
            env=self.choice.env,
            console=console,
            source=source,
            timeout_s=self.spec.timeout_s,
            fast=command.is_fast(argv, self.spec.target.board),
            first=first,
        )
        with np.load(self.artifacts / tensors.INPUTS) as samples:
            verdict = session.run(request, _Boot(self, request, inferences, samples, begun))
        if (self.work / PMU_TRACE).exists():
            shutil.move(self.work / PMU_TRACE, self.artifacts / PMU_TRACE)
            self.record.keep(self.artifacts / PMU_TRACE)
        return verdict

    def given(self, inference: int) -> list[tensors.NDArray] | None:
        """The inputs an inference was asked for with; None where they are a sample's."""
        further = inference - self.manifest.inferences
        return None if further < 0 else self._further[further]

    def _traces(self) -> bool:
        return self.spec.pmu_trace if self.choice.kind == "fvp" else not self.spec.fast

    def _keep_etdump(self) -> None:
        """What a runner with an event tracer says of its kernels, read by ExecuTorch's Inspector."""
        console = self.record.directory / store.CONSOLE
        # A platform that never started has no console.
        for name, content in etdump.found(self.work, console.read_bytes() if console.exists() else b""):
            if content is None:
                self.record.note(f"{name} was printed, but not whole: nothing is made of it")
                continue
            path = self.artifacts / name
            path.write_bytes(content)
            self.record.keep(path)
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
            self.record.emit(event)
            self.record.note(CPU_CYCLES)
            return
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        self.record.note(f"ExecuTorch's Inspector cannot read {path.name}: {said[-1] if said else 'it died'}")

    def _check_program_inside(self) -> None:
        """Refuse a runner that has another program inside than the one that is run."""
        runner = self.choice.runner
        if runner is None or runner.program is None:
            return
        if not runner.program.startswith((self.work / command.PROGRAM).read_bytes()):
            raise UserError(
                f"{runner.path} has another program inside than {self.spec.model}",
                "build it with this program, or take a runner that reads files",
            )

    def platform_event(self, event: Event) -> None:
        """Pass on an event of the platform; the first inference ends the stage boot."""
        # Arm's inference runner says nothing between its boot and its end; the instructions counted tell.
        if isinstance(event, events.InstructionsCounted) and self._counting != event.inference:
            self._counting = event.inference
            self.platform_event(events.InferenceStarted(index=event.inference))
        if isinstance(event, events.InferenceStarted) and self.record.is_in("boot"):
            self.record.finish("boot")
            self.record.begin("infer")
        self.record.emit(event)

    def _weigh(self, verdict: events.PlatformExited) -> None:
        """Record how the platform ended; go on only if it ended well."""
        self.record.emit(verdict)
        good = verdict.verdict == "pass"
        status: events.StageStatus = "ok" if good else "stopped" if verdict.verdict == "stopped" else "failed"
        for stage in ("boot", "infer"):
            self.record.finish(stage, status, None if good else verdict.reason)
        if verdict.verdict == "stopped":
            raise Stopped
        if not good:
            raise Ended(verdict.reason, Exit.FAILED, verdict.hint)


class _Boot:
    """One process of the platform: what its session asks for, and where what it hears goes."""

    def __init__(
        self, inferring: Inferring, request: session.Request, inferences: int, samples: "NpzFile", begun: int
    ) -> None:
        """`samples` are the inputs of the model's samples; its part of the console log begins at byte `begun`."""
        self._inferring = inferring
        self._request = request
        self._inferences = inferences
        self._samples = samples
        self._begun = begun
        plan = pte.parse((inferring.artifacts / store.MODEL).read_bytes()).main
        places = pmu_trace.Places(inferring.record.state.operators, plan.calls)
        self._traced = pmu_trace.Follower(inferring.work / PMU_TRACE, places, request.source)
        (inferring.work / COUNTS).unlink(missing_ok=True)
        self._counted = counts.Follower(inferring.work / COUNTS, plan, request.first)

    def demand(self) -> session.Demand:
        return self._inferring.demand(self._inferences)

    def should_stop(self) -> bool:
        return self._inferring.record.stopping()

    def prepare(self, inference: int) -> None:
        manifest = self._inferring.manifest
        arrays = self._inferring.given(inference)
        if arrays is None:
            sample = tensors.sample_of(manifest, inference)
            arrays = [self._samples[f"{sample}_{i}"] for i in range(len(manifest.inputs))]
        delivery.put(self._inferring.kind, self._inferring.work, [array.tobytes() for array in arrays])

    def started(self, pid: int) -> None:
        platform = selection.describe(self._inferring.choice, self._request.argv)
        self._inferring.record.emit(events.PlatformStarted(platform=platform, pid=pid))

    def event(self, event: Event) -> None:
        self._inferring.platform_event(event)

    def elsewhere(self) -> Sequence[Event]:
        return [*self._traced.events(), *self._counted.events()]

    def collect(self, inference: int) -> Failure | None:
        runner = self._inferring.choice.runner
        printed = b"" if runner is None or runner.takes_inputs else _since(self._request.console, self._begun)
        taken = delivery.take(self._inferring.kind, self._inferring.work, self._inferring.manifest.outputs, printed)
        if taken.outputs is None:
            return Failure(taken.why, taken.hint)
        self._inferring.gave(inference, taken.outputs)
        return None


def _since(console: Path, begun: int) -> bytes:
    """The bytes of a console log from a place on."""
    with console.open("rb") as file:
        file.seek(begun)
        return file.read()
