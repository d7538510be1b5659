"""Typing the paths of files."""

import shlex
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.app import path_completion
from tui.app.widgets.background import in_background, tell
from tui.errors import UsageError, UserError
from tui.model import catalogue
from tui.run.spec import Spec
from tui.text import clean

SHOWN = 8

T = TypeVar("T")


class FileScreen(ModalScreen[T | None]):
    """A text field for paths, with completion; closes with what `taken` makes of it, or None."""

    TITLE: ClassVar[str]
    PLACEHOLDER: ClassVar[str]
    CSS_PATH = "modal.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", priority=True, id="path.complete"),
        Binding("escape", "cancel", "Cancel", id="path.leave"),
    ]

    class Completed(Message):
        """Completions of a path."""

        def __init__(self, text: str, candidates: list[str], *, take: bool) -> None:
            super().__init__()
            self.text = text
            self.candidates = candidates
            self.take = take

    def __init__(self, path: str = "") -> None:
        super().__init__()
        self._path = path

    def candidates(self, text: str) -> list[str]:
        """List completions of the text."""
        raise NotImplementedError

    def taken(self, text: str) -> T:
        """Return the meaning of the text.

        Raises:
            UserError: nothing that can be used.
        """
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Input, problem, completions, keys."""
        with Vertical(classes="box"):
            yield Static(self.TITLE, markup=False)
            yield Input(self._path, placeholder=self.PLACEHOLDER, select_on_focus=False)
            yield Static("", markup=False, classes="problem")
            yield Static("", markup=False, id="completions")
            keys = Content.assemble(
                ("enter", "bold $accent"), " OK   ", ("tab", "bold $accent"), " Complete   ",
                ("esc", "bold $accent"), " Cancel",
            )  # fmt: skip
            yield Static(keys, markup=False, classes="keys")

    def _look(self, text: str, *, take: bool = False) -> None:
        # A folder may lie on a slow network.
        def look() -> None:
            tell(self, self.Completed(text, self.candidates(text), take=take))

        in_background("complete", look)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show completions of the path."""
        self.query_one(".problem", Static).update("")
        self._look(event.value)

    def action_complete(self) -> None:
        """Complete the path as far as it is unambiguous."""
        self._look(self.query_one(Input).value, take=True)

    def on_file_screen_completed(self, event: Completed) -> None:
        """Show or take completions, unless something else has been typed meanwhile."""
        field = self.query_one(Input)
        if event.text != field.value:
            return
        if event.take and len(longer := path_completion.common(event.candidates)) > len(event.text):
            field.value = longer
            field.cursor_position = len(longer)
            return
        names = [clean(path.rstrip("/").rpartition("/")[2] + "/" * path.endswith("/"), 60) for path in event.candidates]
        more = f"  and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        self.query_one("#completions", Static).update(Content("  ".join(names[:SHOWN]) + more))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the text's meaning, if it has one."""
        try:
            name = self.taken(event.value.strip())
        except UserError as error:
            self.query_one(".problem", Static).update(Content(clean(f"! {error}", 400)))
            return
        self.dismiss(name)

    def action_cancel(self) -> None:
        """Close without a path."""
        self.dismiss(None)


class PathScreen(FileScreen[str]):
    """The file of a model: closes with its canonical name."""

    TITLE = f"Model file ({', '.join(catalogue.SUFFIXES)})"
    PLACEHOLDER = "./model.py"

    def candidates(self, text: str) -> list[str]:
        """List folders and files that could be models."""
        return path_completion.completions(text)

    def taken(self, text: str) -> str:
        """Return the file's path, which is the model's canonical name."""
        return catalogue.of_file(text)


class InputsScreen(FileScreen[tuple[str, ...]]):
    """The files of an inference's inputs: closes with their absolute paths."""

    TITLE = "One file per input (.npy or raw), separated by spaces"
    PLACEHOLDER = "./input.npy"
    DATA_SETS: ClassVar[bool] = False
    """True if a folder or an archive may stand for many inferences."""

    def candidates(self, text: str) -> list[str]:
        """List completions of the last path."""
        before, space, last = text.rpartition(" ")
        return [before + space + path for path in path_completion.completions(last, ("",))]

    def taken(self, text: str) -> tuple[str, ...]:
        """Return the files, all of which exist."""
        try:
            files = [Path(word).expanduser().absolute() for word in shlex.split(text)]
        except ValueError as error:
            raise UsageError(f"{text}: {error}") from error
        if not files:
            raise UsageError("no file given")
        if not (self.DATA_SETS and len(files) == 1 and files[0].is_dir()):
            for file in files:
                if not file.is_file():
                    raise UsageError(f"no file {file}")
        return tuple(str(file) for file in files)


class DataScreen(InputsScreen):
    """The files of inputs, or a data set."""

    TITLE = "One file per input (.npy, .pt or raw), or a data set: a folder or an .npz"
    PLACEHOLDER = "./inputs/"
    DATA_SETS = True


class CalibrationScreen(DataScreen):
    """The inputs to calibrate quantization on."""

    TITLE = "Calibration inputs: a .pt, .npy or .npz file, or a folder of files"
    PLACEHOLDER = "./calibration/"


ORIGINS: dict[str, Literal["fvp", "board"]] = {"fvp": "fvp", "board": "board"}


class LogScreen(FileScreen[Spec]):
    """The path of a log: closes with the spec that reads it."""

    TITLE = "Console log; --from fvp|board and --model X.pte may follow"
    PLACEHOLDER = "./console.log"

    def candidates(self, text: str) -> list[str]:
        """List completions of the last word."""
        before, space, last = text.rpartition(" ")
        if last.startswith("--"):
            return []
        return [before + space + path for path in path_completion.completions(last, ("",))]

    def taken(self, text: str) -> Spec:
        """Return the spec of what is typed."""
        from tui.pipeline.log_request import log_spec  # with numpy

        try:
            words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"{text}: {error}") from error
        options = {"--from": "", "--model": ""}
        paths: list[str] = []
        rest = iter(words)
        for word in rest:
            if word in options:
                options[word] = next(rest, "")
            else:
                paths.append(word)
        if len(paths) != 1:
            raise UsageError("one log, please" if paths else "no log given")
        if options["--from"] and options["--from"] not in ORIGINS:
            raise UsageError(f"--from {options['--from']} is neither fvp nor board")
        return log_spec(paths[0], options["--model"] or None, ORIGINS.get(options["--from"]))


def new_file(text: str) -> Path:
    """Return the path of a file to write.

    Raises:
        UsageError: it names no file, or one that is there already.
    """
    path = Path(text).expanduser().absolute()
    if not text or path.is_dir():
        raise UsageError(f"{text or 'nothing'} is not a file name")
    if path.exists():
        raise UsageError(f"file exists: {path}", "choose another name")
    return path
