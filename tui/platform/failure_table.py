"""Table of the console texts that mean failure: a new one is a new row.

The texts are those of Arm's FVPs, of the ExecuTorch runtime and its runner, of the Ethos-U backend and driver, and of
the dynamic loader.
"""

import re
from dataclasses import dataclass, field
from enum import IntEnum


class Kind(IntEnum):
    """Kinds of failure, the weightiest first: of several the first is the cause of the others."""

    LOADER = 0
    LICENCE = 1
    FAULT = 2
    LIMIT = 3
    TEST = 4
    ERROR = 5


@dataclass(frozen=True)
class Row:
    """A text of a console; `reason` and `hint` may name the groups of `pattern`."""

    kind: Kind
    pattern: re.Pattern[str] = field(compare=False)
    reason: str
    hint: str = ""


_POOLS = "rebuild the runner with a larger {} (CMake define), or use a smaller model or another --memory-mode"
_METHOD_POOL = _POOLS.format("ET_ARM_BAREMETAL_METHOD_ALLOCATOR_POOL_SIZE")
_SCRATCH_POOL = _POOLS.format("ET_ARM_BAREMETAL_SCRATCH_TEMP_ALLOCATOR_POOL_SIZE")
_FAST_POOL = _POOLS.format("ET_ARM_BAREMETAL_PLANNED_FAST_MEMORY_SIZE")
_FILE_POOL = _POOLS.format("ET_ARM_BAREMETAL_SEMIHOSTING_FILE_ALLOCATOR_POOL_SIZE")
_SAME_VERSION = "build the runner from the ExecuTorch release that compiled the model"
_OPERATORS = (
    "build the runner with this operator (EXECUTORCH_SELECT_OPS_LIST or its portable operators), or delegate it"
)
_MACS = "run on the target the model was compiled for: leave num_macs to --target, or compile again"
_FAULT_HINT = (
    "often memory: check --memory-mode, the sizes of the runner's pools and that runner and target belong together"
)
_ARCHITECTURE = "use the FVP for this machine: Linux64_GCC for x86-64, Linux64_armv8l_GCC for aarch64 (see uname -m)"


def _row(kind: Kind, pattern: str, reason: str, hint: str = "") -> Row:
    return Row(kind, re.compile(pattern), reason, hint)


TABLE: tuple[Row, ...] = (
    # What the simulator says of itself is said for people.
    _row(Kind.ERROR, r"^Error: fvp-sim: (?P<what>.+)", "{what}"),
    _row(
        Kind.LOADER,
        r"error while loading shared libraries: (?P<library>libpython[^\s:]*)",
        "the FVP does not start: {library} is not found",
        "it ships in python/lib of the FVP's install folder: add that to LD_LIBRARY_PATH",
    ),
    _row(
        Kind.LOADER,
        r"error while loading shared libraries: (?P<library>[^\s:]+)",
        "the platform does not start: the library {library} is not found",
        "install the package that holds it, or add its folder to LD_LIBRARY_PATH",
    ),
    _row(
        Kind.LOADER,
        r"(?P<library>[^\s:]*): cannot enable executable stack",
        "the FVP does not start: this system refuses the executable stack that {library} asks for",
        "execstack -c {library}",
    ),
    _row(
        Kind.LOADER,
        r"version [`'\"]?(?P<version>GLIBC\w*_[\d.]+)'? not found",
        "the platform does not start: this system's C library is older than {version}",
        "use a newer system, or an older FVP",
    ),
    _row(
        Kind.LOADER,
        r"cannot execute binary file|Exec format error",
        "the platform was built for another processor architecture",
        _ARCHITECTURE,
    ),
    _row(
        Kind.LOADER,
        r"(?i)cannot connect to the docker daemon",
        "the FVP runs in a container here, and Docker does not answer",
        "start Docker, or allow this user to use it; the simulator needs neither",
    ),
    _row(
        Kind.LOADER,
        r"(?P<program>[^\s:]+): command not found",
        "the platform does not start: {program} is not found",
        "install it or put it on PATH",
    ),
    _row(
        Kind.LOADER,
        r"^Error: \((?P<code>E\d+)\) (?P<what>.*)",
        "the FVP does not start ({code}): {what}",
        "see the first lines of the console log",
    ),
    _row(
        Kind.LICENCE,
        r"(?i)license error: (?P<what>.*?)\.?$|error_(?P<name>license_\w+|cannot_contact_license_server)",
        "the FVP has no licence: {what}{name}",
        "activate a licence for this user (armlm), or use the Ecosystem FVP, which needs none",
    ),
    _row(
        Kind.FAULT,
        r"Hard fault.*?(?P<pc>pc=0x[0-9a-fA-F]+)",
        "the program on the platform ended in a hard fault at {pc}",
        _FAULT_HINT,
    ),
    _row(
        Kind.FAULT,
        r"Hard fault",
        "the program on the platform ended in a hard fault",
        _FAULT_HINT,
    ),
    _row(
        Kind.FAULT,
        r"Exception caught by function (?P<handler>\w+)",
        "the program on the platform ended in its {handler}",
        _FAULT_HINT,
    ),
    _row(
        Kind.FAULT,
        r"\*\*\*\*\* (?P<what>[A-Z][A-Za-z ]*?) ?(?:FAULT|Fault) \*\*\*\*\*",
        "the program on the platform ended in a {what} fault",
        _FAULT_HINT,
    ),
    _row(
        Kind.FAULT,
        r">>> ZEPHYR FATAL ERROR (?P<code>\d+)(?:: (?P<what>.*?)(?: on CPU \d+)?$)?",
        "Zephyr stopped with fatal error {code} {what}",
        _FAULT_HINT,
    ),
    _row(
        Kind.FAULT,
        r"ASSERTION FAIL \[(?P<what>.+)\] @",
        "the program stopped at an assertion: {what}",
        "see the lines before it in the log",
    ),
    _row(
        Kind.FAULT,
        r"(?i:assertion) [\"`'](?P<what>.+?)[\"'] failed|\*\*\* (?i:assertion) failed: (?P<arm>.+)",
        "the program stopped at an assertion: {what}{arm}",
        "see the lines before it in the log",
    ),
    _row(
        Kind.LIMIT,
        r"Simulation is stopping\. Reason: (?P<limit>[^.]*?) has been exceeded",
        "{limit} has been exceeded",
    ),
    _row(
        Kind.TEST,
        r"Test_result: FAIL|Bundle verification failed",
        "the outputs differ from the reference that is bundled with the program",
        "look at the error stats above it in the log; tolerances are built into the runner (ET_ATOL, ET_RTOL)",
    ),
    _row(
        Kind.ERROR,
        r"NPU config mismatch",
        "the model was compiled for another NPU than the platform has (NPU config mismatch)",
        _MACS,
    ),
    _row(
        Kind.ERROR,
        r"PTE @ (?P<address>0x[0-9a-fA-F]+) \[----(?!ET|BP).{1,4}\]",
        "there is no program where the runner looks for one, at {address}",
        "place it there: --pte-address {address}",
    ),
    _row(
        Kind.ERROR,
        r"(?P<what>the simulator has no kernel for \S+, and PyTorch, which may have one, is not installed)",
        "{what}",
        "pip install torch: the simulator then takes that kernel from it",
    ),
    _row(
        Kind.ERROR,
        r"(?P<what>the simulator (?:has no kernel for|cannot compute) tflite::.+)",
        "{what}",
        "quantize that operator, so that Vela takes it for the NPU; docs/tflite.md lists those that are known",
    ),
    _row(
        Kind.ERROR,
        r"(?P<what>neither the simulator nor PyTorch has a kernel for \S+)",
        "{what}",
        "use --engine firmware where the firmware has it; else leave the operator out of the model, "
        "or run it on an FVP with a runner that has it",
    ),
    _row(
        Kind.ERROR,
        r"Missing operator: \[\d+\] (?P<operator>\S+)",
        "the runner lacks the operator {operator}",
        _OPERATORS,
    ),
    _row(
        Kind.ERROR,
        r"Backend (?P<backend>\S+) is not registered",
        "the runner was built without the backend {backend}",
        "use a runner built for this target (Ethos-U delegate included)",
    ),
    _row(
        Kind.ERROR,
        r"Failed to allocate scratch buffer of (?P<bytes>\d+) bytes",
        "the NPU's scratch memory is too small: {bytes} bytes are needed",
        _SCRATCH_POOL,
    ),
    _row(
        Kind.ERROR,
        r"FAST_MEMORY_SIZE is not set|in FAST_MEMORY_REGION",
        "the runner has too little planned fast memory for this program",
        _FAST_POOL,
    ),
    _row(
        Kind.ERROR,
        r"Failed to allocate input file size: ?(?P<bytes>\d+)",
        "the runner's pool for files is too small: {bytes} bytes are needed",
        _FILE_POOL,
    ),
    _row(
        Kind.ERROR,
        r"Could not allocate memory for .*?planned buffer.*?size (?P<bytes>\d+)",
        "the runner's method pool is too small: a planned buffer needs {bytes} bytes",
        _METHOD_POOL,
    ),
    _row(
        Kind.ERROR,
        r"Could not allocate memory for (?P<what>input evalues|(?:pointers to )?input buffers)",
        "the runner's method pool is too small for the {what}",
        _METHOD_POOL,
    ),
    _row(
        Kind.ERROR,
        r"Memory allocation failed: (?P<wanted>\d+)B requested.*?(?P<left>\d+)B available",
        "a memory pool of the runner is too small: {wanted} bytes are needed, {left} are left",
        _METHOD_POOL,
    ),
    _row(
        Kind.ERROR,
        r"input size \((?P<given>\d+)\) and tensor size \((?P<wanted>\d+)\) mismatch",
        "an input file has {given} bytes, the program's input {wanted}",
        "give each --input as the raw bytes of its tensor, in the order of the program's inputs",
    ),
    _row(
        Kind.ERROR,
        r"Wrong number of inputs",
        "the number of input files is not the number of the program's inputs",
        "give one --input for each input of the program, non-tensor inputs included",
    ),
    _row(
        Kind.ERROR,
        r"Input tensor sizes do not match|Program expects (?P<wanted>\d+) elements but got \d+",
        "an input of the NPU has another size than the program was compiled for",
        "compile the model again with inputs of this shape",
    ),
    _row(
        Kind.ERROR,
        r"Input (?P<number>\d+) expected Integer \(4 byte\), Char.*? got ScalarType id (?P<given>\S+)",
        "input {number} of the NPU is {given}, which it does not take",
        "quantize the model (--quantize int8): the NPU takes integers",
    ),
    _row(
        Kind.ERROR,
        r"not divisible by (?:chunk count|vela chunk bytes)|Total output tensor sizes do not match"
        r"|Program expects \d+ bytes but got \d+|does not match its Vela descriptor",
        "an output of the NPU does not have the size that the compiler announced",
        "a graph output that is also used inside was dropped by Vela 5: return a copy of it, or update Vela",
    ),
    _row(
        Kind.ERROR,
        r"Could not open (?:output )?file (?P<file>\S+) \(errno: (?P<errno>\d+)\)",
        "the program cannot open the file {file} (errno {errno})",
        "check that -C does not override the runner's semihosting-cwd",
    ),
    _row(
        Kind.ERROR,
        r"Not right number of parameters|Missing required -o|Model data is not initialized",
        "the runner was not given its command line",
        "use a runner built with SEMIHOSTING, for a program with at least one input, "
        "and do not override semihosting-cmd_line",
    ),
    _row(
        Kind.ERROR,
        r"Malformed vela_bin_stream|Incorrect header in vela_bin_stream|Failed to parse product config",
        "the runner cannot read the NPU's program: it was made by another Vela or is damaged",
        _SAME_VERSION,
    ),
    _row(
        Kind.ERROR,
        r"Vela bin ptr not aligned to 16 bytes",
        "the program is not at a multiple of 16 bytes in memory, as the NPU needs",
        "place it at another address (--pte-address), or align the array that holds it in the runner",
    ),
    _row(
        Kind.ERROR,
        r"Expected (?P<wanted>\d+) ?args received (?P<given>\d+)",
        "an operator of the program has {given} arguments, the runner's has {wanted}",
        _SAME_VERSION,
    ),
    _row(
        Kind.ERROR,
        r"Program has no methods|No method named '?(?P<method>[^\s']*)",
        "the program does not have the method that the runner asks for {method}",
        "the runner expects a program (.pte) with a single method named forward",
    ),
    _row(
        Kind.ERROR,
        r"Program loading failed|Program identifier .* != expected|Extended header may be corrupt",
        "the runner cannot read the program file",
        _SAME_VERSION,
    ),
    _row(
        Kind.ERROR,
        r"Ethos-U invocation failed error \((?P<code>-?\d+)\)",
        "the NPU refused its work (driver error {code})",
        "most often the MACs: " + _MACS,
    ),
    _row(
        Kind.ERROR,
        r"ethosu_reserve_driver_ex failed|Failed to initiali[sz]e Ethos-U|Failed to initiali[sz]e NPU",
        "the program finds no NPU on the platform",
        "use a runner built for this board and its NPU",
    ),
    _row(
        Kind.ERROR,
        r"Loading of method (?P<method>\S+) failed with status (?P<status>0x[0-9a-fA-F]+)",
        "the runner cannot load the method {method}: {status}",
        _SAME_VERSION,
    ),
    _row(
        Kind.ERROR,
        r"Execution of method (?P<method>\S+) failed with status (?P<status>0x[0-9a-fA-F]+)",
        "the method {method} failed: {status}",
    ),
    _row(
        Kind.ERROR,
        r"Problem running model|Model run: 0\b",
        "the runner reports that the model did not run correctly",
    ),
    _row(
        Kind.ERROR,
        r"Application exit code: (?P<code>-?[1-9]\d*)",
        "the program on the platform ended with exit code {code}",
    ),
)

KEYS = (
    "kernel for",
    "rror",
    "ail",
    "annot",
    "ould not",
    "ismatch",
    "issing",
    "icense",
    "Hard fault",
    "Exception caught",
    "*****",
    "FATAL ERROR",
    "ASSERTION FAIL",
    "ssertion ",
    "expected Integer",
    "exceeded",
    "not ",
    "FAST_MEMORY",
    "number of",
    "Malformed",
    "Incorrect header",
    "No method named",
    "has no methods",
    "args received",
    "but got",
    "corrupt",
    "Test_result: FAIL",
    "Problem",
    "Model run: 0",
    "exit code",
    "PTE @ ",
)
"""Words of which one is in all that the rows match: a cheap look at every line before the table."""
