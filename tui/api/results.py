"""Values that the Python door returns: those of the other rooms, each with a short text, a long one and a form in HTML.

A notebook shows the HTML, a console the short text; ``print`` gives what the command would have printed.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tui.analysis import compare, sweep
from tui.errors import UserError
from tui.run import state as states
from tui.run import store
from tui.text import counted

if TYPE_CHECKING:
    from tui.model.tensors import NDArray  # with numpy


class State(states.State, frozen=True, kw_only=True):
    """A run as its journal tells it (`tui.run.state.State`), with the folder that has its files.

    A run that failed is a state, too: `run.status` and `run.reason` say so.
    """

    directory: Path

    @property
    def ok(self) -> bool:
        """True if the run ended well and kept its limits."""
        return self.run.status == "ok"

    def outputs(self, inference: int = 0) -> "tuple[NDArray, ...]":
        """Return the outputs of an inference, from 0, as the platform computed them.

        Raises:
            UserError: the run has none of this inference.
        """
        from tui.model import tensors
        from tui.pipeline import outputs as written  # with numpy

        artifacts = self.directory / store.ARTIFACTS
        try:
            infos = tensors.read_manifest(artifacts).outputs
            return written.read(artifacts, inference, infos)
        except (OSError, KeyError, msgspec.DecodeError) as error:
            why = self.run.reason or f"it has {len(self.inferences)}"
            raise UserError(f"{self.run.id} has no outputs of inference {inference}: {why}") from error

    def json(self) -> dict[str, Any]:
        """Return the object that ``fvp-tui show --json`` prints (docs/schemas/state.schema.json)."""
        from tui.reports import state_json

        return dict(msgspec.json.decode(msgspec.json.encode(state_json.to_json(self))))

    def html(self) -> str:
        """Return the whole report, one page by itself, as ``fvp-tui export --format html`` writes it."""
        from tui.reports import export

        return export.document(self.directory, "html").decode()

    def _repr_html_(self) -> str:
        """Return the report's head, for a notebook."""
        from tui.reports import html

        return html.head(self, store.hint_of_lost(self.directory, self.run.status))

    def __str__(self) -> str:
        from tui.reports import text

        return text.summary(self)

    def __repr__(self) -> str:
        from tui.reports import text

        return f"<tui.State {text.status_line(self)}: {text.title(self)}>"


class Sweep(sweep.Sweep, frozen=True, kw_only=True):
    """A model's estimates on many configurations, the fastest and the smallest that keeps the limits."""

    def _repr_html_(self) -> str:
        from tui.reports import html

        return html.block(str(self))

    def __str__(self) -> str:
        from tui.reports import sweep as report

        return report.summary(self)

    def __repr__(self) -> str:
        best = "none keeps the limits" if self.best is None else f"best {self.best.target} {self.best.memory_mode}"
        return f"<tui.Sweep of {self.model}: {counted(len(self.points), 'point')}, {best}>"


class Comparison(compare.Comparison, frozen=True, kw_only=True):
    """Two runs against each other; `regressions` are the figures and modules that got worse by more than is allowed."""

    def _repr_html_(self) -> str:
        from tui.reports import html

        return html.block(str(self))

    def __str__(self) -> str:
        from tui.reports import compare as report

        return report.summary(self)

    def __repr__(self) -> str:
        from tui.reports import compare as report

        found = report.verdict(self)
        return f"<tui.Comparison {found.word}: {found.sentence}>"


def of_run(directory: Path, state: states.State) -> State:
    """Return a run's state with its folder."""
    return State(**_fields(state), directory=directory)


def of_sweep(found: sweep.Sweep) -> Sweep:
    """Return a sweep with its texts."""
    return Sweep(**_fields(found))


def of_comparison(found: compare.Comparison) -> Comparison:
    """Return a comparison with its texts."""
    return Comparison(**_fields(found))


def _fields(value: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}
