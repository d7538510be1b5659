"""``python -m tui.simulator`` is ``fvp-sim``."""

from tui.simulator.cli import main

if __name__ == "__main__":
    main()
