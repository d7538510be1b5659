"""Textual's driver for a terminal without Unicode."""

from textual.drivers.linux_driver import LinuxDriver

from tui.app import ascii


class AsciiDriver(LinuxDriver):
    """Writes ASCII only."""

    def write(self, data: str) -> None:
        """Write to the terminal."""
        super().write(ascii.only(data))
