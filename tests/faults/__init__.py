"""Faults at random moments: processes killed, frozen or stopped, full disks, damaged journals, many runs at once."""
