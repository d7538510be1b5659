"""Which cycle model a simulation has: the place where `ethosu85.cycles` is asked, or left out with ``--fast``."""

from tui.simulator import parameters
from tui.simulator.delegate import EthosU
from tui.simulator.parameters import Settings
from tui.simulator.runner import Cycles, Estimate


def model(settings: Settings) -> Estimate:
    """The cycle model for a simulation's settings."""
    fast = "--fast" in settings.text(parameters.EXTRA_ARGS).split()

    def estimate(delegate: EthosU) -> Cycles | str:
        return "--fast leaves out the cycle model" if fast else "the simulator has no cycle model"

    return estimate
