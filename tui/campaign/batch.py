"""Batch systems: jobs that are workers of a scheduler of this campaign's own, which lives in the campaign's process.

It imports Dask, an extra, only to make the cluster; see `cluster`.
"""

import math
import os
import re
import shlex
import shutil
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import psutil

from tui import config
from tui.campaign.scheduler import FILES, INSTALL
from tui.errors import UsageError

if TYPE_CHECKING:
    from dask_jobqueue.core import JobQueueCluster
    from distributed import Security

SystemName = Literal["slurm", "lsf", "pbs", "sge"]


class System(NamedTuple):
    """A batch system: its name, Dask's class for it, the command that takes jobs, and the one that lists them."""

    title: str
    cluster: str
    submit: str
    listing: tuple[str, ...]
    """Prints the jobs that have not ended, of this user at least: a line each, which begins with the number."""


SYSTEMS: dict[SystemName, System] = {
    "slurm": System("Slurm", "SLURMCluster", "sbatch", ("squeue", "--me", "--noheader", "--format=%A")),
    "lsf": System("LSF", "LSFCluster", "bsub", ("bjobs", "-noheader", "-o", "jobid")),
    "pbs": System("PBS", "PBSCluster", "qsub", ("qstat",)),
    "sge": System("Grid Engine", "SGECluster", "qsub", ("qstat",)),
}

JOBS = 2
"""Jobs where no number is given."""
MEMORY = "4GB"
"""Memory of a job where none is given."""
TLS, LOGS = "tls", "jobs"
"""Folders of a campaign: the certificate, and the output of jobs."""
DEATH_S = 60
"""Time after which a worker ends that finds no scheduler."""

UNITS = {"K": 10, "M": 20, "G": 30, "T": 40}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)([KMGT])(i?)B", re.IGNORECASE)
_WALLTIME = re.compile(r"(\d+):([0-5]\d):([0-5]\d)")
_WORD = re.compile(r"[\w.@:,+/~-]+")
"""Names that mean the same in a shell, in a job's header and in a list of words."""

_SCRATCH = (
    'scratch=$(mktemp -d "${TMPDIR:-/tmp}/fvp-w.XXXXXX") || exit 1',
    """trap 'rm -rf "$scratch"' EXIT""",
    # A worker imports from its working directory, too: none that somebody has files in.
    'cd "$scratch"',
    # Short, and not the machine's, where a server may end with another job: see `tui.campaign.remote`.
    'export XDG_RUNTIME_DIR="$scratch"',
)


class Batch(msgspec.Struct, frozen=True, tag="batch"):
    """Jobs of a batch system, each one worker that takes one cell at a time."""

    system: SystemName
    interface: str
    """The network interface of the scheduler and of the workers."""
    jobs: int = JOBS
    memory: str = MEMORY
    queue: str | None = None
    walltime: str | None = None
    """Hours, minutes and seconds; None leaves it to Dask's settings."""

    @property
    def title(self) -> str:
        """The name of the batch system."""
        return SYSTEMS[self.system].title


def checked(
    system: SystemName,
    queue: str | None = None,
    walltime: str | None = None,
    memory: str | None = None,
    jobs: int | None = None,
    interface: str | None = None,
) -> Batch:
    """Make the jobs of a batch system.

    Raises:
        UsageError: Dask or the batch system is not installed, or it could not take such jobs.
    """
    if any(find_spec(name) is None for name in ("distributed", "dask_jobqueue", "cryptography")):
        raise UsageError("a batch system needs Dask", INSTALL)
    title, submit = SYSTEMS[system].title, SYSTEMS[system].submit
    if shutil.which(submit) is None:
        raise UsageError(
            f"there is no {submit} on PATH, which takes the jobs of {title}", f"a machine of {title} has it"
        )
    if queue is not None and not _WORD.fullmatch(queue):
        raise UsageError(f"{queue!r} is no name of a queue")
    if walltime is not None and not _WALLTIME.fullmatch(walltime):
        raise UsageError(f"{walltime!r} is no time", "hours, minutes and seconds, such as 02:00:00")
    if memory is not None and not _MEMORY.fullmatch(memory):
        raise UsageError(f"{memory!r} is no size of memory", f"such as {MEMORY}")
    if jobs is not None and jobs < 1:
        raise UsageError(f"{jobs} jobs do nothing", "--jobs 1 or more")
    if not _WORD.fullmatch(str(config.home())):
        # It is in the header of the job and on the worker's command line, which know no quotes.
        raise UsageError(
            f"a job cannot name the data folder {str(config.home())!r}", "set FVP_TUI_HOME to a plain path"
        )
    return Batch(
        system=system,
        interface=_interface(interface),
        jobs=jobs or JOBS,
        memory=memory or MEMORY,
        queue=queue,
        walltime=walltime,
    )


def _interface(name: str | None) -> str:
    """The network interface of this name, or the one of the machine's name.

    Raises:
        UsageError: there is none, or workers elsewhere could not reach it.
    """
    known = {
        one: [address.address for address in addresses if address.family == socket.AF_INET]
        for one, addresses in psutil.net_if_addrs().items()
    }
    usable = ", ".join(sorted(one for one, addresses in known.items() if addresses))
    if name is not None:
        if not known.get(name):
            raise UsageError(f"this machine has no network interface {name!r}", f"it has {usable}")
        return name
    host = socket.gethostname()
    try:
        address = socket.gethostbyname(host)
    except OSError:
        address = "unknown"
    found = next((one for one, addresses in known.items() if address in addresses), None)
    if found is None or address.startswith("127."):
        what = f"the name of this machine, {host}, leads no worker here: it is {address}"
        raise UsageError(what, f"--interface with one of {usable}")
    return found


def cluster(batch: Batch, folder: Path) -> "JobQueueCluster":
    """Make Dask's cluster of a campaign, its scheduler running, still without jobs.

    The certificate that all ends demand lies in `folder`, where `remove_certificate` finds it.
    """
    import dask_jobqueue

    local = {"dashboard_address": "127.0.0.1:0"}  # without it there is an HTTP port on all addresses
    path = os.environ.get("PYTHONPATH")
    made: JobQueueCluster = getattr(dask_jobqueue, SYSTEMS[batch.system].cluster)(
        cores=1,
        processes=1,
        memory=_bytes(batch.memory),
        queue=batch.queue,
        walltime=_walltime(batch),
        interface=batch.interface,
        security=security(_certificate(folder)),
        python=shlex.quote(sys.executable),
        death_timeout=DEATH_S,
        local_directory='"$scratch"',
        log_directory=str(folder / LOGS),
        job_name="fvp-tui",
        scheduler_options={"port": 0, **local},
        worker_extra_args=["--no-dashboard", "--dashboard-address", "127.0.0.1:0"],
        job_script_prologue=[*([f"export PYTHONPATH={shlex.quote(path)}"] if path else []), *_SCRATCH],
        **_own_options(batch),
    )
    return made


def _certificate(folder: Path) -> Path:
    """Make a folder with a new certificate for all, signed by itself, and its key, for this user alone."""
    from distributed import Security

    remove_certificate(folder)
    tls = folder / TLS
    tls.mkdir(mode=0o700)
    made = Security.temporary().get_tls_config_for_role("worker")
    for name, text in zip(FILES, (made["ca_file"], made["cert"], made["key"]), strict=True):
        (tls / name).touch(mode=0o600)
        (tls / name).write_text(text, encoding="ascii")
    return tls


def remove_certificate(folder: Path) -> None:
    """Remove the certificate of a campaign, and its key."""
    shutil.rmtree(folder / TLS, ignore_errors=True)


def security(folder: Path) -> "Security":
    """Make Dask's settings by a folder of certificates: each end shows its own, and demands the other's."""
    from distributed import Security

    parts = {
        f"tls_{role}_{part}": str(folder / f"{part}.pem")
        for role in ("client", "scheduler", "worker")
        for part in ("cert", "key")
    }
    return Security(tls_ca_file=str(folder / "ca.pem"), require_encryption=True, **parts)


def _own_options(batch: Batch) -> dict[str, Any]:
    """Options that only one of the systems needs."""
    if batch.system != "sge":
        return {}
    # It asks for no memory by itself, and may take a C shell.
    return {
        "resource_spec": f"mem_free={math.ceil(_bytes(batch.memory) / (1 << 20))}M",
        "job_extra_directives": ["-S /bin/bash"],
    }


def _bytes(memory: str) -> int:
    match = _MEMORY.fullmatch(memory)
    assert match is not None
    number, unit, binary = match.groups()
    power = UNITS[unit.upper()]
    return int(float(number) * (1 << power if binary else 1000 ** (power // 10)))


def _walltime(batch: Batch) -> str | None:
    """The limit of a job's time as the system writes it: LSF has no seconds."""
    if batch.walltime is None or batch.system != "lsf":
        return batch.walltime
    match = _WALLTIME.fullmatch(batch.walltime)
    assert match is not None
    hours, minutes, seconds = map(int, match.groups())
    minutes += hours * 60 + bool(seconds)
    return f"{minutes // 60:02}:{minutes % 60:02}"
