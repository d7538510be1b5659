"""Consoles of our own making, captured elsewhere, in the dialects that are found in the wild, with what each means.

Only the shapes of the lines are those of real programs; models, sizes and counts are invented.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Captured:
    """A text, and what reading it must give. `inference` has fields of the first inference."""

    name: str
    lines: tuple[str, ...]
    badge: str
    outcome: str
    inferences: int
    inference: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    notes: tuple[str, ...] = ()
    """Words of notes that must be there."""

    @property
    def text(self) -> bytes:
        return self.ended("\r\n")

    def ended(self, end: str) -> bytes:
        return "".join(line + end for line in self.lines).encode()

    def within(self, around: str) -> bytes:
        """The text as a CI system or a terminal shows it, line by line."""
        return "".join(around.format(line) + "\n" for line in self.lines).encode()


FVP = "FVP - cycles measured, read from a log"
BOARD = "BOARD - cycles measured"
SIMULATOR = "SIMULATOR - cycles estimated, read from a log"
NOBODY = "LOG - whose cycles, it does not say"

LIBRARY = Captured(
    "the library's default prefix, as a runner prints it that does not override it",
    (
        "telnetterminal0: Listening for serial connection on port 5000",
        "I 00:00:00.000120 executorch:runner.cpp:64] PTE @ 0x70000000 [----ET12]",
        "I 00:00:00.010120 executorch:runner.cpp:70] Preparing inputs...",
        "I 00:00:00.020120 executorch:runner.cpp:90] Starting running 1 inferences...",
        "I 00:00:01.902250 executorch:monitor.cpp:5] Inference runtime: 9001 CPU cycles total (9001.00 per inference)",
        "I 00:00:01.902250 executorch:monitor.cpp:6] ethosu_pmu_cycle_cntr :  7001 (7001.00 per inference)",
        "I 00:00:01.902250 executorch:monitor.cpp:7] ethosu_pmu_cntr0 : 41 (41.00 per inference)",
        "I 00:00:01.902250 executorch:monitor.cpp:8] Ethos-U PMU Events:[ETHOSU_PMU_SRAM_RD]",
        "I 00:00:01.902250 executorch:runner.cpp:91] 1 inferences finished",
        "I 00:00:01.902250 executorch:runner.cpp:92] 1 outputs: ",
        "Output[0][0]: (float) 0.250000",
        "Output[0][1]: (float) -1.500000",
        "I 00:00:01.902250 executorch:runner.cpp:93] Program complete, exiting.",
        "Info: /OSCI/SystemC: Simulation stopped by user.",
    ),
    FVP,
    "ok",
    1,
    {"npu_cycles": 7001, "cpu_cycles": 9001, "pmu": {"ETHOSU_PMU_SRAM_RD": 41}, "source": "measured"},
)

NANO = Captured(
    "newlib-nano on a board, whose printf knows neither sizes nor long numbers",
    (
        "msh />net_run",
        "[net] inference start",
        "I 00:00:00.000000 executorch:Backend.cpp:zu] ready",
        "[executorch] pre-call tick=9095",
        "[executorch] post-call tick=9132 status=0",
        "ethosu_pmu_cycle_cntr : lu ( per inference)",
        "[net] inference PASS",
    ),
    BOARD,
    "ok",
    1,
    {"npu_cycles": None},
    notes=("newlib-nano", "37 ticks; it does not tell how long a tick is"),
)

DELEGATES = Captured(
    "a PMU report of each delegate",
    (
        "FVP_Corstone_SSE-320 -a runner",
        "I [executorch:arm_executor_runner.cpp:9 run()] Starting running 2 inferences...",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] NPU Inferences : 2",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] Ethos-U PMU report:",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] ethosu_pmu_cycle_cntr :  300 (150.00 per inference)",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] ethosu_pmu_cntr0 : 20 (10.00 per inference)",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] Ethos-U per-delegate PMU report:",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] Ethos-U delegate 0: 2 backend invocations, 2 NPU invocations",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] Ethos-U delegate 0 PMU cycles: 220",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] Ethos-U delegate 0 PMU counter 0: 15",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] Ethos-U delegate 1: 2 backend invocations, 1 NPU invocations",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] Ethos-U delegate 1 PMU cycles: 80",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] Ethos-U delegate 1 PMU counter 0: 5",
        "I [executorch:arm_perf_monitor.cpp:9 stop()] Ethos-U PMU Events:[ETHOSU_PMU_EXT_RD]",
        "I [executorch:arm_executor_runner.cpp:9 run()] 2 inferences finished",
        "I [executorch:arm_executor_runner.cpp:9 main()] Program complete, exiting.",
    ),
    FVP,
    "ok",
    1,
    {
        "npu_cycles": 150,
        "pmu": {"ETHOSU_PMU_EXT_RD": 10},
        "delegates": (
            {
                "delegate": 0,
                "backend_invocations": 2,
                "npu_invocations": 2,
                "npu_cycles": 220,
                "pmu": {"ETHOSU_PMU_EXT_RD": 15},
            },
            {
                "delegate": 1,
                "backend_invocations": 2,
                "npu_invocations": 1,
                "npu_cycles": 80,
                "pmu": {"ETHOSU_PMU_EXT_RD": 5},
            },
        ),
    },
    notes=("figures are their mean",),
)

BUNDLE = Captured(
    "a bundled program that the runner itself has compared",
    (
        "telnetterminal0: Listening for serial connection on port 5000",
        "I [executorch:r.cpp:1 f()] PTE @ 0x70000000 [BP08]",
        "I [executorch:r.cpp:1 f()] Preparing inputs...",
        "I [executorch:r.cpp:1 f()] Input testset[0] from bundled bpte",
        "I [executorch:r.cpp:1 f()] Starting running 1 inferences...",
        "I [executorch:r.cpp:1 f()] ethosu_pmu_cycle_cntr :  640 (640.00 per inference)",
        "I [executorch:r.cpp:1 f()] 1 inferences finished",
        "I [executorch:r.cpp:1 f()] === Error stats for testset 0 ===",
        "I [executorch:r.cpp:1 f()]  mean_absolute_error: 0.001250",
        "I [executorch:r.cpp:1 f()]  max_absolute_error:  0.004500",
        "I [executorch:r.cpp:1 f()]  mean_relative_error: 0.010000",
        "I [executorch:r.cpp:1 f()]  max_relative_error:  0.250000",
        "I [executorch:r.cpp:1 f()] Model output match expected BundleIO bpte ref data.",
        "I [executorch:r.cpp:1 f()] TEST: BundleIO index[0] Test_result: PASS",
        "I [executorch:r.cpp:1 f()] Model run: 1",
        "I [executorch:r.cpp:1 f()] Program complete, exiting.",
    ),
    FVP,
    "ok",
    1,
    {"npu_cycles": 640},
)

KIT = Captured(
    "the evaluation kit, with a counter that overflowed",
    (
        "INFO - WARN - MPS4_SCC->CFG_ACLK reads 0",
        "INFO - Running inference on an image => a.bmp",
        "INFO - Inference 1/2",
        "WARN - Counter overflow detected for NPU IDLE.",
        "INFO - Inference 2/2",
        "INFO - Total number of inferences: 2",
        "INFO - Profile for Inference:",
        "INFO - NPU AXI0_RD_DATA_BEAT_RECEIVED beats: 4711",
        "INFO - NPU ACTIVE cycles: 500",
        "INFO - NPU IDLE cycles: 4294967295",
        "INFO - NPU TOTAL cycles: 600",
        "INFO - CPU TOTAL: 77 cycles",
        "INFO - DURATION: 12 milliseconds",
        "INFO - Main loop terminated.",
        "INFO - program terminating...",
    ),
    NOBODY,
    "ok",
    1,
    {
        "npu_cycles": 600,
        "cpu_cycles": 77,
        "program_ms": 12.0,
        "pmu": {"AXI0_RD_DATA_BEAT_RECEIVED": 4711},
        "source": None,
    },
    notes=("NPU IDLE overflowed", "one profile for 2 inferences", "--from fvp or --from board"),
)

UNPROFILED = Captured(
    "the evaluation kit without a profile",
    (
        "INFO - Running inference on audio clip 0 => a.wav",
        "INFO - Inference 1/2",
        "INFO - Inference 2/2",
        "INFO - Total number of inferences: 2",
        "INFO - Complete recognition: hello",
        "INFO - Main loop terminated.",
        "INFO - program terminating...",
        "INFO - releasing platform Arm Corstone-300 (SSE-300)",
    ),
    NOBODY,
    "ok",
    2,
    {"npu_cycles": None},
    notes=("no PMU report",),
)

ZEPHYR = Captured(
    "Zephyr, which ends in a fault",
    (
        "*** Booting Zephyr OS build v4.4.0 ***",
        "[00:00:00.400,000] <inf> app: PTE @ 0x61000000 [----ET12]",
        "[00:00:01.000,000] <err> os: ***** MPU FAULT *****",
        "[00:00:01.000,000] <err> os:   Data Access Violation",
        "[00:00:01.000,000] <err> os: >>> ZEPHYR FATAL ERROR 19: Unknown error on CPU 0",
        "[00:00:01.000,000] <err> os: Halting system",
    ),
    NOBODY,
    "failed",
    0,
    reason="MPU fault",
)

ALIF = Captured(
    "a sample under Zephyr that prints its own time",
    (
        "*** Booting Zephyr OS build v4.4.0 ***",
        "I [executorch:main.cpp] Model PTE at 0x80077000, Size: 77 bytes",
        "I [executorch:main.cpp] Preparing input: static image",
        "I [executorch:main.cpp] ",
        "--- Starting inference ---",
        "I [executorch:main.cpp] Inference completed in 30 ms",
        "I [executorch:main.cpp] Demo Complete",
    ),
    NOBODY,
    "ok",
    1,
    {"npu_cycles": None, "program_ms": 30.0},
    notes=("took 30 ms",),
)

JOBS = Captured(
    "inference jobs of Arm's core platform, ended by a tag",
    (
        "Info: FVP_MPS3_Corstone_SSE_300: Creating Ethos-U55 with config H128",
        "Received inference job. job=30073fc0, name=cat",
        "Running inference job: cat",
        "Finished running job: cat",
        "Running inference job: dog",
        "Finished running job: dog",
        "EXITTHESIM",
    ),
    FVP,
    "ok",
    2,
    {"npu_cycles": None},
    notes=("no PMU report",),
)

PYTHON = Captured(
    "an FVP whose Python aborts after all has been done",
    (
        "telnetterminal0: Listening for serial connection on port 5000",
        "I [executorch:r.cpp:1 f()] Starting running 1 inferences...",
        "I [executorch:r.cpp:1 f()] ethosu_pmu_cycle_cntr :  55 (55.00 per inference)",
        "I [executorch:r.cpp:1 f()] 1 inferences finished",
        "I [executorch:r.cpp:1 f()] Program complete, exiting.",
        "Info: /OSCI/SystemC: Simulation stopped by user.",
        "Fatal Python error: _Py_GetConfig: the function must be called with the GIL held",
        "[backends/arm/scripts/run_fvp.sh] Simulation complete, 134",
    ),
    FVP,
    "ok",
    1,
    {"npu_cycles": 55},
    notes=("Arm knows of it",),
)

EXCERPT = Captured(
    "an excerpt of a report, within the output of a build",
    (
        "E: Unable to locate package nothing",
        "nvidia-smi: command not found",
        "ERROR - of the build",
        "I [executorch:arm_perf_monitor.cpp:180] Ethos-U PMU report:",
        "I [executorch:arm_perf_monitor.cpp:181] ethosu_pmu_cycle_cntr : 4738 (4738.00 per inference)",
        "I [executorch:arm_perf_monitor.cpp:184] ethosu_pmu_cntr0 : 14 (14.00 per inference)",
    ),
    NOBODY,
    "unknown",
    1,
    {"npu_cycles": 4738, "pmu": {"ethosu_pmu_cntr0": 14}},
    reason="not the program's end",
)

SIMULATED = Captured(
    "what our own simulator prints",
    (
        "I [executorch:executor_runner.py] PTE @ 0x70000000 [----ET12]",
        "I [executorch:executor_runner.py] Starting running 1 inferences...",
        "I [executorch:executor_runner.py] ethosu_pmu_cycle_cntr :  77 (77.00 per inference)",
        "I [executorch:executor_runner.py] 1 inferences finished",
        "I [executorch:executor_runner.py] Program complete, exiting.",
        "Info: /OSCI/SystemC: Simulation stopped by user.",
    ),
    SIMULATOR,
    "ok",
    1,
    {"npu_cycles": 77, "source": "estimated"},
)

ALL = (LIBRARY, NANO, DELEGATES, BUNDLE, KIT, UNPROFILED, ZEPHYR, ALIF, JOBS, PYTHON, EXCERPT, SIMULATED)

AROUND = {
    "GitHub": "2026-09-16T10:11:12.1234567Z {}",
    "gh run view": "run-fvp\tRun the model\t\ufeff2026-09-16T10:11:12.1234567Z {}",
    "GitLab": "2026-09-16T10:11:12.123456Z 00O {}",
    "Jenkins": "[2026-09-16T10:11:12.123Z] {}",
    "minicom": "[2026-09-16 10:11:12] {}",
    "minicom, to the millisecond": "[2026-09-16 10:11:12.123] {}",
    "tio": "[10:11:12.123] {}",
    "a clock in brackets": "[12:34:56] {}",
    "ts": "Sep 16 10:11:12 {}",
    "ts -s": "00:00:12 {}",
    "ts of Unix time": "1789553472.123456 {}",
    "Tera Term": "[Wed Sep 16 10:11:12.123 2026] {}",
    "grabserial": "[12.345678 0.000123] {}",
    "seconds": "[   12.345678] {}",
    "a container in CI": "2026-09-16T10:11:12Z 10:11:12 {}",
    "colour": "\x1b[32m{}\x1b[0m",
    "stamp and colour": "\x1b[36m10:11:12\x1b[0m \x1b[1;31m{}\x1b[0m\x1b[K",
    "bytes that are no text": "\x00\x01{}",
}
"""Lines as others show them."""
