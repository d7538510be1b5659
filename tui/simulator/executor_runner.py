"""Imitation of ExecuTorch's semihosting arm_executor_runner: load, prepare, infer, report, write outputs.

Its console text follows the runner's (examples/arm/executor_runner), message by message, so that whatever reads an
FVP's console reads this one. Figures are printed only where they are true: there is no CPU here, so
there are no CPU cycles.
"""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from tui.model import bundled, programs, pte
from tui.model.bundled import Case
from tui.model.pte import PteError
from tui.simulator import npu, standard_input, verification
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu.stream import Command
from tui.simulator.interpreter import ExecutionError, LoadError, Method, Tensor
from tui.toolchain import boards
from tui.toolchain.target import Target

NO_CYCLES = "no PMU report: {}"
SHOWN_OUTPUTS = 100
"""Elements of an output printed where no file is asked for."""

OK, FAILED = 0, 1


class RunnerError(Exception):
    """The runner gives up; one line."""


class BundleFailed(Exception):
    """An output of a bundled test case is not the one expected; the console has said so."""


@dataclass(frozen=True)
class Job:
    """The runner's command line. File names are relative to `folder`."""

    folder: Path
    model: str
    inputs: tuple[str, ...]
    output: str | None
    server: bool = False


@dataclass(frozen=True)
class Cycles:
    """Figures of a cycle model for one execution of all delegates: estimates, never measurements."""

    npu: int
    """Cycles from begin to end, with waiting for memory."""
    events: dict[str, int]
    """PMU events by their names on that NPU; those the model has no figure for are left out."""
    seconds: float
    """Seconds at the NPU's clock."""


Estimate = Callable[[EthosU], "Cycles | str"]
"""A cycle model: figures for one execution of a delegate, or why there are none."""


def parse(command_line: str, folder: Path) -> Job:
    """The job of a semihosting command line, ``executor_runner -m FILE -i FILE -o NAME``.

    Raises:
        RunnerError: it is not one.
    """
    try:
        words = shlex.split(command_line)[1:]
    except ValueError as error:
        raise RunnerError(f"Not right number of parameters! ({error})") from error
    values: dict[str, list[str]] = {"-m": [], "-i": [], "-o": [], "--server_mode": []}
    for option, value in zip(words[::2], words[1::2], strict=False):
        if option not in values:
            raise RunnerError(f"Not right number of parameters! (unknown option {option})")
        values[option].append(value)
    if len(words) % 2 or len(values["-m"]) != 1:
        raise RunnerError("Not right number of parameters! (expected -m FILE, -i FILE, -o NAME)")
    if not values["-o"]:
        raise RunnerError("Missing required -o output_basename")
    server = values["--server_mode"][-1:] == ["true"]
    return Job(folder, values["-m"][0], tuple(values["-i"]), values["-o"][-1], server)


class Runner:
    """A program on an NPU, printing as it goes."""

    def __init__(
        self,
        accelerator: str,
        estimate: Estimate,
        out: TextIO = sys.stdout,
        observe: Callable[[EthosU, Command], None] | None = None,
        compiled_for: Target | None = None,
    ) -> None:
        """`compiled_for` is what a program was compiled for that does not say it itself."""
        self._accelerator = accelerator
        self._compiled_for = compiled_for
        self._estimate = estimate
        self._out = out
        self._observe = observe
        self._served = 0
        self.simulated_s: float | None = None
        """NPU time of all inferences by the cycle model; None where that has no figure."""
        self.instructions: int | None = None
        """Always None: the interpreter has no CPU."""

    def log(self, level: str, text: str) -> None:
        """Print a line as ExecuTorch's logging does, with the name of this program and no line number."""
        self.print(f"{level} [executorch:executor_runner.py] {text}")

    def print(self, text: str) -> None:
        """A line of the program's console, ended as a UART ends it."""
        self._out.write(f"{text}\r\n")
        self._out.flush()

    def run(self, job: Job) -> int:
        """Run a job to its end; the program's exit status. Every failure is a line of the console."""
        return self._ended(lambda: self._run(job))

    def run_placed(self, program: bytes, inputs: Sequence[bytes]) -> int:
        """Run a program that was placed in memory, on the input bytes placed there, else on ones."""
        return self._ended(lambda: self._run_placed(program, inputs))

    def _ended(self, program: Callable[[], None]) -> int:
        """Run a program and print how it ended."""
        try:
            program()
        except (RunnerError, LoadError, ExecutionError, PteError) as error:
            self.log("E", str(error))
            self.log("E", "Problem running model")
            return FAILED
        except BundleFailed:
            self.log("I", "Model run: 0")
            self.log("F", "In function main(), assert failed (model_ok == true): Problem running model")
            return FAILED
        self.log("I", "Model run: 1")
        self.log("I", "Program complete, exiting.")
        return OK

    def _run(self, job: Job) -> None:
        self.log("I", "Running executor with parameter:")
        self.log("I", f"   executor_runner -m {job.model} -o {job.output}")
        self.log("I", f"Reading pte model from file {job.model}")
        method, cases = self._load(self._read(job, job.model))
        if job.server and cases is not None:
            raise RunnerError("the server takes its inputs from files, not from a bundled bpte")
        if job.server:
            self._serve(job, method)
            return
        if cases is None:
            self._prepare(job, method)
            self._infer(method)
            self._write(job, method)
            return
        # The runner reads files given beside a bundle (its command line must have one) and does not look into them.
        for number, name in enumerate(job.inputs, start=1):
            self._read_input(job, number, name)
        self._verify(job, method, cases)

    def _read(self, job: Job, name: str) -> bytes:
        path = job.folder / name
        try:
            return path.read_bytes()
        except OSError as error:
            what = f"Could not open file {name} (errno: {error.errno}) for reading, exiting!"
            raise RunnerError(what) from error

    def _read_input(self, job: Job, number: int, name: str) -> bytes:
        self.log("I", f"Reading input tensor {number} from file {name}")
        return self._read(job, name)

    def _load(self, data: bytes) -> tuple[Method, tuple[Case, ...] | None]:
        """The loaded method, and the test cases bundled for it; None where the program is a plain one."""
        cases = None
        try:
            bundle = bundled.read(data) if bundled.is_bundle(data) else None
            program_data = data if bundle is None else bundle.program
            network = programs.is_tflite(program_data)
            self.log("I", f"{'TFLite' if network else 'PTE'} Model data loaded. Size: {len(program_data)} bytes.")
            program = programs.parse(program_data, self._compiled_for)
        except PteError as error:
            raise RunnerError(f"Program loading failed: {error}") from error
        plan = program.main
        if bundle is not None:
            cases = bundle.suites.get(plan.name, ())
        self.log("I", f"Model buffer loaded, has {len(program.plans)} methods")
        self.log("I", f"Running method {plan.name}")
        for index, size in enumerate(plan.buffer_sizes[1:], start=1):
            what = "arena" if network else f"planned buffer with mem_id={index}"
            self.log("I", f"Setting up {what}, size {size}.")
        method = Method(program, self._observe, boards.of(self._accelerator).memory.ddr_bytes)
        self.log("I", f"Method '{plan.name}' loaded.")
        if network:
            return method, cases
        self.log("I", f"model_pte_program_size: {len(program_data)} bytes.")
        self.log("I", f"model_pte_loaded_size: {len(data)} bytes.")
        self.log("I", f"method_allocator_planned: {sum(plan.buffer_sizes)} bytes")
        return method, cases

    def _prepare(self, job: Job, method: Method) -> None:
        self.log("I", "Preparing inputs...")
        tensors = method.inputs
        if len(job.inputs) != len(tensors):
            raise RunnerError(f"Not right number of parameters! ({len(job.inputs)} of {len(tensors)} inputs are given)")
        for number, (name, tensor) in enumerate(zip(job.inputs, tensors, strict=True), start=1):
            data = self._read_input(job, number, name)
            # A number among the inputs is part of the program; its file says nothing the runner would read.
            if tensor is not None:
                self._fill(tensor, data)
        self.log("I", "Input prepared.")

    def _fill(self, tensor: Tensor, data: bytes) -> None:
        if len(data) != tensor.meta.nbytes:
            raise RunnerError(f"input size ({len(data)}) and tensor size ({tensor.meta.nbytes}) mismatch!")
        tensor.bytes[:] = np.frombuffer(data, np.uint8)

    def _check_npu(self, method: Method) -> None:
        """Refuse a program for another NPU than the board's, in the words of the Ethos-U driver."""
        for delegate in method.delegates:
            mismatches = npu.mismatches(delegate.stream, self._accelerator)
            for mismatch in mismatches:
                self.print(f"E: NPU config mismatch: {mismatch}")
            if mismatches:
                why = f"the program is for {npu.accelerator(delegate.stream)}, the board has {self._accelerator}"
                raise RunnerError(f"Ethos-U invocation failed error (-1): {why}")

    def _infer(self, method: Method) -> None:
        self.log("I", "Starting running 1 inferences...")
        self._execute(method)
        self.log("I", "1 inferences finished")

    def _execute(self, method: Method) -> None:
        self._check_npu(method)
        method.execute()
        calls = sum(isinstance(i, pte.DelegateCall) for i in method.plan.instructions)
        self.log("I", "NPU Inferences : 1")
        self.log("I", f"NPU delegations: {calls} ({calls:.2f} per inference)")
        self._report(method)

    def _report(self, method: Method) -> None:
        """The PMU report of one execution of all delegates, or one line that says why there is none."""
        if not method.delegates:
            self.log("I", NO_CYCLES.format("nothing is delegated"))
            return
        figures = [self._estimate(delegate) for delegate in method.delegates]
        total = 0
        counts: dict[str, int] = {}
        seconds = 0.0
        for cycles in figures:
            if isinstance(cycles, str):
                self.log("I", NO_CYCLES.format(cycles))
                return
            total += cycles.npu
            seconds += cycles.seconds
            for name, count in cycles.events.items():
                counts[name] = counts.get(name, 0) + count
        self.simulated_s = (self.simulated_s or 0.0) + seconds
        self.log("I", "Ethos-U PMU report: (estimated by a cycle model)")
        self.log("I", f"ethosu_pmu_cycle_cntr : {total} ({total:.2f} per inference)")
        for number, count in enumerate(counts.values()):
            self.log("I", f"ethosu_pmu_cntr{number} : {count} ({count:.2f} per inference)")
        if counts:
            self.log("I", f"Ethos-U PMU Events:[{', '.join(counts)}]")

    def _write(self, job: Job, method: Method) -> None:
        outputs = method.outputs
        self.log("I", f"{len(outputs)} outputs: ")
        for number, tensor in enumerate(outputs):
            if job.output is None:
                self._print_output(number, tensor)
                continue
            name = f"{job.output}-{number}.bin"
            self.log("I", f"Writing output to file: {name}")
            try:
                (job.folder / name).write_bytes(tensor.bytes.tobytes())
            except OSError as error:
                what = f"Could not open file {name} (errno: {error.errno}) for writing, exiting!"
                raise RunnerError(what) from error

    def _print_output(self, number: int, tensor: Tensor) -> None:
        flat = tensor.bytes.view(tensor.meta.dtype)
        kind = "float" if tensor.meta.dtype.kind == "f" else "int"
        for index, value in enumerate(flat[:SHOWN_OUTPUTS].tolist()):
            text = f"{value:f}" if kind == "float" else str(int(value))
            self.print(f"Output[{number}][{index}]: ({kind}) {text}")

    def _serve(self, job: Job, method: Method) -> None:
        """Run an inference for each line of standard input, with inputs read anew; its end ends the program."""
        self.log("I", "Running in semihosting server mode.")
        if sys.stdin is None:  # it was closed
            return
        for _ in standard_input.lines(sys.stdin.fileno()):
            self._prepare(job, method)
            self._execute(method)
            self._write(job, method)
            self.print(f"SERVER_INFERENCE_DONE {self._served}")
            self._served += 1

    def _run_placed(self, program: bytes, inputs: Sequence[bytes]) -> None:
        job = Job(Path(), "", (), None)
        method, cases = self._load(program)
        if cases is not None:
            self._verify(job, method, cases)
            return
        self.log("I", "Preparing inputs...")
        self._fill_placed(method, inputs)
        self.log("I", "Input prepared.")
        self._infer(method)
        self._write(job, method)

    def _fill_placed(self, method: Method, inputs: Sequence[bytes]) -> None:
        data = b"".join(inputs)
        for tensor in method.inputs:
            if tensor is None:
                continue
            if inputs:
                self._fill(tensor, data[: tensor.meta.nbytes])
                data = data[tensor.meta.nbytes :]
            else:
                tensor.array.fill(1)
        if data:
            total = sum(len(one) for one in inputs)
            raise RunnerError(f"input size ({total}) and tensor size ({total - len(data)}) mismatch!")

    def _verify(self, job: Job, method: Method, cases: Sequence[Case]) -> None:
        """Run the bundled test cases. ExecuTorch's runner runs the first; its outputs are those that are written."""
        if not cases:
            raise RunnerError(f"No method named '{method.plan.name}' in given bundled program, or no test case for it")
        good = True
        for number, case in enumerate(cases):
            self.log("I", "Preparing inputs...")
            self.log("I", f"Input testset[{number}] from bundled bpte")
            if (why := bundled.misfit(case.inputs, method.plan, method.plan.inputs, "input")) is not None:
                raise RunnerError(f"load_bundled_input failed with status 0x12: {why}")
            verification.load(case, method)
            self.log("I", "Input prepared.")
            self._infer(method)
            if number == 0:
                self._write(job, method)
            verdict = verification.verify(number, case, method)
            for level, text in verdict.lines:
                self.log(level, text)
            self.log("I", f"Model run: {verdict.good:d}")
            good = good and verdict.good
        if not good:
            raise BundleFailed
