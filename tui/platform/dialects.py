"""Dialects of consoles: the texts that the parser understands, in one table, each with whoever prints it.

A program that says the same in other words is a new row. Prefixes of messages are in `tui.platform.lines`, blocks of
figures in `tui.platform.report` and `tui.platform.bundle_io`, failures in `tui.platform.failure_table`, time stamps in
`tui.platform.stamps`; each with its source, too.
"""

import re
from dataclasses import dataclass
from typing import Literal

from tui.platform.lines import is_platform

PHASES = ("boot", "load", "prepare", "infer", "report", "exit")

Meaning = Literal[
    "load", "prepare", "infer", "report", "exit", "planned", "done", "executed", "gave", "not executed", "complete"
]
"""Meaning of a text: the phase it begins; the number of inferences to come; an inference that has ended, was executed,
gave outputs or failed; the end of the program."""


@dataclass(frozen=True)
class Phrase:
    """A text of a program, by a regular expression. Groups are the figures in it."""

    meaning: Meaning
    pattern: str
    source: str
    """The program that prints it."""


_RUNNER = "ExecuTorch, examples/arm/executor_runner, arm_executor_runner.cpp"
_OLD_RUNNER = "ExecuTorch 0.3 to 0.7, runner.cpp and arm_executor_runner.cpp"
_MONITOR = "ExecuTorch, examples/arm/executor_runner, arm_perf_monitor.cpp"
_KIT = "Arm's ML Embedded Evaluation Kit"
_ARM_RUNNER = "Arm's inference runner in the wheel mlia-ethos-u"
_ALIF = "ExecuTorch's Zephyr sample for Alif Ensemble E8"
_PSOC = "an ExecuTorch port to PSoC Edge E84 under RT-Thread"
_JOBS = "inference jobs of Arm's Ethos-U core platform"
_FVP = "Arm's FVPs"
_TAG = "TensorFlow Lite Micro, microTVM and runners of ExecuTorch 0.3, as the tag that stops an FVP"

TABLE: tuple[Phrase, ...] = (
    Phrase("load", r"Running executor with parameter|Reading pte model|PTE @ |PTE Model data loaded", _RUNNER),
    Phrase("load", r"PTE in |Model in 0x|Model PTE file loaded", _OLD_RUNNER),
    Phrase("load", r"Model buffer loaded", _RUNNER),
    Phrase("load", r"Model PTE at 0x", _ALIF),
    Phrase("prepare", r"Preparing inputs?\b|Running in semihosting server mode", _RUNNER),
    Phrase("infer", r"Starting running \d", _RUNNER),
    Phrase("infer", r"Starting the model execution", _OLD_RUNNER),
    Phrase("infer", r"Running inference\.\.\.", _ARM_RUNNER),
    Phrase("infer", r"Starting inference\b", _ALIF),
    Phrase("infer", r"\binference start\b", _PSOC),
    Phrase("infer", r"^Running inference job: ", _JOBS),
    Phrase("report", r"NPU Inferences|Ethos-U PMU report", _MONITOR),
    Phrase("report", r"Profile for Inference", _KIT),
    Phrase("report", r"Inference completed", _ARM_RUNNER + "; " + _ALIF),
    Phrase("report", r"\d inferences finished|Model run: \d", _RUNNER),
    Phrase("report", r"Model executed successfully", _OLD_RUNNER),
    Phrase("report", r"\binference PASS\b", _PSOC),
    Phrase("report", r"^Finished running job: ", _JOBS),
    Phrase("exit", r"Program complete", _RUNNER),
    Phrase("exit", r"Simulation is stopping|Simulation stopped by user", _FVP),
    Phrase("exit", r"Application exit code", _OLD_RUNNER),
    Phrase("exit", r"^EXITTHESIM\b", _TAG),
    Phrase("exit", r"Main loop terminated|program terminating\.\.\.", _KIT),
    Phrase("planned", r"Starting running (\d{1,9}) inferences|(\d{1,9}) inferences finished\s*$", _RUNNER),
    Phrase("done", r"(?<!\d)[1-9]\d{0,8} inferences finished", _RUNNER),
    Phrase("done", r"SERVER_INFERENCE_DONE (?P<served>\d+)", _RUNNER + ", server mode"),
    Phrase("done", r"Model executed successfully", _OLD_RUNNER),
    Phrase("done", r"Inference completed in (?P<ms>\d{1,9}) ms\s*$", _ALIF),
    Phrase("done", r"\binference PASS\b", _PSOC),
    Phrase("done", r"^Finished running job: ", _JOBS),
    Phrase("executed", r"NPU Inferences|Ethos-U PMU report", _MONITOR),
    Phrase("executed", r"\d outputs: ", _RUNNER),
    Phrase("executed", r"Inference completed", _ARM_RUNNER + "; " + _ALIF),
    Phrase("gave", r"\d outputs: ", _RUNNER),
    Phrase("gave", r"Inference completed", _ARM_RUNNER + "; " + _ALIF),
    Phrase("not executed", r"Execution of method \S+ failed|Problem running model", _RUNNER),
    Phrase("not executed", r"Inference failed", _KIT),
    # Either half of "Program complete, exiting." will do, since others may write into that line too.
    Phrase("complete", r"Program complete|, exiting\.\s*$", _RUNNER),
    Phrase("complete", r"Application exit code: 0\b", _OLD_RUNNER),
    Phrase("complete", r"Inference completed", _ARM_RUNNER + "; " + _ALIF),
    Phrase("complete", r"^EXITTHESIM\b", _TAG),
    Phrase("complete", r"program terminating\.\.\.|Main loop terminated", _KIT),
    Phrase("complete", r"\binference PASS\b", _PSOC),
)
"""Texts of programs, and of the FVP where it ends."""


def _of(meaning: Meaning) -> str:
    return "|".join(row.pattern for row in TABLE if row.meaning == meaning)


_BEGUN: tuple[Meaning, ...] = ("load", "prepare", "infer", "report", "exit")

PHASE = re.compile("|".join(f"(?P<{phase}>{_of(phase)})" for phase in _BEGUN))
PLANNED = re.compile(_of("planned"))
DONE = re.compile(_of("done"))
EXECUTED = re.compile(_of("executed"))
GAVE = re.compile(_of("gave"))
NOT_EXECUTED = re.compile(_of("not executed"))
COMPLETE = re.compile(_of("complete"))

CPU_NOTE = "CPU cycle values and ratio calculations require"
OVERFLOW = re.compile(r"[Oo]verflow detected for (?:NPU )?(\w{1,80})")
KIT_INFERENCE = re.compile(r"Inference (\d{1,9})/(\d{1,9})\s*$")
KIT_ENDS = ("Main loop terminated", "program terminating...")
"""Ends of the kit's own: what it has begun by then it has done."""
TICK = re.compile(r"\b(pre|post)-call tick=(\d{1,12})\b")
"""Begin and end of an inference in ticks of RT-Thread, whose length the program does not tell (the PSoC port)."""
EXITED = re.compile(r"\[\S{0,200}run_fvp\.sh\] Simulation complete, (\d{1,3})\b")
"""Exit status of an FVP, as ExecuTorch's backends/arm/scripts/run_fvp.sh prints it."""

KEYS = (
    "nference",
    "odel",
    "PTE ",
    "Running ",
    "Preparing ",
    "Starting ",
    "PMU",
    "Program ",
    "Simulation ",
    "exit code",
    "SERVER_",
    "outputs: ",
    "method ",
    "cycle",
    "verflow",
    "loop ",
    "program ",
    "EXITTHESIM",
    "BundleIO",
    "=== Error",
    " job: ",
    "-call tick=",
)
"""Words of which one is in all that the expressions match: a cheap look at every line before them."""

SERVER = "Running in semihosting server mode"
NO_CYCLES = re.compile(r"no (?:NPU )?(?:cycle model|cycles|PMU)|without (?:a )?cycle model", re.IGNORECASE)
KIT_LEVEL = re.compile(r"(?:DEBUG|INFO|WARN|WARNING|ERROR) - ")
"""Levels of the ML Embedded Evaluation Kit."""

_BUNDLE = ("=== Error ", "TEST: BundleIO", "Model output ", "#[", "# ")
_SAID = re.compile("|".join(words.pattern for words in (PHASE, DONE, EXECUTED, NOT_EXECUTED)))


def is_programs(text: str) -> bool:
    """True if a message without a prefix is one that ExecuTorch's runner or Arm's writes, whole."""
    return (_SAID.search(text) is not None or text.startswith(_BUNDLE)) and not is_platform(text)
