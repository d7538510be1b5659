"""Exports of a run, one function a format, all drawn from the run's journal.

A picture of the screen is `tui.app.picture`: it needs Textual.
"""

import re
from collections import deque
from pathlib import Path
from typing import Literal, get_args

import msgspec

from tui.analysis import advice, trials
from tui.analysis.flow import Flow
from tui.errors import UsageError
from tui.files import write_whole
from tui.reports import csv, html, junit, model_explorer, perfetto, state_json
from tui.run import events, journal, store
from tui.run.log import LogLine
from tui.run.state import State
from tui.text import clean

Format = Literal["json", "csv", "html", "perfetto", "model-explorer", "junit", "svg"]
FORMATS: tuple[Format, ...] = get_args(Format)

SUFFIXES: dict[Format, str] = {
    "json": ".json",
    "csv": ".csv",
    "html": ".html",
    "perfetto": ".perfetto.json",
    "model-explorer": ".graph.json",
    "junit": ".junit.xml",
    "svg": ".svg",
}

SEVERAL: tuple[Format, ...] = ("model-explorer",)
"""Formats of several files."""

LOG_LINES = 5_000
"""Lines of log in a page, the newest."""
LINE = 400
"""Characters of each."""
BEFORE, AFTER = 14, 5
"""Lines around the first error: what was under way, and what came of it."""


def document(directory: Path, form: Format) -> bytes:
    """Export a run in any format that is one file and no picture.

    Raises:
        ValueError: it is the picture that was asked for, or a format of several files.
    """
    state = store.load(directory)
    match form:
        case "json":
            return msgspec.json.format(msgspec.json.encode(state_json.to_json(state)), indent=2) + b"\n"
        case "csv":
            return csv.operators_csv(state).encode()
        case "html":
            return _page(directory, state).encode()
        case "perfetto":
            return msgspec.json.encode(perfetto.trace(state)) + b"\n"
        case "junit":
            return junit.of_run(state).encode()
    raise ValueError(form)


def documents(directory: Path, form: Format, path: Path) -> dict[Path, bytes]:
    """Export a run in any format but a picture, by file; of several files, `path` is that of the first.

    Those beside it have its name and a suffix of their own: ``RUN.graph.json``, ``RUN.cycles.json``.

    Raises:
        UsageError: the run has nothing for this format.
        ValueError: it is the picture that was asked for.
    """
    if form not in SEVERAL:
        return {path: document(directory, form)}
    state = store.load(directory)
    if not model_explorer.nodes(state):
        raise UsageError(f"{directory.name} has no operators to draw: {state.run.reason or 'no program was made'}")
    flow, why_not = _flow(directory, state)
    stem = path.name.removesuffix(".json").removesuffix(".graph")
    return {
        path.with_name(f"{stem}.{suffix}.json"): msgspec.json.encode(found) + b"\n"
        for suffix, found in model_explorer.documents(state, flow, why_not).items()
    }


def _flow(directory: Path, state: State) -> tuple[Flow | None, str]:
    """The flow of data through a run's program; None with a reason where it is not known."""
    # With numpy, which the full screen does without.
    from tui.analysis import dataflow
    from tui.model import programs

    file = store.program(directory / store.ARTIFACTS)
    try:
        program = programs.parse(file.read_bytes(), state.spec.target if state.spec is not None else None)
    except OSError as error:
        return None, f"the flow of data is not known: {file.name}: {error.strerror}"
    except programs.PteError as error:
        return None, f"the flow of data is not known: {error}"
    return dataflow.of_program(program, state.operators), ""


def _page(directory: Path, state: State) -> str:
    advised = trials.with_outcomes(advice.of(state), state, directory) if state.spec is not None else None
    return html.page(state, _log(directory), advised, store.hint_of_lost(directory, state.run.status))


def _log(directory: Path) -> html.LogPart:
    errors: deque[LogLine] = deque(maxlen=html.MOST_ERRORS)
    newest: deque[LogLine] = deque(maxlen=LOG_LINES)
    before: deque[LogLine] = deque(maxlen=BEFORE + 1)
    first: list[LogLine] = []
    lines = errors_in_all = first_line = 0
    for event in journal.read(directory / journal.FILE):
        if isinstance(event, events.Logged):
            line = LogLine(event.level, clean(event.source, 40), clean(event.text, LINE))
            newest.append(line)
            lines += 1
            if event.level == "error":
                errors.append(line)
                errors_in_all += 1
            if not first_line:
                before.append(line)
                if event.level == "error":
                    first_line, first = lines, list(before)
            elif lines <= first_line + AFTER:
                first.append(line)
    return html.LogPart(tuple(errors), tuple(newest), lines, errors_in_all, tuple(first), first_line)


_FONTS = re.compile(r"@font-face\s*\{[^}]*\}\s*")


MONOSPACE = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, Liberation Mono, monospace"
"""Fonts of the systems that a picture is looked at on."""
LETTERS_PX = 21
"""Size at which box-drawing letters of these fonts reach from line to line, of 24.4 px each."""
_LETTERS = re.compile(r"font-family: Fira Code, monospace;\s*font-size: 20px")


def offline(picture: str) -> str:
    """Have an SVG of the screen use the viewer's own fonts, in which every letter takes its cell.

    A page that shows it, such as a README, fetches no font for it. Letters as high as a line and stretched to the
    width of a cell keep bars and frames whole, whatever the font.
    """
    stretched = _FONTS.sub("", picture).replace(" textLength=", ' lengthAdjust="spacingAndGlyphs" textLength=')
    return _LETTERS.sub(f"font-family: {MONOSPACE};\n        font-size: {LETTERS_PX}px", stretched)


def check_path(path: Path) -> Path:
    """Check that a file can be written to a path, and make it absolute.

    Raises:
        UsageError: there is no such folder, or it is a folder itself.
    """
    path = path.expanduser().absolute()
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"no folder {path.parent}")
    return path


def write(path: Path, content: bytes) -> Path:
    """Write an export, whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    path = check_path(path)
    try:
        return write_whole(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
