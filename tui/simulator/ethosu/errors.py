"""The one error of the NPU model."""


class CommandStreamError(Exception):
    """A command stream that cannot be executed: malformed, out of bounds, or beyond what the model knows.

    One line that names the command, where it is, and what is wrong with it. Nothing is ever guessed.
    """
