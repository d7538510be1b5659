"""A stand-in for the FVP: takes its command line, prints the shapes it is documented to print, and fails on request.

Its figures are made up. The program's output is its first input with all bits flipped. UART lines end in CR LF, the
platform's own in LF, as on the FVP. ``--fault NAME`` picks a misbehaviour.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CPU = "mps4_board.subsystem.cpu0.semihosting"
BORN = time.monotonic()


def write(text: str) -> None:
    data = text.encode()
    while data:
        data = data[os.write(1, data) :]


def platform(text: str) -> None:
    write(text + "\n")


def uart(text: str) -> None:
    write(text + "\r\n")


def log(text: str, level: str = "I", place: str = "arm_executor_runner.cpp:1 main") -> None:
    uart(f"{level} [executorch:{place}()] {text}")


def statistics(name: str = "Corstone_SSE_320_Main") -> None:
    wall = max(time.monotonic() - BORN, 1e-6)
    platform(f"\n--- {name} statistics: ".ljust(79, "-"))
    platform(f"{'Simulated time':40}: 0.250000s")
    platform(f"{'User time':40}: 0.100000s")
    platform(f"{'Wall time':40}: {wall:.6f}s")
    platform(f"{'cpu0':40}:  12.50 MIPS (     1250000 Inst)")
    platform("-" * 79)


def end(status: int = 0, *, stat: bool = True) -> None:
    platform("\nInfo: /OSCI/SystemC: Simulation stopped by user.")
    if stat:
        statistics()
    sys.exit(status)


def report(cycles: int) -> None:
    place = "arm_perf_monitor.cpp:1 StopMeasurements"
    log("NPU Inferences : 1", place=place)
    log("NPU delegations: 1 (1.00 per inference)", place=place)
    log("Inference runtime: 900 CPU cycles total (900.00 per inference)", place=place)
    log("NOTE: CPU cycle values and ratio calculations require FPGA and identical CPU/NPU frequency", place=place)
    log("Ethos-U PMU report:", place=place)
    log(f"ethosu_pmu_cycle_cntr : {cycles} ({cycles}.00 per inference)", place=place)
    for i in range(2):
        log(f"ethosu_pmu_cntr{i} : {10 + i} ({10 + i}.00 per inference)", place=place)
    log("Ethos-U PMU Events:[ETHOSU_PMU_FIRST_EVENT, ETHOSU_PMU_SECOND_EVENT]", place=place)


def interrupted(_number: int, _frame: object) -> None:
    platform("\nInfo: Corstone_SSE_320_Main: Stopping simulation...")
    end()


def infer(words: list[str], cwd: Path) -> None:
    data = (cwd / words[words.index("-i") + 1]).read_bytes()
    report(1000 + len(data))
    log("1 outputs: ")
    log("Writing output to file: out-0.bin")
    (cwd / "out-0.bin").write_bytes(bytes(b ^ 0xFF for b in data))


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-C", action="append", default=[])
    parser.add_argument("-a")
    parser.add_argument("-l", action="store_true")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--timelimit")
    parser.add_argument("--stat", action="store_true")
    parser.add_argument("--fault", default="")
    parser.add_argument("--amount", type=int, default=0)
    parser.add_argument("--bytes", type=Path)
    given = parser.parse_args()
    if given.version:
        platform("Fast Models [11.27.25 (Sep 24 2024)]")
        return
    parameters = dict(item.split("=", 1) for item in given.C)
    if given.l:
        platform("a.board.size=0x4    # (int   , init-time) default = '0x4'    : How big. : [0x1:0x8]")
        return
    cwd = Path(parameters.get(f"{CPU}-cwd", "."))
    words = parameters.get(f"{CPU}-cmd_line", "").split()
    if given.bytes:
        os.write(1, given.bytes.read_bytes())
        return
    misbehave(given.fault, given.amount)

    signal.signal(signal.SIGINT, interrupted)
    for number, port in ((0, 5000), (2, 5001), (1, 5002), (5, 5003)):
        platform(f"telnetterminal{number}: Listening for serial connection on port {port}")
    if given.fault == "hang":
        uart("up")
        hang()
    log("PTE @ 0x70000000 [----ET12]")
    log("Method 'forward' loaded.")
    log("Preparing inputs...")
    server = "--server_mode" in words and given.fault != "no-server"
    if given.fault == "error":
        log("Ethos-U invocation failed error (-1)", "E", "EthosUBackend.cpp:1 execute")
    if server:
        log("Running in semihosting server mode.")
        done = 0
        while sys.stdin.readline():
            if given.fault == "die-serving" and done == 1:
                os._exit(3)
            if given.fault == "stuck" and done == given.amount:
                hang()
            infer(words, cwd)
            log(f"SERVER_INFERENCE_DONE {done}")
            done += 1
            if given.fault == "stay" and done == given.amount:
                hang()
    else:
        log("Starting running 1 inferences...")
        infer(words, cwd)
        log("1 inferences finished")
    log("Model run: 1")
    log("method_allocator_used:     100 / 1000  free: 900 ( used: 10 % ) ")
    log("Program complete, exiting.")
    end(stat=given.stat)


def misbehave(fault: str, amount: int) -> None:
    """The faults that need no program on the platform."""
    if fault == "die":
        platform("half a li")
        os._exit(3)
    if fault == "instant":
        write("".join(f"line {n}\n" for n in range(amount)))
        os._exit(0)
    if fault == "flood":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            write("flood " * 200 + "\n")
    if fault == "deaf":
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        uart("deaf")
        hang()
    if fault == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if fault == "limit":
        uart("working")
        platform("\nInfo: Simulation is stopping. Reason: CPU time has been exceeded.")
        end()
    if fault == "leave":
        # A grandchild that holds the pty open; it tells its number first, for the test to look for it.
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        platform(f"left behind {child.pid}")
        platform("Program complete, exiting.")
        os._exit(0)
    if fault == "huge":
        write("y" * amount + "\r\n")
        platform("Program complete, exiting.")
        os._exit(0)


def hang() -> None:
    """Until a signal ends it. One that comes just before the wait is not missed, as pause() may miss it."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    while True:
        os.read(woken, 1)


if __name__ == "__main__":
    main()
