"""Campaigns through a batch system: refusals, the scripts of jobs, and a Slurm of the test's own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.campaign import slurm
from tests.campaign.slurm import Slurm
from tests.campaign.test_campaigns import ended
from tests.conftest import TUI, Fvp, environment
from tests.test_imports import modules_after
from tui.campaign import batch
from tui.campaign.batch import Batch, SystemName

pytest.importorskip("dask_jobqueue")
pytestmark = pytest.mark.xdist_group("batch")

DIGITS = ("campaign", "sample:digits", "--targets", "ethos-u85-128,ethos-u85-256")
LO = ("--slurm", "--interface", "lo")

# -- refusals: nothing is begun


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder with commands of batch systems that do nothing."""
    folder = tmp_path / "commands"
    folder.mkdir()
    for name in ("sbatch", "bsub"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--slurm", "--lsf"), "--slurm and --lsf exclude each other"),
        (("--pbs", "--scheduler", "tcp://127.0.0.1:1"), "--pbs and --scheduler exclude each other"),
        (("--walltime", "01:00:00"), "--walltime is for the jobs of a batch system (with --slurm, --lsf, --pbs or"),
        (("--sge",), "there is no qsub on PATH"),
        (("--slurm", "--queue", "a b"), "'a b' is no name of a queue"),
        (("--slurm", "--walltime", "90"), "'90' is no time"),
        (("--lsf", "--memory", "4"), "'4' is no size of memory (such as 4GB)"),
        (("--slurm", "--jobs", "0"), "0 jobs do nothing"),
        (("--slurm", "--interface", "none7"), "this machine has no network interface 'none7' (it has "),
    ],
)
def test_a_request_that_no_batch_system_could_take_is_refused(
    options: tuple[str, ...], said: str, home: Path, commands: Path
) -> None:
    env = {**environment(home), "PATH": str(commands)}
    done = subprocess.run([*TUI, *DIGITS, *options], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, said in done.stderr) == (2, "", True), done.stderr
    assert done.stderr.count("\n") == 1 and not home.exists()


def test_a_data_folder_that_no_job_could_name_is_refused(tmp_path: Path, commands: Path) -> None:
    env = {**environment(tmp_path / "my data"), "PATH": str(commands)}
    done = subprocess.run([*TUI, *DIGITS, *LO], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, "a job cannot name the data folder" in done.stderr) == (2, True), done.stderr


def test_without_the_extra_it_says_how_to_install_it(home: Path, commands: Path) -> None:
    code = "import sys; sys.modules['dask_jobqueue'] = None; from tui.__main__ import main; sys.exit(main())"
    env = {**environment(home), "PATH": str(commands)}
    command = [sys.executable, "-c", code, *DIGITS, *LO]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2, "fvp-tui: a batch system needs Dask (pip install 'fvp-tui[fleet]')\n",
    )  # fmt: skip


def test_the_command_imports_nothing_of_dask() -> None:
    assert modules_after("import tui.cli.commands.campaign, tui.campaign.process").isdisjoint({"dask", "distributed"})


# -- the scripts of jobs

HEADERS: dict[SystemName, tuple[str, ...]] = {
    "slurm": ("#SBATCH -p long", "#SBATCH -t 01:30:01", "#SBATCH --mem=2G", "#SBATCH --cpus-per-task=1"),
    "lsf": ("#BSUB -q long", "#BSUB -W 01:31", "#BSUB -n 1", "#BSUB -M 2"),
    "pbs": ("#PBS -q long", "#PBS -l walltime=01:30:01", "select=1:ncpus=1:mem=2048MB"),
    "sge": ("#$ -q long", "#$ -l h_rt=01:30:01", "#$ -l mem_free=2048M", "#$ -S /bin/bash"),
}


@pytest.mark.parametrize("system", HEADERS)
def test_the_script_of_a_job_has_the_options(
    system: SystemName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/some/path with a space")
    asked = Batch(system=system, interface="lo", queue="long", walltime="01:30:01", memory="2GiB")
    made = batch.cluster(asked, tmp_path)
    try:
        script = made.job_script()
        assert [line for line in HEADERS[system] if line not in script] == []
        assert "export PYTHONPATH='/some/path with a space'\n" in script
        (worker,) = [line for line in script.splitlines() if "dask_worker" in line]
        wanted = [f"{sys.executable} -m", "--nthreads 1", "--interface lo", "--death-timeout 60", "--no-dashboard"]
        wanted += ["--dashboard-address 127.0.0.1:0", f"--tls-key {tmp_path}/tls/key.pem", " tls://127.0.0.1:"]
        assert [words for words in wanted if words not in worker] == []
        assert script.index('cd "$scratch"') < script.index(worker)
        modes = {path.name: path.stat().st_mode & 0o777 for path in [tmp_path / "tls", *(tmp_path / "tls").iterdir()]}
        assert modes == {"tls": 0o700, "ca.pem": 0o600, "cert.pem": 0o600, "key.pem": 0o600}
    finally:
        made.close()
    batch.remove_certificate(tmp_path)
    assert not (tmp_path / "tls").exists()


# -- a Slurm


@pytest.fixture(scope="module")
def queue() -> Iterator[Slurm]:
    if (why := slurm.missing()) is not None:
        pytest.skip(why)
    with slurm.slurm() as started:
        yield started


@pytest.fixture
def there(queue: Slurm, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """A Slurm that the command line finds."""
    monkeypatch.setenv("SLURM_CONF", queue.env["SLURM_CONF"])
    return queue


def listening() -> set[str]:
    """The addresses that processes of Dask's workers listen at."""
    found: set[str] = set()
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if "dask_worker" in words or "tui.campaign.process" in words:
            for one in [process, *process.children(recursive=True)]:
                found |= {c.laddr.ip for c in one.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    return found


def test_it_gives_what_this_machine_gives_and_leaves_no_job(
    there: Slurm, fvp_tui: Fvp, home: Path, tmp_path: Path
) -> None:
    done = fvp_tui(*DIGITS, "--estimate", *LO, "--json")
    found = ended(done)
    assert "waiting for a worker of Slurm: 2 jobs in the queue" in done.stderr
    assert there.jobs() == []
    (campaign,) = (home / "campaigns").iterdir()
    assert not (campaign / "tls").exists() and list((campaign / "jobs").iterdir())
    command = [*TUI, *DIGITS, "--estimate", "--json"]
    own = subprocess.run(command, env=environment(tmp_path / "own"), capture_output=True, text=True, check=True)
    names = ("model", "target", "status", "by", "total_cycles", "inference_ms", "sram_kib")
    here = json.loads(own.stdout)["cells"]
    assert [[cell[n] for n in names] for cell in found["cells"]] == [[cell[n] for n in names] for cell in here]


def test_a_job_that_is_cancelled_loses_no_cell_and_is_replaced(there: Slurm, home: Path) -> None:
    command = [*TUI, "campaign", "sample:digits", "sample:split", *DIGITS[2:], "--platform", "simulator", *LO, "--json"]
    with subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, text=True) as running:
        while not (begun := _begun(home)) and running.poll() is None:
            continue
        assert begun and listening() == {"127.0.0.1"}
        first = there.jobs()
        there.call("scancel", first[0])
        while not (new := set(there.jobs()) - set(first)) and running.poll() is None:
            continue
        out, _ = running.communicate(timeout=240)
    assert len(new) == 1
    cells = json.loads(out)["cells"]
    assert (running.returncode, [cell["status"] for cell in cells]) == (0, ["ok"] * 4)
    runs = [cell["run"] for cell in cells]
    assert len(set(runs)) == 4 and {path.name for path in (home / "runs").iterdir()} == set(runs)
    assert there.jobs() == []


def _begun(home: Path) -> bool:
    """True once a cell is under way."""
    return any('"cell_started"' in file.read_text() for file in home.glob("campaigns/*/events.jsonl"))


def test_it_stops_while_it_waits(there: Slurm, fvp_tui: Fvp, home: Path) -> None:
    (blocking,) = there.call("sbatch", "--parsable", "--ntasks=2", "--output=/dev/null", "--wrap", "exec sleep 600")
    try:
        name = fvp_tui(*DIGITS, *LO, "--detach").stdout.strip()
        assert fvp_tui("campaign", "--stop", name).returncode == 0
        followed = fvp_tui("campaign", "--follow", name)
        assert (followed.returncode, there.jobs()) == (130, [blocking])
        # A queue that does not exist: nothing is waited for.
        refused = fvp_tui(*DIGITS, *LO, "--queue", "nowhere")
        assert (refused.returncode, "Slurm takes no job: " in refused.stderr) == (1, True), refused.stderr
        assert there.jobs() == [blocking]
    finally:
        there.call("scancel", blocking)


def test_jobs_that_bring_no_worker_end_the_campaign_with_their_last_words(
    there: Slurm, fvp_tui: Fvp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__WORKER_COMMAND", "no_such_program")
    done = fvp_tui(*DIGITS, *LO)
    assert done.returncode == 1 and "jobs of Slurm end before their worker comes: " in done.stderr
    assert "No module named no_such_program" in done.stderr and there.jobs() == []
