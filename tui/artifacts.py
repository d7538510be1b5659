"""Files of a run that are worth keeping, with their size and checksum."""

import hashlib
from pathlib import Path

from tui.figures import Artifact


def describe(directory: Path, path: Path) -> Artifact:
    """The artifact at `path`, which lies in the run's `directory`."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Artifact(
        name=path.name, path=path.relative_to(directory).as_posix(), bytes=path.stat().st_size, sha256=digest
    )
