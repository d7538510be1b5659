"""What an installed wheel must find: its themes and its sample models."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.conftest import REPOSITORY, environment


def test_a_fresh_environment_made_from_the_wheel_finds_themes_and_samples(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, REPOSITORY],
        check=True,
        capture_output=True,
    )
    fresh = tmp_path / "fresh"
    subprocess.run([sys.executable, "-m", "venv", fresh], check=True)
    python = fresh / "bin" / "python"
    wheel = next(tmp_path.glob("*.whl"))
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True, capture_output=True)
    # The dependencies are gigabytes: they are taken from the environment the tests run in.
    own = Path(
        subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
    )
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(*arguments: str) -> str:
        variables = environment(tmp_path / "home")
        del variables["PYTHONPATH"]
        return subprocess.run(
            [fresh / "bin" / "fvp-tui", *arguments],
            cwd=tmp_path,
            env=variables,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    names = {model["name"] for model in json.loads(run("models", "--json"))["models"]}
    assert {"sample:digits", "sample:mobilenet_v2"} <= names
    assert str(own) in run("themes")
    where = subprocess.check_output([python, "-c", "import tui; print(tui.__file__)"], cwd=tmp_path, text=True)
    assert str(own) in where
    weights = own / "tui" / "data" / "sample_models" / "data" / "digits.npz"
    assert weights.read_bytes() == (REPOSITORY / "sample_models" / "data" / "digits.npz").read_bytes()
