"""A failed stage in one line: what is wrong, which operator or source line, what to do."""

import re
import traceback
from collections.abc import Iterator
from pathlib import Path

from tui.compile.origins import source_line
from tui.errors import UserError, one_line
from tui.events import Stage

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


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _where(error: BaseException, model_file: Path | None) -> str | None:
    """``FILE:LINE`` of the model's own code that the error names, else that the trace passes through."""
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
    where = _where(error, model_file)
    telling, inside = _telling(error)
    operator = _OPERATOR.search(str(telling))
    parts = [_what(telling)[:300]]
    if inside:
        parts.append(f"in {inside}")
    if operator:
        parts.append(f"operator {operator[1]}.{operator[2]}")
    if where:
        parts.append(f"at {where}")
    known = telling.hint if isinstance(telling, Problem) else _HINTS.get(stage, "see failure.txt")
    hint = "; ".join(getattr(error, "__notes__", ())) or known
    return f"{'; '.join(parts)} ({hint})"


def full_text(error: BaseException) -> str:
    """The traceback with all causes."""
    return "".join(traceback.format_exception(error))
