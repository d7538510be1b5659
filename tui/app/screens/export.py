"""Export of a run: choice of format and file."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from tui.app import path_completion
from tui.app.screens.path import FileScreen
from tui.app.widgets.background import in_background
from tui.errors import UsageError, UserError
from tui.reports import export
from tui.reports.export import Format
from tui.text import clean, counted

WORDS: dict[Format, str] = {
    "html": "a report to read or print",
    "json": "the complete state",
    "csv": "the operators as a table",
    "perfetto": "a trace for ui.perfetto.dev",
    "model-explorer": "graph and figures, a file each",
    "junit": "test cases for CI",
    "svg": "a picture of the screen",
}


class ExportScreen(FileScreen[Path]):
    """Format and file; what is written then is told in a notice. `picture` is the SVG, where there is one."""

    TITLE = "Export to a file"
    PLACEHOLDER = "./report.html"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "form(1)", "Next format", priority=True, id="export.next"),
        Binding("up", "form(-1)", "Previous format", priority=True, id="export.previous"),
    ]

    def __init__(self, directory: Path, picture: str | None = None) -> None:
        self._directory = directory
        self._picture = picture
        self._forms: list[Format] = [form for form in WORDS if form != "svg" or picture is not None]
        self._form = self._forms[0]
        super().__init__(self._file(self._form))

    def _file(self, form: Format) -> str:
        return f"{self._directory.name}{export.SUFFIXES[form]}"

    def on_mount(self) -> None:
        """Name the formats."""
        self._draw()

    def _draw(self) -> None:
        title = self.query(Static).first()
        title.update(Content("\n").join([Content.assemble((self.TITLE, "bold")), *self._choices()]))

    def _choices(self) -> Iterator[Content]:
        for form in self._forms:
            chosen = form == self._form
            style = "bold $accent" if chosen else "$muted"
            yield Content.assemble((f"{'>' if chosen else ' '} {form:14} {WORDS[form]}", style))
        yield Content.assemble(("  up/down to choose", "$muted"))

    def action_form(self, step: int) -> None:
        """Choose another format; the suffix of the file's name changes with it."""
        before = self._form
        self._form = self._forms[(self._forms.index(before) + step) % len(self._forms)]
        field = self.query_one(Input)
        suffix = export.SUFFIXES[before]
        if field.value.endswith(suffix):
            field.value = field.value.removesuffix(suffix) + export.SUFFIXES[self._form]
            field.cursor_position = len(field.value)
        self._draw()

    def candidates(self, text: str) -> list[str]:
        """List folders and files."""
        return path_completion.completions(text, ("",))

    def taken(self, text: str) -> Path:
        """Begin to write the file, and return its path."""
        if not text:
            raise UsageError("no file name given")
        path = export.check_path(Path(text))
        _refuse_existing(path)
        app, directory, form, picture = self.app, self._directory, self._form, self._picture

        def write() -> None:
            try:
                drawn = {path: picture.encode()} if form == "svg" and picture else None
                made = export.documents(directory, form, path) if drawn is None else drawn
                for file in made:
                    _refuse_existing(file)
                for file, content in made.items():
                    export.write(file, content)
            except (UserError, OSError) as error:
                app.notify(clean(str(error), 400), severity="error", markup=False)
            else:
                beside = f" and {counted(len(made) - 1, 'file')} beside it" if len(made) > 1 else ""
                app.notify(clean(f"Written: {next(iter(made))}{beside}", 400), markup=False)

        in_background("export", write)
        return path


def _refuse_existing(path: Path) -> None:
    """Refuse to write over a file.

    Raises:
        UsageError: it is there.
    """
    if path.exists():
        raise UsageError(f"file exists: {path}", "choose another name")
