"""fvp-tui: PyTorch models on Arm Ethos-U NPUs, before there is silicon.

From Python, without a terminal (`tui.api`): ``tui.run(model, inputs, target="ethos-u85-256")`` returns the run's state;
``tui.compile``, ``tui.open``, ``tui.sweep`` and ``tui.compare`` do what the commands of these names do. They are loaded
when they are first asked for: this package is imported by each process of the program.
"""

import sys

TYPE_CHECKING = False  # as in typing, which takes longer to import than this package
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from tui.api import (
        Comparison,
        CompileOptions,
        Limits,
        LowerOptions,
        Profile,
        RunOptions,
        State,
        Sweep,
        Target,
        UsageError,
        UserError,
        compare,
        open,
        sweep,
    )
    from tui.api import compile as compile
    from tui.api import run as run
else:
    ModuleType = type(sys)

__version__ = "0.1.0"

COMPLETION = "_FVP_TUI_COMPLETE"
"""Variable that a shell sets when it asks what a command line could go on to, by way of ``fvp-tui completion``."""

__all__ = [
    "Comparison",
    "CompileOptions",
    "Limits",
    "LowerOptions",
    "Profile",
    "RunOptions",
    "State",
    "Sweep",
    "Target",
    "UsageError",
    "UserError",
    "compare",
    "compile",
    "open",
    "run",
    "sweep",
]


class _Room(ModuleType):
    """A room that has the name of a function of the Python door, and can be called as that."""

    def __call__(self, *args: "Any", **options: "Any") -> "Any":
        return self._function(*args, **options)

    @property
    def __signature__(self) -> "Any":
        """The function's, for editors and notebooks."""
        import inspect

        return inspect.signature(self._function)

    @property
    def _function(self) -> "Any":
        from tui import api

        return getattr(api, self.__name__.rpartition(".")[2])


class _Package(ModuleType):
    """This package. Its rooms `run` and `compile`, once imported, can be called."""

    def __setattr__(self, name: str, value: "Any") -> None:
        if name in ("run", "compile") and type(value) is ModuleType:
            value.__class__ = _Room
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> "Any":
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tui import api

    # The rooms run and compile are attributes by now.
    return globals().get(name) or getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
