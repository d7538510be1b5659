"""Folders of the files that ship beside the code: themes and sample models.

They lie at the top of a checkout and inside the package in a wheel.
"""

from functools import cache
from pathlib import Path


@cache
def folder(name: str) -> Path:
    """Return the folder `name` ("themes" or "sample_models").

    Raises:
        FileNotFoundError: neither an installed wheel nor a checkout holds it.
    """
    package = Path(__file__).parent
    for candidate in (package / "data" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{name}/ is missing beside {package}: the installation is incomplete")
