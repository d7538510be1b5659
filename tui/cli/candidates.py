"""What an argument of the command line may be: the candidates that shell completion offers for it.

Each function is one `click` calls with a context, a parameter and what has been typed of the value. It imports what it
needs when it is called, never PyTorch or the terminal library: a candidate that comes late is no help.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from tui.errors import UserError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from tui.platform.parameters import Parameter

MOST_RUNS = 100
"""Runs that are offered, the newest: nobody looks through more of them in a list."""
SHORT_NAMES = ("last", "last~1", "last~2")
"""Those that come to mind: the older a run, the sooner it is named by its id."""
NO_SPACE = "nospace"
"""Kind of a candidate that goes on: a folder, or the name of a parameter before its value."""

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def _items(values: Iterable[str], typed: str, kind: str = "plain") -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(value, type=kind) for value in values if value.startswith(typed)]


# -- files


def files(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Any file, as the shell completes it."""
    return _items([typed], typed, "file")


def folders(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Any folder, as the shell completes it."""
    return _items([typed], typed, "dir")


# -- models and what they are compiled for


def models(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Models that have a name and can be had here, then files that can be one."""
    from click.shell_completion import CompletionItem

    from tui.app import path_completion
    from tui.model import catalogue

    found = catalogue.samples()
    if "executorch:".startswith(typed[: len("executorch:")]):  # these take a while to list
        found += catalogue.executorch_models()
    compiles = context.info_name in ("compile", "sweep")
    suffixes = tuple(s for s in catalogue.SUFFIXES if not (compiles and s in catalogue.PROGRAMS))
    named = [
        CompletionItem(model.name, help=model.title or None)
        for model in found
        if model.name.startswith(typed) and not model.missing
    ]
    there = path_completion.completions(typed, suffixes)
    return [
        *named,
        *(CompletionItem(path, type=NO_SPACE if path.endswith("/") else "plain") for path in there),
    ]


def of_vela(names: str) -> Complete:
    """Offer a list of Vela's, by its name in `VelaLists`. A target of compile may also be a CPU."""

    def complete(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
        from tui.toolchain import boards, vela

        cpus = boards.CPU_TARGETS if names == "accelerators" and context.info_name == "compile" else ()
        try:
            return _items([*getattr(vela.lists(), names), *cpus], typed)
        except vela.VelaMissing:
            return _items(cpus, typed)

    return complete


def several(one: Complete) -> Complete:
    """Candidates of a list with commas: those of its last item that are not in it yet."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        before, comma, last = typed.rpartition(",")
        had = before.split(",")
        found = one(context, parameter, last)
        return [
            CompletionItem(f"{before}{comma}{item.value}", type=item.type) for item in found if item.value not in had
        ]

    return complete


# -- runs


def _runs(typed: str, wanted: Callable[[Any], bool] | None = None) -> "list[CompletionItem]":
    """Runs, newest first, only those `wanted` by their folder; without that also the short names of the last ones."""
    from tui.run import store

    known = store.ids()
    short = SHORT_NAMES[: len(known)] if wanted is None else ()
    fitting = [name for name in known if name.startswith(typed) and (wanted is None or wanted(store.folder() / name))]
    return _items([*short, *fitting[:MOST_RUNS]], typed)


def any_run(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Any run."""
    return _runs(typed)


def live_runs(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Runs that go on."""
    from tui.run import store

    return _runs(typed, lambda directory: (directory / store.CONTROL).exists())


def pinnable_runs(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Runs that can be pinned, or with --off let go."""
    from tui.run import store

    off = bool(context.params.get("off"))
    return _runs(typed, lambda directory: store.pinned(directory) == off)


# -- the platform


def _platform_parameters(context: click.Context) -> "list[Parameter]":
    from pathlib import Path

    from tui.platform import parameters, selection
    from tui.run.spec import Spec

    fvp = context.params.get("fvp")
    platform: Any = context.params.get("platform") or "auto"
    try:
        request = Spec(model="", platform=platform, fvp=None if fvp is None else str(Path(fvp).expanduser().absolute()))
        return parameters.of(selection.platform_only(request))
    except (UserError, OSError):
        return []  # no platform: there is nothing to name


def settings(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """``NAME=`` of the platform's parameters, then values: both of a switch, else the default."""
    from click.shell_completion import CompletionItem

    name, sign, _ = typed.partition("=")
    found = _platform_parameters(context)
    if not sign:
        return [
            CompletionItem(f"{p.name}=", type=NO_SPACE, help=p.text or None) for p in found if p.name.startswith(typed)
        ]
    values = [("0", "1") if p.type == "bool" else (p.default,) for p in found if p.name == name]
    return _items([f"{name}={value}" for one in values for value in one], typed)


def parameters(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Names of the platform's parameters."""
    return _items([p.name for p in _platform_parameters(context)], typed)


def presets(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Presets, those of the user among them."""
    from tui.platform import presets

    return _items(presets.names(), typed)


def sizes(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Sizes of a screen that terminals have."""
    return _items(("80x24", "120x40", "200x50"), typed)
