"""Candidates that shell completion offers for an argument of the command line.

click calls these functions with a context, a parameter and the value typed so far. Each imports what it needs when it
is called, never PyTorch or the terminal library: a candidate that comes late is no help.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from tui.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

    from tui.platform.parameters import Parameter

MAX_RUNS = 100
"""Number of runs offered, the newest: nobody reads a longer list."""
SHORT_NAMES = ("last", "last~1", "last~2")
"""Short names offered: older runs are named by their ids."""
NO_SPACE = "nospace"
"""Kind of a candidate that is continued: a folder, or the name of a parameter before its value."""

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def _items(values: Iterable[str], typed: str, kind: str = "plain") -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(value, type=kind) for value in values if value.startswith(typed)]


# -- files


def files(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Let the shell complete a file."""
    return _items([typed], typed, "file")


def folders(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Let the shell complete a folder."""
    return _items([typed], typed, "dir")


def ports(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Offer serial ports that are plugged in; the shell completes others."""
    from tui.toolchain import ports

    return _items(ports.plugged(), typed) or _items([typed], typed, "file")


# -- models and targets


def models(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Offer models that have a name and can be used here, then files that may be a model."""
    from click.shell_completion import CompletionItem

    from tui.app import path_completion
    from tui.model import catalogue
    from tui.toolchain import toolchains

    try:
        chain = toolchains.of(toolchains.default())
    except UserError:
        chain = toolchains.own()  # what is wrong with the user's is said when it is used
    listed = catalogue.samples(chain)
    if "executorch:".startswith(typed[: len("executorch:")]):  # listing these takes a while
        listed += catalogue.executorch_models(chain)
    compiles = context.info_name in ("compile", "sweep")
    suffixes = tuple(s for s in catalogue.SUFFIXES if not (compiles and s in catalogue.PROGRAMS))
    named = [
        CompletionItem(model.name, help=model.title or None)
        for model in listed
        if model.name.startswith(typed) and not model.missing
    ]
    paths = path_completion.completions(typed, suffixes)
    return [
        *named,
        *(CompletionItem(path, type=NO_SPACE if path.endswith("/") else "plain") for path in paths),
    ]


def of_vela(names: str) -> Complete:
    """Offer a list of `VelaLists`, by its name. A target of compile may also be a CPU, one of sweep a family."""

    def complete(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
        from tui.toolchain import boards, toolchains, vela

        families = tuple(npu.accelerator for npu in boards.NPUS)
        others = {"compile": boards.CPU_TARGETS, "sweep": families} if names == "accelerators" else {}
        more = others.get(context.info_name or "", ())
        try:
            ethosu = toolchains.known_ethosu(toolchains.default())
            return _items([*getattr(vela.lists(None, ethosu), names), *more], typed)
        except (UserError, vela.VelaMissing):
            return _items(more, typed)

    return complete


def several(one: Complete) -> Complete:
    """Complete the last item of a list with commas; offer nothing that is already in the list."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        before, comma, last = typed.rpartition(",")
        listed = before.split(",")
        items = one(context, parameter, last)
        return [
            CompletionItem(f"{before}{comma}{item.value}", type=item.type) for item in items if item.value not in listed
        ]

    return complete


# -- runs


def _runs(typed: str, fits: "Callable[[Path], bool] | None" = None) -> "list[CompletionItem]":
    """Offer runs, newest first: those whose folder `fits`, or all and the short names of the newest."""
    from tui.run import store

    ids = store.ids()
    short = SHORT_NAMES[: len(ids)] if fits is None else ()
    fitting = [name for name in ids if name.startswith(typed) and (fits is None or fits(store.folder() / name))]
    return _items([*short, *fitting[:MAX_RUNS]], typed)


def any_run(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Offer any run."""
    return _runs(typed)


def live_runs(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Offer runs that are still running."""
    from tui.run import store

    return _runs(typed, lambda directory: (directory / store.CONTROL).exists())


def pinnable_runs(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Offer runs that are not pinned; with --off, pinned ones."""
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
        return []  # no platform, no parameters


def settings(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Offer ``NAME=`` of the platform's parameters, then values: both of a switch, else the default."""
    from click.shell_completion import CompletionItem

    name, sign, _ = typed.partition("=")
    listed = _platform_parameters(context)
    if not sign:
        return [
            CompletionItem(f"{p.name}=", type=NO_SPACE, help=p.text or None) for p in listed if p.name.startswith(typed)
        ]
    values = [("0", "1") if p.type == "bool" else (p.default,) for p in listed if p.name == name]
    return _items([f"{name}={value}" for one in values for value in one], typed)


def parameters(context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Offer names of the platform's parameters."""
    return _items([p.name for p in _platform_parameters(context)], typed)


def presets(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Offer presets, including the user's own."""
    from tui.platform import presets

    return _items(presets.names(), typed)


def sizes(_context: click.Context, _parameter: click.Parameter, typed: str) -> "list[CompletionItem]":
    """Offer common sizes of a terminal."""
    return _items(("80x24", "120x40", "200x50"), typed)
