"""Toolchains to try: virtual environments with other releases of ExecuTorch, over the packages of this one."""

import subprocess
import sys
import sysconfig
from pathlib import Path

RELEASES = ("1.4.1", "1.5.0", "1.5.1")
"""Releases of ExecuTorch that are supported."""

MODELS = ("sample:digits", "executorch:resnet8", "sample:split", "sample:transformer", "executorch:mobilenet_v1_025")
QUANTIZATIONS = ("int8", "a16w8")
WRONG = {("1.4.1", "executorch:resnet8", "a16w8")}
"""Known to be wrong: docs/compiler-faults.md, a convolution's scale is lost."""


def site_packages(folder: Path) -> Path:
    """Where a virtual environment keeps its packages."""
    return next((folder / "lib").glob("python*")) / "site-packages"


def over_own(folder: Path) -> Path:
    """A virtual environment whose own packages go before those of this one: torch is not installed twice."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site_packages(folder) / "own.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def release(folder: Path, version: str) -> Path:
    """A virtual environment with a release of ExecuTorch; made where it is not there."""
    done = folder / "done"
    if not done.exists():
        over_own(folder)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
        target = ["--target", str(site_packages(folder)), f"executorch=={version}"]
        installed = subprocess.run([*command, *target], capture_output=True, text=True, check=False)
        assert installed.returncode == 0, installed.stderr
        done.touch()
    return folder
