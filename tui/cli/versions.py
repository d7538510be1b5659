"""Versions of fvp-tui, and of all that it works with, from package metadata."""

import platform
from importlib import metadata

import click

from tui import __version__
from tui.cli.output import print_json
from tui.errors import UserError
from tui.toolchain import toolchains

OWN = ("textual", "rich", "numpy", "pexpect", "ethos-u-vela")
"""Packages of this program's own, by which a report of a fault can be understood."""


def show(*, as_json: bool) -> None:
    """Print the versions: this program's, those of its packages, and those of the toolchain."""
    own: dict[str, str | None] = {"fvp-tui": __version__, "python": platform.python_version()}
    own |= {name: _version(name) for name in OWN}
    try:
        found = toolchains.of(toolchains.default())
        problem = None
    except UserError as error:
        found, problem = toolchains.own(), str(error)
    compiler = {name: found.packages.get(name) for name in toolchains.PACKAGES}
    python = ".".join(map(str, found.version))
    if as_json:
        toolchain = {"path": found.python, "python": python, **compiler}
        print_json({"versions": own, "toolchain": toolchain, "problem": problem})
        return
    click.echo(f"fvp-tui {__version__}")
    for name, version in [*own.items()][1:]:
        click.echo(f"  {name:14}{version or 'not installed'}")
    click.echo(f"toolchain {found.python}, Python {python}" if problem is None else f"toolchain: {problem}")
    for name, version in compiler.items():
        click.echo(f"  {name:14}{version or 'not installed'}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
