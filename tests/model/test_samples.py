"""The sample models are ExecuTorch's own kind of file: its compiler takes them as they are."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY, environment


def test_executorchs_own_compiler_takes_a_sample(tmp_path: Path) -> None:
    program = tmp_path / "out.pte"
    file = REPOSITORY / "sample_models" / "split.py"
    done = subprocess.run(
        [
            sys.executable, "-m", "executorch.backends.arm.scripts.aot_arm_compiler",
            "-m", str(file), "-d", "-q", "-t", "ethos-u85-256", "-o", str(program),
        ],
        env=environment(tmp_path / "home"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert program.read_bytes()[4:8] == b"ET12"
