"""Badges: where the figures of a run come from, in one short line. Setup shows them before there is a run."""

MEASURED = "FVP - cycles measured"
ON_BOARD = "BOARD - cycles measured"
UNREPRESENTATIVE = "FVP --fast - cycles not representative"
ESTIMATED = "SIMULATOR - cycles estimated"
COUNTED = "SIMULATOR + firmware - instructions counted, cycles estimated"
