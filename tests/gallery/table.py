"""The table of all scenes, by name."""

from collections.abc import Mapping

from tests.gallery import records, runs, setup
from tests.gallery.scene import Scene

SCENES: Mapping[str, Scene] = {**setup.SCENES, **runs.SCENES, **records.SCENES}
