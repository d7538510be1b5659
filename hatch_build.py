"""Hatch's hook of this project: manual pages and the SBOM go into the wheel where ``make wheel`` has made them."""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE = "FVP_TUI_WHEEL_EXTRAS"
"""Environment variable: a folder with ``man/*.1`` and ``sbom/*.json``."""


class ExtrasHook(BuildHookInterface):
    """Adds what is made from the program itself, and so is not part of the sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files, if there are any."""
        extras = os.environ.get(VARIABLE)
        if not extras or self.target_name != "wheel" or version == "editable":
            return
        for page in sorted(Path(extras).glob("man/*.1")):
            build_data["shared_data"][str(page)] = f"share/man/man1/{page.name}"
        build_data["sbom_files"] += [str(file) for file in sorted(Path(extras).glob("sbom/*.json"))]
