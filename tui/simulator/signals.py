"""The signals that end a simulation."""

import signal

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
