"""``python -m tui`` is ``fvp-tui``."""

from tui.cli import main

if __name__ == "__main__":
    main()
