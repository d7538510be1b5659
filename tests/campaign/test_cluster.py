"""A campaign on a scheduler with workers of their own homes, over TLS on loopback: the same as on this machine."""

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.campaign import clusters
from tests.campaign.clusters import Cluster
from tests.campaign.test_campaigns import ended
from tests.conftest import Fvp, environment
from tui import processes
from tui.campaign import bundles, scheduler
from tui.errors import UsageError
from tui.run import store
from tui.run.spec import Spec

pytest.importorskip("distributed")
pytestmark = pytest.mark.xdist_group("cluster")

NET = (
    "import pathlib, torch, helper\n"
    "scale = float(pathlib.Path(__file__).with_name('scale.txt').read_text())\n"
    "ModelUnderTest = helper.net(scale)\nModelInputs = (torch.ones(1, 8, 8, 8),)\n"
)
HELPER = """
import torch

class Net(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = torch.nn.Conv2d(8, channels, 3)

    def forward(self, x):
        return self.conv(x)

def net(scale):
    torch.manual_seed(0)
    return Net(int(scale))
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clusters.cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


def on_this_machine(folder: Path, *command: str) -> list[dict[str, Any]]:
    """The cells of a campaign in a home of its own, without a cluster."""
    done = subprocess.run(
        [sys.executable, "-m", "tui", *command, "--json"],
        env=environment(folder / "own"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    found: list[dict[str, Any]] = ended(done)["cells"]
    return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of a model that reads a file and imports another."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name, text in (("net.py", NET), ("helper.py", HELPER), ("scale.txt", "8")):
        (folder / name).write_text(text)
    return folder


def test_it_gives_what_this_machine_gives_and_the_runs_come_home(
    cluster: Cluster, fvp_tui: Fvp, home: Path, model: Path, tmp_path: Path
) -> None:
    options = ("campaign", str(model / "net.py"), "sample:digits", "--targets", "ethos-u85-128,ethos-u55-128")
    there = ended(fvp_tui(*options, "--platform", "simulator", *cluster.options, "--json"))
    for cell in there["cells"]:
        directory = home / "runs" / cell["run"]
        shown = json.loads(fvp_tui("show", cell["run"], "--json").stdout)
        assert shown["inferences"][0]["npu_cycles"] == cell["npu_cycles"]
        assert json.loads((directory / "spec.json").read_text())["model"] == cell["model"]
        assert (directory / "artifacts" / "model.pte").is_file()
        if cell["model"].startswith(str(model)):
            # What a report names lies where it lay here, not on the worker.
            lines = {str(operator["line"]).rpartition(":")[0] for operator in shown["operators"]}
            assert str(model / "helper.py") in lines and lines <= {str(model / "helper.py"), ""}
    names = ("model", "target", "npu_cycles", "inference_ms", "total_cycles", "sram_kib", "check", "status")
    here = on_this_machine(tmp_path, *options, "--platform", "simulator")
    assert [[cell[name] for name in names] for cell in there["cells"]] == [[cell[n] for n in names] for cell in here]
    # What came home counts as done.
    again = ended(fvp_tui(*options, "--platform", "simulator", "--json"))
    assert all(cell["reused"] for cell in again["cells"])


def test_estimates_are_done_there_and_slices_add_up(cluster: Cluster, fvp_tui: Fvp, home: Path, tmp_path: Path) -> None:
    targets = ("campaign", "sample:digits", "--targets", "ethos-u85,ethos-u55-128", "--estimate")
    there, here = ended(fvp_tui(*targets, *cluster.options, "--json"))["cells"], on_this_machine(tmp_path, *targets)
    names = ("target", "total_cycles", "inference_ms", "sram_kib", "status")
    assert [[cell[name] for name in names] for cell in there] == [[cell[name] for name in names] for cell in here]
    sliced = ("campaign", "sample:digits", "--platform", "simulator", "--inferences", "60", "--slices", "3", "--json")
    (row,) = ended(fvp_tui(*sliced, *cluster.options))["cells"]
    whole = json.loads(
        fvp_tui("run", "sample:digits", "--platform", "simulator", "--inferences", "60", "--json").stdout
    )
    assert row["confusion"] == whole["check"]["confusion"]
    assert len(row["runs"]) == 3 and row["check"] == "match"


def of_workers(cluster: Cluster) -> list[psutil.Process]:
    """Processes that are started for cells: they have the worker's process as their owner."""
    owners = {str(one.pid) for one in cluster.computing()}
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or ()
        if {"tui.pipeline.process", "tui.compile.server"} & set(words) and _owner(process) in owners:
            found.append(process)
    return found


def _owner(process: psutil.Process) -> str:
    """The number of the process that a process belongs to, if any."""
    try:
        return process.environ().get(processes.OWNER, "").partition(":")[0]
    except psutil.Error:
        return ""


def test_a_worker_that_is_killed_loses_no_cell_and_leaves_nothing(cluster: Cluster, home: Path, fvp_tui: Fvp) -> None:
    command = ["campaign", "sample:split", "--targets", "ethos-u85", "--platform", "simulator", *cluster.options]
    with subprocess.Popen(
        [sys.executable, "-m", "tui", *command, "--json"], env=environment(home), stdout=subprocess.PIPE, text=True
    ) as running:
        while not (begun := of_workers(cluster)) and running.poll() is None:
            continue
        owner = _owner(begun[0])
        of_owner = [one for one in of_workers(cluster) if _owner(one) == owner]
        psutil.Process(int(owner)).kill()  # the nanny starts another
        gone, left = psutil.wait_procs(of_owner, timeout=5)
        assert (len(gone), left) == (len(of_owner), [])
        out, _ = running.communicate(timeout=200)
    found = json.loads(out)
    assert (running.returncode, {cell["status"] for cell in found["cells"]}) == (0, {"ok"})
    runs = [cell["run"] for cell in found["cells"]]
    assert len(set(runs)) == len(runs) and {path.name for path in (home / "runs").iterdir()} == set(runs)


def test_what_dies_with_the_only_worker_that_has_it_is_sent_again(home: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    targets = "ethos-u85-128,ethos-u85-256"
    with clusters.cluster(tmp_path / "one", 1) as alone:
        command = ["campaign", str(model / "net.py"), "--targets", targets, "--platform", "simulator", *alone.options]
        with subprocess.Popen(
            [sys.executable, "-m", "tui", *command, "--json"], env=environment(home), stdout=subprocess.PIPE, text=True
        ) as running:
            # With the model first, then with the graphs that were lowered for the first cell, too.
            for done in (0, 1):
                while len(store.ids()) < done or not of_workers(alone):
                    assert running.poll() is None
                alone.computing()[0].kill()
            out, _ = running.communicate(timeout=200)
    found = json.loads(out)["cells"]
    assert [(cell["status"], cell["reason"]) for cell in found] == [("ok", None)] * 2
    assert {path.name for path in (home / "runs").iterdir()} == {cell["run"] for cell in found}


def test_who_has_no_certificate_is_refused_by_the_scheduler(cluster: Cluster, fvp_tui: Fvp) -> None:
    host, _, port = cluster.address.removeprefix("tls://").partition(":")
    context = ssl.create_default_context(cafile=str(cluster.tls / "ca.pem"))
    with pytest.raises((ssl.SSLError, ConnectionResetError)), socket.create_connection((host, int(port))) as bare:
        # In TLS 1.3 the refusal comes with the first answer.
        context.wrap_socket(bare, server_hostname=host).recv(1)
    done = fvp_tui("campaign", "sample:digits", "--scheduler", cluster.address)
    assert (done.returncode, "no ca.pem" in done.stderr) == (2, True)


def test_no_port_is_open_beyond_loopback(cluster: Cluster) -> None:
    for worker in cluster.workers:
        for one in [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]:
            listening = [c.laddr.ip for c in one.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            assert set(listening) <= {"127.0.0.1"}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://10.0.0.1:8786", "is not encrypted"),
        ("10.0.0.1", "is no address of a scheduler"),
        ("tls://10.0.0.1:x", "is no address of a scheduler"),
        ("tls://10.0.0.1:8786", "no ca.pem"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        scheduler.checked(address, None)


def test_a_bundle_has_the_same_name_for_the_same_content_and_no_secrets(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.py").write_text(NET)
        os.utime(tmp_path / name / "net.py", (1, len(name)))
    one, other = (bundles.packed(tmp_path / name) for name in ("a", "b"))
    assert one == other
    known: dict[Path, bundles.Bundle] = {}
    spec = Spec(model=str(tmp_path / "a" / "net.py"), folder=str(tmp_path / "a"))
    travelling = bundles.portable(spec, known)
    assert travelling.model == f"bundle:{one.name}/net.py" and bundles.names(travelling) == [one.name]
    arrived = bundles.unpacked(travelling, tmp_path / "there", {one.name: one.data})
    assert Path(arrived.model).read_text() == NET and arrived.folder == str(Path(arrived.model).parent)
    (tmp_path / "a" / ".env").write_text("TOKEN=1")
    with pytest.raises(UsageError, match=r"\.env looks like a secret"):
        bundles.packed(tmp_path / "a")
