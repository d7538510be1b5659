"""A failed stage in one line: what is wrong, which operator or source line, what to do."""

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
"""Lines of a failure's text that go into the log: some compilers put whole graphs into theirs."""

_OPERATOR = re.compile(r"\b(aten|quantized_decomposed|cortex_m|torchvision|tosa)(?:::|\.)([A-Za-z_0-9]+)")
_BLURB = re.compile(r"^(Exception|Error|An error|While executing|The following|from user code)", re.IGNORECASE)

_INSTALLED = re.compile(r"[/\\](site-packages|dist-packages|lib[/\\]python3\.\d+)[/\\]")

_PASS = re.compile(r"An error occurred when running the '(\w+)' pass")

_HINTS: dict[str, str] = {
    "load": "run the file with python to see the error whole",
    "export": "torch.export must be able to trace forward(): no data-dependent Python control flow",
    "quantize": "try --quantize none to see whether quantization is the cause",
    "lower": "the operator may need rewriting, or to be left to the CPU",
    "vela": "Vela could not compile a partition",
    "emit": "the program could not be written",
}


class Problem(RuntimeError):
    """A model that cannot be taken as it is, and a hint at what to do. It is raised from what the model's code did."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class ModelFails(Exception):
    """A model's own code fails, which it would without this program, too. It is raised from what that code raised."""


def _own(error: BaseException, stage: Stage) -> bool:
    """Whether an exception is what a model's own code raised."""
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
    """``FILE:LINE`` of the model's own code that the error names, else that the trace passes through."""
    error = _unwrapped(error)
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}:{error.lineno}"
    for link in _chain(error):
        if found := source_line(str(link)):
            return found
    for link in _chain(error):
        frames = [f for f in traceback.extract_tb(link.__traceback__) if model_file and _beside(f.filename, model_file)]
        if frames:
            return f"{frames[-1].filename}:{frames[-1].lineno}"
    return None


def _beside(file: str, model_file: Path) -> bool:
    """Whether a source file is a model's own, or one of the local packages beside it."""
    return Path(file).is_relative_to(model_file.parent) and not _INSTALLED.search(file)


def _telling(error: BaseException) -> tuple[BaseException, str]:
    """The error that says what is wrong, and in which of ExecuTorch's passes.

    A pass wraps what it fails on in a list of all the passes before it.
    """
    inside = ""
    while (found := _PASS.match(str(error))) and error.__cause__ is not None:
        inside = inside or found[1]
        error = error.__cause__
    return error, inside


def _what(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = next((line for line in lines if not _BLURB.match(line)), "")
    text = telling or one_line(error)
    kind = type(error).__name__
    return text if isinstance(error, RuntimeError | UserError) and text != kind else f"{kind}: {text}"


def describe(error: BaseException, stage: Stage, model_file: Path | None) -> str:
    """One line for the user; notes that were added to the error are its hint.

    The whole text belongs into an artifact (`full_text`).
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
        known = telling.hint
    else:
        known = model_errors.hint(telling, line) if own else _HINTS.get(stage, "see failure.txt")
    hint = "; ".join(getattr(error, "__notes__", ())) or known
    return f"{'; '.join(parts)} ({hint})"


def full_text(error: BaseException) -> str:
    """The traceback with all causes, from the first line on that is not ours."""
    error = _unwrapped(error)
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return "".join(traceback.format_exception(error if trace is None else error.with_traceback(trace)))


def _is_ours(file: str) -> bool:
    return file.startswith(("<frozen", OURS))


def lines(error: BaseException) -> list[tuple[Level, str]]:
    """The lines of log that a failure is: its whole text, the one that says what is wrong as an error."""
    if isinstance(error, UserError):
        return [("error", str(error))]
    text = full_text(error).rstrip("\n").split("\n")
    said = traceback.format_exception_only(_unwrapped(error))
    # Before the last exception's own words are the frames that led to it, and those of its causes.
    at = len(text) - len("".join(said).rstrip("\n").split("\n"))
    found: list[tuple[Level, str]] = [("error" if number == at else "info", line) for number, line in enumerate(text)]
    if len(found) > MOST_LINES:
        left_out = len(found) - MOST_LINES
        found = [("warning", f"{left_out:,} lines before this one are in failure.txt only"), *found[left_out:]]
    return found
