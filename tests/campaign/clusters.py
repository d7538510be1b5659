"""Clusters on loopback: a scheduler and workers with homes and folders of their own, over TLS."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.conftest import environment


@dataclass(frozen=True)
class Cluster:
    """A scheduler and its workers."""

    address: str
    tls: Path
    scheduler: "subprocess.Popen[bytes]"
    workers: tuple["subprocess.Popen[bytes]", ...]

    @property
    def options(self) -> tuple[str, ...]:
        return ("--scheduler", self.address, "--tls", str(self.tls))

    def computing(self) -> list[psutil.Process]:
        """The processes that run tasks, each below its nanny."""
        below = [psutil.Process(worker.pid).children(recursive=True) for worker in self.workers]
        found = []
        for one in (one for children in below for one in children):
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(one.cmdline()):
                    found.append(one)
        return found


def certificate(folder: Path) -> Path:
    """One certificate for all, signed by itself."""
    folder.mkdir()
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = ["-days", "2", "-subj", "/CN=fvp-tui", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", cert, *about], check=True, capture_output=True)
    (folder / "ca.pem").write_bytes(cert.read_bytes())
    return folder


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a scheduler and workers, none with a port beyond loopback; they end with the block."""
    tls = certificate(folder / "tls")
    address = f"tls://127.0.0.1:{free_port()}"
    pems = ["--tls-ca-file", tls / "ca.pem", "--tls-cert", tls / "cert.pem", "--tls-key", tls / "key.pem"]
    local = ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    python = [sys.executable, "-m"]
    port = address.rpartition(":")[2]
    command = [*python, "distributed.cli.dask_scheduler", "--port", port, "--protocol", "tls", *local, *pems]
    started = [subprocess.Popen(command, env=environment(folder), stderr=subprocess.DEVNULL)]
    for number in range(workers):
        home = folder / f"w{number}"
        home.mkdir()
        env = {**environment(home / "data"), "HOME": str(home)}
        more = ["--nthreads", "1", "--nworkers", "1", "--name", f"w{number}", "--local-directory", home]
        command = [*python, "distributed.cli.dask_worker", address, *local, *more, *pems]
        started.append(subprocess.Popen(command, env=env, cwd=home, stderr=subprocess.DEVNULL))
    try:
        yield Cluster(address, tls, started[0], tuple(started[1:]))
    finally:
        ending = []
        for process in started:
            with contextlib.suppress(psutil.Error):
                for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                    one.kill()
                    ending.append(one)
            process.wait()
        # Not only those that were started here: a port is closed when its process is gone.
        psutil.wait_procs(ending)
