"""Damaged programs, by the thousand, on the simulator."""
