"""The options of a campaign that say on whose machines it runs."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from tui.campaign import batch, scheduler
from tui.campaign.batch import Batch
from tui.campaign.scheduler import Scheduler
from tui.errors import UsageError

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--scheduler", metavar="ADDRESS", help="Send the cells to the workers of this Dask scheduler."),
    click.option(
        "--tls", metavar="FOLDER", help="With ca.pem, cert.pem and key.pem, which a scheduler at tls:// demands."
    ),
    click.option("--slurm", is_flag=True, help="Send the cells to workers that are jobs of Slurm."),
    click.option("--lsf", is_flag=True, help="The same with LSF."),
    click.option("--pbs", is_flag=True, help="The same with PBS."),
    click.option("--sge", is_flag=True, help="The same with Grid Engine."),
    click.option("--queue", metavar="NAME", help="Queue, or partition, of the jobs [default: the batch system's]."),
    click.option(
        "--walltime", metavar="HH:MM:SS", help="Limit of each job's time; another takes its place [default: 00:30:00]."
    ),
    click.option("--memory", metavar="SIZE", help=f"Memory of each job [default: {batch.MEMORY}]."),
    click.option(
        "--interface",
        metavar="NAME",
        help="Network interface by which the jobs reach this machine [default: that of the machine's name].",
    ),
)


def worker_options(function: Function) -> Function:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def checked_workers(typed: Mapping[str, Any]) -> Scheduler | Batch | None:
    """The workers that the cells go to; None for this machine.

    Raises:
        UsageError: there can be none of them, or options exclude each other.
    """
    systems = [name for name in batch.SYSTEMS if typed[name]]
    named = [*systems, *(["scheduler"] if typed["scheduler"] is not None else [])]
    if len(named) > 1:
        raise UsageError(f"--{named[0]} and --{named[1]} exclude each other")
    settings = {name: typed[name] for name in ("queue", "walltime", "memory", "interface")}
    if systems:
        return batch.checked(systems[0], jobs=typed["jobs"], **settings)
    if given := [name for name, value in settings.items() if value is not None]:
        raise UsageError(f"--{given[0]} is for the jobs of a batch system", "with --slurm, --lsf, --pbs or --sge")
    return None if typed["scheduler"] is None else scheduler.checked(typed["scheduler"], typed["tls"])
