"""A Slurm of its own on loopback: one node with two CPUs, for as long as a block."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.campaign.clusters import free_port

NEEDED = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "sinfo")
CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={controller}
SlurmdPort={node}
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory={memory}
PartitionName=debug Nodes={host} Default=YES State=UP
"""


def missing() -> str | None:
    """The reason why no Slurm can be started here; None if one can."""
    if absent := [name for name in NEEDED if shutil.which(name) is None]:
        return f"{absent[0]} is not installed"
    return None if os.geteuid() == 0 else "a Slurm can be started by root alone"


@dataclass(frozen=True)
class Slurm:
    """A Slurm under way."""

    conf: Path

    @property
    def env(self) -> dict[str, str]:
        """The variable that leads its commands, and jobs, to it."""
        return {"SLURM_CONF": str(self.conf)}

    def call(self, *command: str) -> list[str]:
        """The lines that a command prints."""
        env = {**os.environ, **self.env}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.splitlines()

    def jobs(self, state: str = "all") -> list[str]:
        """The numbers of the jobs in the queue."""
        return self.call("squeue", "--noheader", "--format=%A", f"--states={state}" if state != "all" else "--me")


@contextlib.contextmanager
def slurm() -> Iterator[Slurm]:
    """Start a Slurm; it ends with the block. Its folder is one that all may read, which munge demands."""
    with tempfile.TemporaryDirectory(prefix="slurm") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for one, mode in (("run", 0o755), ("munge", 0o700), ("state", 0o700), ("spool", 0o755)):
            (folder / one).mkdir()
            (folder / one).chmod(mode)
        key = folder / "munge" / "key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        conf, run = folder / "slurm.conf", folder / "run"
        memory = psutil.virtual_memory().total >> 20
        conf.write_text(
            CONF.format(
                host=socket.gethostname().partition(".")[0], user="root", folder=folder, memory=memory,
                controller=free_port(), node=free_port(),
            )
        )  # fmt: skip
        (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        munge = [f"--key-file={key}", f"--socket={run}/munge.sock", f"--pid-file={run}/munged.pid"]
        munge += [f"--log-file={folder}/munge/log", f"--seed-file={folder}/munge/seed"]
        try:
            for command in (["munged", *munge], ["slurmctld", "-f", str(conf)], ["slurmd", "-f", str(conf)]):
                subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
            started = Slurm(conf)
            started.call("srun", "true")  # answers once the node is there
            yield started
        finally:
            for file in sorted(run.glob("*.pid"), reverse=True):
                with contextlib.suppress(psutil.Error, ValueError, OSError):
                    process = psutil.Process(int(file.read_text()))
                    process.terminate()
                    process.wait(timeout=20)
