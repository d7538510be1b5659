"""What ExecuTorch's arm_executor_runner does when built for semihosting: load, prepare, infer, report, write outputs.

Its console text follows the runner's (examples/arm/executor_runner), message by message, so that whatever reads an
FVP's console reads this one. Figures are printed only where they are true: there is no CPU here, so
there are no CPU cycles.
"""

import inspect
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from tui import pte
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu85 import Command
from tui.simulator.interpreter import ExecutionError, LoadError, Method, Tensor

NO_CYCLES = "no PMU report: {}"
SHOWN_OUTPUTS = 100
"""Elements of an output printed where no file is asked for."""

OK, FAILED = 0, 1


class RunnerError(Exception):
    """The runner gives up; one line."""


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
    """What a cycle model makes of one execution of all delegates: estimates, never measurements."""

    npu: int
    events: dict[str, int]
    """PMU events by their names on the U85; those the model has no figure for are left out."""
    seconds: float
    """At the NPU's clock."""


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
    """One program on one NPU, printing as it goes."""

    def __init__(
        self,
        macs: int,
        estimate: Estimate,
        out: TextIO = sys.stdout,
        observe: Callable[[int, Command], None] | None = None,
    ) -> None:
        self._macs = macs
        self._estimate = estimate
        self._out = out
        self._observe = observe
        self._served = 0
        self.simulated_s: float | None = None
        """NPU time of all inferences by the cycle model; None where that has no figure."""

    def log(self, level: str, text: str) -> None:
        """A line as ExecuTorch's logging prints it, naming where in this file it comes from."""
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        line, name = (caller.f_lineno, caller.f_code.co_name) if caller is not None else (0, "")
        self.print(f"{level} [executorch:runner.py:{line} {name}()] {text}")

    def print(self, text: str) -> None:
        """A line of the program's console, ended as a UART ends it."""
        self._out.write(f"{text}\r\n")
        self._out.flush()

    def run(self, job: Job) -> int:
        """Run a job to its end; the program's exit status. Every failure is a line of the console."""
        return self._ended(lambda: self._run(job))

    def run_placed(self, program: bytes, given: Sequence[bytes]) -> int:
        """Run a program that was placed in memory, on the input bytes placed there, or on zeros."""
        return self._ended(lambda: self._run_placed(program, given))

    def _ended(self, program: Callable[[], None]) -> int:
        """Run a program and print how it ended."""
        try:
            program()
        except (RunnerError, LoadError, ExecutionError, pte.PteError) as error:
            self.log("E", str(error))
            self.log("E", "Problem running model")
            return FAILED
        self.log("I", "Model run: 1")
        self.log("I", "Program complete, exiting.")
        return OK

    def _run(self, job: Job) -> None:
        self.log("I", "Running executor with parameter:")
        self.log("I", f"   executor_runner -m {job.model} -o {job.output}")
        method = self._load(job)
        if job.server:
            self._serve(job, method)
            return
        self._prepare(job, method)
        self._infer(method)
        self._write(job, method)

    def _read(self, job: Job, name: str) -> bytes:
        path = job.folder / name
        try:
            return path.read_bytes()
        except OSError as error:
            what = f"Could not open file {name} (errno: {error.errno}) for reading, exiting!"
            raise RunnerError(what) from error

    def _load(self, job: Job) -> Method:
        self.log("I", f"Reading pte model from file {job.model}")
        data = self._read(job, job.model)
        self.log("I", f"PTE Model data loaded. Size: {len(data)} bytes.")
        try:
            program = pte.parse(data)
        except pte.PteError as error:
            raise RunnerError(f"Program loading failed: {error}") from error
        self.log("I", f"Model buffer loaded, has {len(program.plans)} methods")
        self.log("I", f"Running method {program.forward.name}")
        for index, size in enumerate(program.forward.buffer_sizes[1:], start=1):
            self.log("I", f"Setting up planned buffer with mem_id={index}, size {size}.")
        method = Method(program, self._observe)
        self.log("I", f"Method '{program.forward.name}' loaded.")
        self.log("I", f"model_pte_program_size: {len(data)} bytes.")
        self.log("I", f"method_allocator_planned: {sum(program.forward.buffer_sizes)} bytes")
        return method

    def _prepare(self, job: Job, method: Method) -> None:
        self.log("I", "Preparing inputs...")
        wanted = method.inputs
        if len(job.inputs) != len(wanted):
            raise RunnerError(f"Not right number of parameters! ({len(job.inputs)} of {len(wanted)} inputs are given)")
        for number, (name, tensor) in enumerate(zip(job.inputs, wanted, strict=True), start=1):
            self.log("I", f"Reading input tensor {number} from file {name}")
            data = self._read(job, name)
            # A number among the inputs is part of the program; its file says nothing the runner would read.
            if tensor is not None:
                self._fill(tensor, data)
        self.log("I", "Input prepared.")

    def _fill(self, tensor: Tensor, data: bytes) -> None:
        if len(data) != tensor.meta.nbytes:
            raise RunnerError(f"input size ({len(data)}) and tensor size ({tensor.meta.nbytes}) mismatch!")
        tensor.bytes[:] = np.frombuffer(data, np.uint8)

    def _check_macs(self, method: Method) -> None:
        for delegate in method.delegates:
            compiled = delegate.stream.macs_per_cycle
            if compiled != self._macs:
                npu, optimizer = self._macs.bit_length() - 1, compiled.bit_length() - 1
                self.print(f"E: NPU config mismatch: npu.macs_per_cc={npu} optimizer.macs_per_cc={optimizer}")
                raise RunnerError("Ethos-U invocation failed error (-1)")

    def _infer(self, method: Method) -> None:
        self.log("I", "Starting running 1 inferences...")
        self._execute(method)
        self.log("I", "1 inferences finished")

    def _execute(self, method: Method) -> None:
        self._check_macs(method)
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
        found = [self._estimate(delegate) for delegate in method.delegates]
        total = 0
        counts: dict[str, int] = {}
        seconds = 0.0
        for cycles in found:
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
        """One inference for each line of standard input, with inputs read anew; its end ends the program."""
        self.log("I", "Running in semihosting server mode.")
        for _ in sys.stdin:
            self._prepare(job, method)
            self._execute(method)
            self._write(job, method)
            self.print(f"SERVER_INFERENCE_DONE {self._served}")
            self._served += 1

    def _run_placed(self, program: bytes, given: Sequence[bytes]) -> None:
        self.log("I", f"PTE Model data loaded. Size: {len(program)} bytes.")
        method = Method(pte.parse(program), self._observe)
        self.log("I", f"Method '{method.plan.name}' loaded.")
        data = b"".join(given)
        for tensor in method.inputs:
            if tensor is not None and data:
                self._fill(tensor, data[: tensor.meta.nbytes])
                data = data[tensor.meta.nbytes :]
        if data:
            total = sum(len(one) for one in given)
            raise RunnerError(f"input size ({total}) and tensor size ({total - len(data)}) mismatch!")
        self._infer(method)
        self._write(Job(Path(), "", (), None), method)
