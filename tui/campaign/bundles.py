"""Bundles: what a cell needs of this machine's files, as archives that are named by their content.

A model in Python goes as its whole folder. In a spec that travels, a path within a bundle is ``bundle:HASH/PATH``.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tui.campaign.content import files_below
from tui.errors import UsageError
from tui.files import made_whole
from tui.run.spec import Spec

MOST = 200 << 20
"""Bytes of a bundle's files."""
NAMED = 3
"""Largest files that a refusal names."""
SECRETS = (".env", ".pem", ".key", "id_rsa", "id_ed25519", ".netrc", ".pypirc", "credentials")
"""Ends of names of files that are not sent anywhere."""
PREFIX = "bundle:"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date of all members: equal content has equal bytes."""


@dataclass(frozen=True)
class Bundle:
    """An archive and the hash of its bytes."""

    name: str
    data: bytes


def packed(place: Path) -> Bundle:
    """Pack a file, or all files of a folder.

    Raises:
        UsageError: it is too large, holds a secret, or cannot be read.
    """
    files = [place] if place.is_file() else sorted(files_below(place))
    base = place.parent if place.is_file() else place
    _check(place, files)
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in files:
                member = zipfile.ZipInfo(file.relative_to(base).as_posix(), EPOCH)
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, file.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}") from error
    data = out.getvalue()
    return Bundle(hashlib.sha256(data).hexdigest()[:24], data)


def _check(place: Path, files: list[Path]) -> None:
    secret = next((file for file in files if file.name.lower().endswith(SECRETS)), None)
    if secret is not None:
        raise UsageError(f"{secret} looks like a secret, and {place} would be sent to workers", "move it elsewhere")
    sizes = sorted(((file.stat().st_size, file) for file in files), reverse=True)
    if (total := sum(size for size, _ in sizes)) > MOST:
        largest = ", ".join(f"{file} {size / 1e6:,.0f} MB" for size, file in sizes[:NAMED])
        raise UsageError(f"{place} has {total / 1e6:,.0f} MB, at most {MOST / 1e6:,.0f} MB are sent: {largest}")


def portable(spec: Spec, known: dict[Path, Bundle]) -> Spec:
    """A spec whose paths are those of bundles; what is packed for it goes into `known`.

    Raises:
        UsageError: something cannot be sent.
    """

    def of(path: str) -> str:
        file = Path(path)
        place = file.parent if file.suffix == ".py" else file
        if place not in known:
            known[place] = packed(place)
        inside = "" if place.is_dir() and place == file else file.name
        return f"{PREFIX}{known[place].name}/{inside}"

    return _with_paths(spec, of)


def unpacked(spec: Spec, folder: Path, data: dict[str, bytes]) -> Spec:
    """The spec with paths below `folder`, where the bundles that it names are unpacked, each once."""

    def of(path: str) -> str:
        name, _, inside = path.removeprefix(PREFIX).partition("/")
        place = folder / name
        if not place.is_dir():
            with made_whole(place) as building, zipfile.ZipFile(io.BytesIO(data[name])) as archive:
                archive.extractall(building)
        return str(place / inside)

    return _with_paths(spec, lambda path: of(path) if path.startswith(PREFIX) else path)


def names(spec: Spec) -> list[str]:
    """The bundles that a spec names."""
    found: dict[str, None] = {}

    def of(path: str) -> str:
        if path.startswith(PREFIX):
            found[path.removeprefix(PREFIX).partition("/")[0]] = None
        return path

    _with_paths(spec, of)
    return list(found)


def _with_paths(spec: Spec, of: Callable[[str], str]) -> Spec:
    model = of(spec.model) if spec.model.startswith((PREFIX, "/")) else spec.model
    return msgspec.structs.replace(
        spec,
        model=model,
        folder=str(Path(model).parent) if spec.folder is not None else None,
        calibration=None if spec.calibration is None else of(spec.calibration),
        dataset=None if spec.dataset is None else of(spec.dataset),
        inputs=tuple(of(path) for path in spec.inputs),
    )
