"""Describe a failed stage in one line: the error, its operator or source line, and a hint."""

import re
import traceback
from collections.abc import Iterator
from pathlib import Path

import tui
from tui.compile.diagnostics import model_errors
from tui.compile.graph.origins import source_line
from tui.errors import UserError, one_line
from tui.run.events import Level, Stage

OURS = str(Path(tui.__file__).parent)
MOST_LINES = 3_000
"""Lines of a failure that go into the log: some compilers print whole graphs."""

_OPERATOR = re.compile(r"\b(aten|quantized_decomposed|cortex_m|torchvision|tosa)(?:::|\.)([A-Za-z_0-9]+)")
_BLURB = re.compile(r"^(Exception|Error|An error|While executing|The following|from user code)", re.IGNORECASE)

_INSTALLED = re.compile(r"[/\\](site-packages|dist-packages|lib[/\\]python3\.\d+)[/\\]")

_PASS = re.compile(r"An error occurred when running the '(\w+)' pass")

_HINTS: dict[str, str] = {
    "load": "run the file with python to see the full error",
    "export": "torch.export must be able to trace forward(): no data-dependent Python control flow",
    "quantize": "try --quantize none to see whether quantization is the cause",
    "lower": "the operator may have to be rewritten, or left to the CPU",
    "vela": "Vela could not compile a partition",
    "emit": "the program could not be written",
}

_NOT_ON_NPU = re.compile(r"operation \(\w+\) could not run on NPU")
NOT_ON_NPU = "Vela has no form of it for this NPU in these types: try another --quantize, or an Ethos-U85"


class Problem(RuntimeError):
    """A model cannot be loaded as it is; with a hint. Raised from the exception of the model's code."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class ModelFails(Exception):
    """A model's own code fails, as it would without this program. Raised from the exception of that code."""


def _own(error: BaseException, stage: Stage) -> bool:
    """True if a model's own code raised an exception."""
    return isinstance(error, ModelFails) or (stage == "load" and not isinstance(error, UserError | Problem))


def _unwrapped(error: BaseException) -> BaseException:
    return error.__cause__ if isinstance(error, ModelFails) and error.__cause__ is not None else error


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def where(error: BaseException, model_file: Path | None) -> str | None:
    """``FILE:LINE`` of the model's own code that the error names, else that its traceback passes through."""
    error = _unwrapped(error)
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}:{error.lineno}"
    for link in _chain(error):
        if line := source_line(str(link)):
            return line
    for link in _chain(error):
        frames = [f for f in traceback.extract_tb(link.__traceback__) if model_file and _beside(f.filename, model_file)]
        if frames:
            return f"{frames[-1].filename}:{frames[-1].lineno}"
    return None


def _beside(file: str, model_file: Path) -> bool:
    """True if a source file is a model's own, or in a local package beside it."""
    return Path(file).is_relative_to(model_file.parent) and not _INSTALLED.search(file)


def _telling(error: BaseException) -> tuple[BaseException, str]:
    """The error that says what is wrong, and the pass of ExecuTorch's in which it was raised.

    A pass wraps an error in a list of all the passes before it.
    """
    inside = ""
    while (match := _PASS.match(str(error))) and error.__cause__ is not None:
        inside = inside or match[1]
        error = error.__cause__
    return error, inside


def _what(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = next((line for line in lines if not _BLURB.match(line)), "")
    text = telling or one_line(error)
    kind = type(error).__name__
    return text if isinstance(error, RuntimeError | UserError) and text != kind else f"{kind}: {text}"


def describe(error: BaseException, stage: Stage, model_file: Path | None) -> str:
    """One line for the user; notes on the error take the place of the hint.

    The whole text belongs in an artifact (`full_text`).
    """
    if isinstance(error, UserError):
        return str(error)
    own = _own(error, stage)
    line = where(error, model_file)
    telling, inside = _telling(_unwrapped(error))
    operator = None if own else _OPERATOR.search(str(telling))
    parts = [_what(telling)[:300]]
    if isinstance(error, ModelFails) and not isinstance(telling, Problem):
        parts = [f"forward fails on ModelInputs: {type(telling).__name__}: {one_line(telling)}"]
    if inside:
        parts.append(f"in {inside}")
    if operator:
        parts.append(f"operator {operator[1]}.{operator[2]}")
    if line:
        parts.append(f"at {line}")
    if isinstance(telling, Problem):
        default = telling.hint
    elif not own and _NOT_ON_NPU.search(str(telling)):
        default = NOT_ON_NPU
    else:
        default = model_errors.hint(telling, line) if own else _HINTS.get(stage, "see failure.txt")
    hint = "; ".join(getattr(error, "__notes__", ())) or default
    return f"{'; '.join(parts)} ({hint})"


def full_text(error: BaseException) -> str:
    """The traceback with all causes, from the first frame outside of this program on."""
    error = _unwrapped(error)
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return "".join(traceback.format_exception(error if trace is None else error.with_traceback(trace)))


def _is_ours(file: str) -> bool:
    return file.startswith(("<frozen", OURS))


def lines(error: BaseException) -> list[tuple[Level, str]]:
    """Log lines of a failure: its whole text, of which the line that says what is wrong is an error."""
    if isinstance(error, UserError):
        return [("error", str(error))]
    text = full_text(error).rstrip("\n").split("\n")
    message = traceback.format_exception_only(_unwrapped(error))
    # The last exception's own message follows the frames that led to it, and those of its causes.
    at = len(text) - len("".join(message).rstrip("\n").split("\n"))
    logged: list[tuple[Level, str]] = [("error" if number == at else "info", line) for number, line in enumerate(text)]
    if len(logged) > MOST_LINES:
        omitted = len(logged) - MOST_LINES
        logged = [("warning", f"{omitted:,} earlier lines are only in failure.txt"), *logged[omitted:]]
    return logged
