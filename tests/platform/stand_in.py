"""A stand-in for Arm's FVP, to be put on PATH under its name: its command line, its shapes of output, our simulator.

What runs on it is told by the runner's ELF file, as on the real one; ``STAND_IN`` in the environment picks a fault. Its
words are ours where text is free, and its figures are the simulator's. It never says that it is an FVP of Arm's.
"""

import base64
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.platform.fake_fvp import hang, interrupted, log, platform, statistics, uart
from tui.model import pte
from tui.platform import inspection
from tui.simulator import cycle_model
from tui.simulator.interpreter import Method
from tui.simulator.parameters import Settings
from tui.toolchain import boards, firmware_images

AS = os.environ.get("STAND_IN_AS", boards.DEFAULT.fvp.binary)
BOARD = next(board for board in boards.BOARDS if board.fvp.binary == AS)
"""The board whose FVP it is called as."""
NAMES = BOARD.parameters
IS_300 = BOARD is not boards.CORSTONE_320
VERSION = "Fast Models [11.27.42 (Dec  9 2024)]" if IS_300 else "Fast Models [11.27.25 (Sep 24 2024)]"
FAULT = os.environ.get("STAND_IN", "")
RENAMED = NAMES.windows[0], NAMES.windows[0].replace("disable-visualisation", "off")
RULE = "#" + "-" * 78


def listing() -> str:
    """The simulator's parameters as a later or earlier version might list them."""
    text = Settings(BOARD).listing()
    return text.replace(*RENAMED) if FAULT == "renamed" else text


def value(arguments: list[str], option: str) -> list[str]:
    return [arguments[at + 1] for at, word in enumerate(arguments) if word == option]


def placed(arguments: list[str]) -> dict[int, bytes]:
    """What ``--data`` places in memory, by address."""
    found = {}
    for word in value(arguments, "--data"):
        name, _, address = word.rpartition("@")
        found[int(address, 0)] = Path(name).read_bytes()
    return found


def result(program: bytes, given: bytes | None, macs: int) -> tuple[Method, int, dict[str, int]]:
    """A program after one inference on the bytes given, else on ones; NPU cycles and events."""
    method = Method(pte.parse(program))
    for tensor in method.inputs:
        if tensor is None:
            continue
        if given is None:
            tensor.array.fill(1)
        else:
            tensor.bytes[:] = memoryview(given[: tensor.meta.nbytes])
            given = given[tensor.meta.nbytes :]
    method.execute()
    model = cycle_model.model(Settings(BOARD))
    found = [model(delegate) for delegate in method.delegates]
    known = [one for one in found if not isinstance(one, str)]
    events: dict[str, int] = {}
    for one in known:
        for name, count in one.events.items():
            events[name] = events.get(name, 0) + count
    return method, sum(one.npu for one in known), events


def end(arguments: list[str], status: int = 0) -> None:
    platform("\nInfo: /OSCI/SystemC: Simulation stopped by user.")
    if IS_300:
        platform("[warning ][main@0][01 ns] Simulation stopped by user")
    if "--stat" in arguments:
        statistics("FVP_MPS3_Corstone_SSE_300" if IS_300 else "Corstone_SSE_320_Main")
    sys.exit(status)


def limit(arguments: list[str]) -> None:
    """The time given to it is over."""
    platform("\nInfo: Simulation is stopping. Reason: CPU time has been exceeded.")
    end(arguments)


def report(npu: int, events: dict[str, int]) -> None:
    place = "arm_perf_monitor.cpp:1 StopMeasurements"
    log("Ethos-U PMU report:", place=place)
    log(f"ethosu_pmu_cycle_cntr : {npu} ({npu}.00 per inference)", place=place)
    for number, count in enumerate(events.values()):
        log(f"ethosu_pmu_cntr{number} : {count} ({count}.00 per inference)", place=place)
    log(f"Ethos-U PMU Events:[{', '.join(events)}]", place=place)


def executor_runner(program: bytes, macs: int) -> None:
    """ExecuTorch's runner without files."""
    name = bytes(program[4:8]).decode("ascii", "replace") if len(program) > 8 else "...."
    log(f"PTE @ 0x70000000 [----{name}]")
    if not program.startswith(program[:4] + pte.IDENTIFIER):
        log("Program identifier '....' != expected 'ET12'", "E", "program.cpp:1 load")
        log("In function main(), assert failed: Program loading failed", "F")
        hang()
    log("Preparing inputs...")
    log("Starting running 1 inferences...")
    method, npu, events = result(program, None, macs)
    report(npu, events)
    log("1 inferences finished")
    log(
        "method_allocator_used:     4321 / 62914560  free: 62910239 ( used: 0 % ) ",
        place="arm_executor_runner.cpp:1 log",
    )
    log("method_allocator_planned:  1234 bytes", place="arm_executor_runner.cpp:1 log")
    log(f"{len(method.outputs)} outputs: ")
    words = {"int32": "(int) {:d}", "float32": "(float) {:f}", "int8": "(char) {:d}", "bool": "(bool) {0!s:5} ({0:#x})"}
    for i, tensor in enumerate(method.outputs):
        for j, element in enumerate(tensor.bytes.view(tensor.meta.dtype).tolist()):
            uart(f"Output[{i}][{j}]: " + words[str(tensor.meta.dtype)].format(element).lower())
    if FAULT == "error":
        log("Ethos-U invocation failed error (-1)", "E", "EthosUBackend.cpp:1 execute")
    if dump := os.environ.get("STAND_IN_ETDUMP"):
        text = base64.b64encode(Path(dump).read_bytes()).decode()
        uart("# Writing etdump.bin [base64]")
        uart(f'echo "{text if FAULT != "garble-etdump" else text[:-5]}" | base64 -d >etdump.bin')
    log("Model run: 1")
    log("Program complete, exiting.")
    uart("\x04")


def inference_runner(memory: dict[int, bytes], dump: list[str], macs: int) -> None:
    """Arm's inference runner."""
    uart("INFO - [Internal only] Ethos-U Evaluation Kit")
    program, given = memory[firmware_images.PROGRAM], memory[firmware_images.INPUTS]
    uart(f"INFO - Model pointer: {firmware_images.PROGRAM:#010x}")
    uart("I [ExecuTorch: EtModel.cc:1 Init()] Model PTE file loaded. Size: 33554432 bytes.")
    uart(
        f"INFO - 1 input tensor/s populated with {len(given)} bytes with data read from {firmware_images.INPUTS:#010x}"
    )
    uart("INFO - Running inference... ")
    method, npu, events = result(program, given, macs)
    samples = {"NPU TOTAL": npu, **{f"NPU {name}": count for name, count in events.items()}}
    uart("INFO - Profile for Inference:")
    for name, count in samples.items():
        uart(f"INFO - {name}: {count} {'cycles' if name == 'NPU TOTAL' else 'beats'}")
    groups = [
        {"profiling_group": "Inference", "count": 1, "samples": [{"name": n, "value": [c]} for n, c in samples.items()]}
    ]
    uart(f"INFO - <metrics>{base64.b64encode(json.dumps(groups).encode()).decode()}</metrics>")
    uart("INFO - Inference completed.")
    outputs = b"".join(tensor.bytes.tobytes() for tensor in method.outputs)
    count, place = len(method.outputs), f"{firmware_images.OUTPUTS:#010x}"
    uart(f"INFO - {count} output tensor/s worth {len(outputs)} bytes copied to {place}")
    for word in dump:
        name, _, place = word.partition("=")[2].partition("@")
        assert place == f"Memory:{firmware_images.OUTPUTS:#x},{len(outputs)}", place
        Path(name).write_bytes(outputs)
    uart("\x04")


def misbehave() -> None:
    if FAULT == "licence":
        platform("Fatal: license error: The license found is assigned to another user.")
        sys.exit(1)
    if FAULT == "library":
        platform("x: error while loading shared libraries: libpython3.9.so.1.0: cannot open shared object file")
        sys.exit(127)


def misbehave_later() -> None:
    if FAULT == "silent":
        hang()
    if FAULT == "deaf":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        hang()
    if FAULT == "flood":
        while True:
            platform("flood " * 100)
    if FAULT == "garble":
        sys.stdout.flush()
        os.write(1, bytes(range(256)) * 40 + b"\x1b]52;c;AAAA\x07\x1b[2J\n")
    if FAULT == "says":
        # Whatever the runner is: these words, these outputs, this end.
        for line in json.loads(os.environ["STAND_IN_LINES"]):
            uart(line)
        if size := int(os.environ.get("STAND_IN_OUTPUT", "0")):
            cwd = dict(word.split("=", 1) for word in value(sys.argv, "-C"))[NAMES.semihosting("cwd")]
            (Path(cwd) / "out-0.bin").write_bytes(bytes(size))
        platform("\nInfo: /OSCI/SystemC: Simulation stopped by user.")
        for line in json.loads(os.environ.get("STAND_IN_LAST", "[]")):
            platform(line)
        if os.environ.get("STAND_IN_END") == "abort":
            os.abort()
        os._exit(int(os.environ.get("STAND_IN_END", "0")))
    if FAULT.startswith("die-"):
        text = "I [executorch:arm_executor_runner.cpp:1 main()] PTE @ 0x70000000 [----ET12]\r\n" * 20
        os.write(1, text.encode()[: int(FAULT.removeprefix("die-"))])
        os._exit(3)


def semihosting(arguments: list[str]) -> None:
    """ExecuTorch's runner with files is what the simulator prints and does; the board prints its own around it."""
    if dump := os.environ.get("STAND_IN_ETDUMP"):
        settings = dict(word.split("=", 1) for word in value(arguments, "-C"))
        shutil.copyfile(dump, Path(settings[NAMES.semihosting("cwd")]) / "etdump.bin")
    at = arguments.index("-a")
    words = [sys.executable, "-u", "-m", "tui.simulator", "--as", AS, *arguments[:at], *arguments[at + 2 :]]
    os.execv(sys.executable, words)


def main() -> None:
    arguments = sys.argv[1:]
    record = os.environ.get("STAND_IN_RECORD")
    misbehave()
    if "--version" in arguments:
        platform(VERSION)
        return
    if "-l" in arguments:
        platform(
            f"# Parameters:\n# instance.parameter=value  #(type, mode) default = 'def value' : description\n{RULE}"
        )
        platform(listing())
        return
    if record:
        Path(record).write_text(json.dumps(arguments))
    kind_of = inspection.inspect(Path(value(arguments, "-a")[0]))
    settings = dict(word.split("=", 1) for word in value(arguments, "-C"))
    macs = int(settings[NAMES.macs], 0)
    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGALRM, lambda *_: limit(arguments))
    signal.alarm(int(value(arguments, "--timelimit")[0]))
    for number, port in ((0, 5000), (2, 5001), (1, 5002), (5, 5003)):
        platform(f"telnetterminal{number}: Listening for serial connection on port {port}")
    if IS_300:
        platform("\n    Ethos-U rev 0badcafe --- Jan  1 2024 00:00:00\n")
    misbehave_later()
    if kind_of.kind == "semihosting":
        if settings.get(NAMES.semihosting("enable")) != "1":
            hang()
        semihosting(arguments)
    memory = placed(arguments)
    if kind_of.kind == "mlek":
        inference_runner(memory, value(arguments, "--dump"), macs)
    elif kind_of.kind == "address":
        executor_runner(memory.get(kind_of.pte_address, b""), macs)
    else:
        executor_runner(kind_of.program or b"", macs)
    end(arguments)


if __name__ == "__main__":
    main()
