"""Consoles of our own making, one for each generation of runner, with the figures that must come out.

Only the shapes of the lines are those of real programs; models, sizes and counts are invented.
"""

from dataclasses import dataclass, field

EVENTS_4 = ["ETHOSU_PMU_EXT0_RD_DATA_BEAT_RECEIVED", "ETHOSU_PMU_EXT1_RD_DATA_BEAT_RECEIVED", "AXI0_WRITTEN", "IDLE"]
EVENTS_7 = ["SRAM_RD", "SRAM_WR", "EXT_RD", "EXT_WR", "ETHOSU_PMU_NPU_IDLE", "ETHOSU_PMU_MAC_ACTIVE", "WD_ACTIVE"]

PORTS = [f"telnetterminal{n}: Listening for serial connection on port {5000 + i}" for i, n in enumerate((0, 5, 1, 2))]
BANNER = ["", "    Ethos-U rev 0badcafe --- Jan  2 2025 03:04:05", "    (C) COPYRIGHT 2019-2025 Arm Limited", ""]
STOPPED = ["", "Info: /OSCI/SystemC: Simulation stopped by user."]
WARNED = [*STOPPED, "[warning ][main@0][4711 ns] Simulation stopped by user"]


@dataclass(frozen=True)
class Console:
    """What was printed and what it means."""

    name: str
    text: bytes
    phases: list[str]
    npu: list[int | None]
    cpu: list[int | None]
    pmu: list[dict[str, int]] = field(default_factory=list)
    pools: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    statistics: tuple[int | None, float | None, float | None, float | None] | None = None
    verdict: str = "pass"


def _prefixed(form: str, lines: list[str]) -> list[str]:
    return [form.format(line=n, text=text) for n, text in enumerate(lines, 100)]


def _current(lines: list[str]) -> list[str]:
    return _prefixed("I [executorch:arm_executor_runner.cpp:{line} run_model()] {text}", lines)


def _older(lines: list[str]) -> list[str]:
    return _prefixed("I [executorch:arm_executor_runner.cpp:{line}] {text}", lines)


def _oldest(lines: list[str]) -> list[str]:
    return _prefixed("I executorch:runner.cpp:{line}] {text}", lines)


def _crlf(lines: list[str]) -> list[str]:
    return [line + "\r" for line in lines]


def _join(*parts: list[str]) -> bytes:
    return "".join(line + "\n" for part in parts for line in part).encode()


def _report(npu: int, counts: list[int], names: list[str], cpu: int, n: int | None) -> list[str]:
    def per(value: int) -> str:
        return "" if n is None else f" ({value / n:.2f} per inference)"

    return [
        f"NPU Inferences : {n or 1}",
        "Profiler report, CPU cycles per operator:",
        f"ethos-u : cycle_cnt : {cpu // 2} cycles{per(cpu // 2)}",
        f"Operator(s) total: {cpu // 2} CPU cycles{per(cpu // 2)}",
        f"Inference runtime: {cpu} CPU cycles total{per(cpu)}",
        "NOTE: CPU cycle values and ratio calculations require FPGA and identical CPU/NPU frequency",
        "Inference CPU ratio: 12.34 %",
        "Ethos-U PMU report:",
        f"ethosu_pmu_cycle_cntr :  {npu}{per(npu)}",
        *(f"ethosu_pmu_cntr{i} : {count}{per(count)}" for i, count in enumerate(counts)),
        f"Ethos-U PMU Events:[{', '.join(names)}]",
    ]


COUNTS_7 = [700, 70, 7, 0, 40, 5000, 60]
MEMORY = [
    "model_pte_program_size:     4096 bytes.",
    "model_pte_loaded_size:      4096 bytes. (pte size unknown when not baked into elf)",
    "input_file_allocator_used: 96 / 640 free: 544 ( used: 15 % ) ",
    "method_allocator_used:     1200 / 64000  free: 62800 ( used: 1 % ) ",
    "method_allocator_planned:  512 bytes",
    "planned_fast_used:         33 bytes",
    "temp_allocator:            2048",
]
POOLS = {
    "model_pte_program": (None, 4096),
    "input_file_allocator": (96, 640),
    "method_allocator": (1200, 64000),
    "method_allocator_planned": (512, None),
    "planned_fast": (33, None),
    "temp_allocator": (None, 2048),
}

OLDEST = Console(
    "oldest",
    _join(
        BANNER,
        _crlf(
            _oldest(
                [
                    "Model PTE file loaded. Size: 77 bytes.",
                    "Preparing inputs...",
                    "Starting the model execution...",
                    "Model executed successfully.",
                    "1 outputs: ",
                ]
            )
        ),
        _crlf(["Output[0][0]: 7", "Application exit code: 0.", "", "EXITTHESIM"]),
        WARNED,
    ),
    ["boot", "load", "prepare", "infer", "report", "exit"],
    [None],
    [None],
    [{}],
)

OLDER = Console(
    "older",
    _join(
        PORTS,
        BANNER,
        _crlf(_older(["Model in 0x70000000 $", "Preparing inputs...", "Starting the model execution..."])),
        _crlf(_older(_report(5555, [11, 22, 33, 44], EVENTS_4, 6666, None))),
        _crlf(_older(MEMORY[2:])),
        _crlf(_older(["Model executed successfully.", "1 outputs: ", "Program complete, exiting.", "\x04"])),
        WARNED,
    ),
    ["boot", "load", "prepare", "infer", "report", "exit"],
    [5555],
    [6666],
    [dict(zip(EVENTS_4, [11, 22, 33, 44], strict=True))],
    {name: pool for name, pool in POOLS.items() if name != "model_pte_program"},
)

PATCHED = Console(
    "patched: no prefix, chatter of its own, the end of transmission alone on its line",
    _join(
        PORTS,
        ["PTE @ 0x73e00000 [----ET12]", "[app] loading", "Preparing inputs...", "Starting running 1 inferences..."],
        ["[app] go", *_report(321, [3, 2, 1, 0], EVENTS_4, 0, 1), "[app] done", "1 inferences finished"],
        [*MEMORY, "Model run: 1", "Program complete, exiting.", "\x04"],
        STOPPED,
    ),
    ["boot", "load", "prepare", "infer", "report", "exit"],
    [321],
    [None],
    [dict(zip(EVENTS_4, [3, 2, 1, 0], strict=True))],
    POOLS,
)

CURRENT = Console(
    "current, with statistics",
    _join(
        PORTS,
        _crlf(_current(["Running executor with parameter:", "   executor_runner", "PTE @ 0x70000000 [----ET12]"])),
        _crlf(_current(["Setup Method allocator pool. Size: 64000 bytes.", "Preparing inputs...", "Input prepared."])),
        _crlf(_current(["Starting running 1 inferences..."])),
        _crlf(_current(_report(9876, COUNTS_7, EVENTS_7, 54321, 1))),
        _crlf(_current(["1 inferences finished", "1 outputs: ", "Writing output to file: out-0.bin", "Model run: 1"])),
        _crlf(_current([*MEMORY, "Program complete, exiting."])),
        STOPPED,
        [
            "",
            "--- Corstone_SSE_320_Main statistics: " + "-" * 41,
            f"{'Simulated time':40}: 1.500000s",
            f"{'User time':40}: 2.000000s",
            f"{'System time':40}: 0.250000s",
            f"{'Wall time':40}: 3.000000s",
            f"{'Performance index':40}: 0.50",
            f"{'cpu0':40}:  20.00 MIPS (    60000000 Inst)",
            f"{'cpu1':40}:   1.00 MIPS (     3000000 Inst)",
            f"{'Total':40}:  21.00 MIPS (    63000000 Inst)",
            f"{'Memory highwater mark':40}: 0x100 bytes ( 0.000 GB )",
            "-" * 79,
        ],
    ),
    ["boot", "load", "prepare", "infer", "report", "exit"],
    [9876],
    [54321],
    [dict(zip(EVENTS_7, COUNTS_7, strict=True))],
    POOLS,
    (63000000, 21.0, 1.5, 3.0),
)

MANY = Console(
    "current, several inferences in one go: the mean of them",
    _join(
        _crlf(_current(["Starting running 4 inferences..."])),
        _crlf(_current(_report(4000, [40, 8, 0, 4], EVENTS_4, 8000, 4))),
        _crlf(_current(["4 inferences finished", "Program complete, exiting."])),
    ),
    ["boot", "infer", "report", "exit"],
    [1000],
    [2000],
    [dict(zip(EVENTS_4, [10, 2, 0, 1], strict=True))],
)

SERVER = Console(
    "current, server mode: a report for each",
    _join(
        _crlf(_current(["PTE @ 0x70000000 [----ET12]", "Preparing inputs...", "Running in semihosting server mode."])),
        _crlf(_current([*_report(100, [1], ["ONE"], 10, 1), "1 outputs: ", "SERVER_INFERENCE_DONE 0"])),
        _crlf(_current([*_report(200, [2], ["ONE"], 20, 1), "1 outputs: ", "SERVER_INFERENCE_DONE 1"])),
        _crlf(_current(["Model run: 1", "Program complete, exiting."])),
    ),
    ["boot", "load", "prepare", "report", "exit"],
    [100, 200],
    [10, 20],
    [{"ONE": 1}, {"ONE": 2}],
)

MLEK = Console(
    "evaluation kit",
    _join(
        _crlf(["INFO - Running inference on an image", "INFO - Profile for Inference :"]),
        _crlf(["INFO - NPU AXI0_RD_DATA_BEAT_RECEIVED beats: 31", "INFO - NPU IDLE cycles: 5"]),
        _crlf(["INFO - NPU TOTAL cycles: 99", "INFO - Inference completed."]),
    ),
    ["boot", "report"],
    [99],
    [None],
    [{"AXI0_RD_DATA_BEAT_RECEIVED": 31, "IDLE": 5}],
)

INTERLEAVED = Console(
    "sources that write into each other's lines",
    _join(
        ["CMD=0x000Interrupt. status=0xI [executorch:a.cpp:1 f()] PTE @ 0x70000000 [----ET12]"],
        ["I [executorch:a.cpp:2 f()] Preparing inputs...I [executorch:b.cpp:3 g()] Starting running 1 inferences..."],
        ["xterm: xterm: Xt error: Can't open display:"],
        [*_current(_report(8, [1], ["A"], 9, 1)), "half a lI [executorch:a.cpp:9 f()] 1 inferences finished"],
        ["I [executorch:a.cpp:9 f()] Program complete, exiting.\x04Info: /OSCI/SystemC: Simulation stopped by user."],
    ),
    ["boot", "load", "prepare", "infer", "report", "exit"],
    [8],
    [9],
    [{"A": 1}],
)

NO_MODEL = Console(
    "a simulator without a cycle model for this program",
    _join(
        _current(["PTE @ 0x0 [----ET12]", "Preparing inputs...", "Starting running 1 inferences..."]),
        ["Info: fvp-sim: no cycle model for this accelerator, no PMU report"],
        _current(["1 inferences finished", "Program complete, exiting."]),
        STOPPED,
    ),
    ["boot", "load", "prepare", "infer", "report", "exit"],
    [None],
    [None],
    [{}],
)

ALL = (OLDEST, OLDER, PATCHED, CURRENT, MANY, SERVER, MLEK, INTERLEAVED, NO_MODEL)
