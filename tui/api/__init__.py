"""The Python door: what ``import tui`` offers, without a terminal, to notebooks and tests.

options          the options of a run by the names and types of its spec
handed           models and inputs of the caller's own process, as files for the processes of a run
results          what is returned: a run's state, a sweep and a comparison, each with a form for notebooks
calls            run, compile, open, sweep and compare

Nothing else imports it but the package ``tui`` itself, by name, and the pytest plugin.
"""

from tui.analysis.compare import Profile
from tui.api.calls import compare, compile, open, sweep
from tui.api.calls import run as run
from tui.api.options import CompileOptions, LowerOptions, RunOptions
from tui.api.results import Comparison, State, Sweep
from tui.errors import UsageError, UserError
from tui.run.spec import Limits
from tui.toolchain.target import Target

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
