"""Phrases of ExecuTorch's runners and of Arm's that the console parser understands."""

import re

from tui.platform.lines import is_platform

PHASES = ("boot", "load", "prepare", "infer", "report", "exit")

PHASE = re.compile(
    r"(?P<load>Running executor with parameter|PTE @ |PTE in |Model in 0x|Model PTE at 0x|PTE Model data loaded"
    r"|Model PTE file loaded|Model buffer loaded|Reading pte model)"
    r"|(?P<prepare>Preparing inputs?\b|Running in semihosting server mode)"
    r"|(?P<infer>Starting running \d|Starting the model execution|Running inference\.\.\.|Starting inference\b"
    r"|\binference start\b)"
    r"|(?P<report>NPU Inferences|Ethos-U PMU report|Profile for Inference|Inference completed|\d inferences finished"
    r"|Model executed successfully|Model run: \d|\binference PASS\b)"
    r"|(?P<exit>Program complete|Simulation is stopping|Simulation stopped by user|Application exit code"
    r"|^EXITTHESIM\b|Main loop terminated|program terminating\.\.\.)"
)
PLANNED = re.compile(r"Starting running (\d{1,9}) inferences|(\d{1,9}) inferences finished\s*$")
DONE = re.compile(
    r"(?<!\d)[1-9]\d{0,8} inferences finished|Model executed successfully|SERVER_INFERENCE_DONE (\d+)"
    r"|Inference completed in (\d{1,9} ms)\s*$|\binference PASS\b"
)
EXECUTED = re.compile(r"NPU Inferences|Ethos-U PMU report|\d outputs: |Inference completed")
GAVE = re.compile(r"\d outputs: |Inference completed")
NOT_EXECUTED = re.compile(r"Execution of method \S+ failed|Problem running model|Inference failed")
CPU_NOTE = "CPU cycle values and ratio calculations require"
OVERFLOW = re.compile(r"[Oo]verflow detected for (?:NPU )?(\w{1,80})")
KIT_INFERENCE = re.compile(r"Inference \d{1,9}/\d{1,9}\s*$")

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
