"""The tables of the Compare screen: figures and modules, what changed first, what did not muted."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.analysis.compare import CHECK, HIGHER_IS_BETTER, Compared, ComparedModule
from tui.app.widgets.cells import Inked
from tui.app.widgets.diverging import LEAST, Diverging
from tui.app.widgets.operators import SourceWanted
from tui.app.widgets.table import Column, FigureTable, Row
from tui.reports.compare import WORSE, changed_first, figure_words, percent, place
from tui.reports.format import UNKNOWN, change, number
from tui.text import printable_name

LABELS = {
    "total_cycles": "cycles",
    "npu_cycles": "NPU cycles",
    "macs": "MACs",
    "sram_kib": "SRAM KiB",
    "dram_kib": "DRAM KiB",
    "flash_kib": "flash KiB",
    "delegated_percent": "on the NPU %",
    "cpu_kernels": "CPU kernels",
    "program_bytes": "program bytes",
    "inference_npu_cycles": "NPU cycles, run",
    "inference_instructions": "instructions, run",
    "sqnr_db": "SQNR dB",
}
"""Names of figures for people; any other goes by its own."""

FASTER = "faster / slower"

FIGURES = (
    Column("figure", width=0, most=22),
    Column("A", right=True, most=16),
    Column("B", right=True, most=16),
    Column("change", right=True, most=12),
    Column("", most=8, optional=True),
    Column("less / more", flex=True, width=LEAST, drop=1),
)
MODULES = (
    Column("module", flex=True, width=14),
    Column("A", right=True, most=12),
    Column("B", right=True, most=12),
    Column("cycles", right=True, most=12),
    Column("", most=8, optional=True),
    Column(FASTER, flex=True, width=max(LEAST, len(FASTER)), drop=1),
    Column("line", most=30, drop=2, optional=True, role="faint"),
)


class FiguresTable(FigureTable):
    """Figures of both runs."""

    def __init__(self) -> None:
        super().__init__(FIGURES, id="figures")

    def fill(self, figures: Sequence[Compared]) -> None:
        """Show these figures."""
        ordered = changed_first(figures)
        most = max((abs(percent(compared) or 0.0) for compared in ordered), default=0.0)
        self.set_rows([_figure_row(compared, most) for compared in ordered])


def _figure_row(compared: Compared, most: float) -> Row:
    name, changed = compared.name, percent(compared)
    label = LABELS.get(name, printable_name(name.replace("_", " "), 40))
    same = compared.a == compared.b
    tone = _tone(compared)
    cells = (
        Inked(label, "muted" if same else "strong", not same),
        Inked(figure_words(name, compared.a), "muted"),
        Inked(figure_words(name, compared.b), "muted" if same else tone if name == CHECK else "strong", not same),
        Inked("" if name == CHECK and not same else change(changed), tone, not same),
        Inked(WORSE, "fail", bold=True) if compared.regression else "",
        Diverging((changed or 0.0) / most if most else 0.0, tone),
    )
    return Row(name, cells)


def _tone(compared: Compared) -> str:
    """Colour of a change: better, worse, or none."""
    if compared.a == compared.b:
        return "faint"
    if compared.a is None or compared.b is None:
        return "muted"
    return "ok" if (compared.b > compared.a) == (compared.name in HIGHER_IS_BETTER) else "fail"


class ModulesTable(FigureTable):
    """Cycles of the modules of both runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "source", "Source", tooltip="Show its line in the model", id="compare.source"),
    ]

    def __init__(self) -> None:
        super().__init__(MODULES, id="modules")
        self._shown: list[ComparedModule] = []

    def fill(self, modules: Sequence[ComparedModule]) -> None:
        """Show these modules."""
        # Operators that are matched in the network's order stay in it.
        in_order = any(module.name_b is not None for module in modules)
        self._shown = list(modules) if in_order else changed_first(modules)
        most = max((abs(_lost(module)) for module in modules), default=0)
        self.set_rows([_module_row(at, module, most) for at, module in enumerate(self._shown)])

    def action_source(self) -> None:
        """Ask for the line of the module under the cursor."""
        row = self.current
        module = None if row is None else self._shown[int(row.key)]
        line = None if module is None else module.line_b or module.line_a
        if line is None:
            self.notify("No line of the model is known for this module.", markup=False)
        else:
            self.post_message(SourceWanted(line))


def _lost(module: ComparedModule) -> float:
    return (module.b or 0.0) - (module.a or 0.0)


def _module_row(at: int, module: ComparedModule, most: float) -> Row:
    lost, same = _lost(module), module.a == module.b
    tone = "faint" if same else "ok" if lost < 0 else "fail"
    gone = "new" if module.a is None else "gone" if module.b is None else ""
    cells = (
        Inked(printable_name(module.name, 80), "muted" if same else "strong", not same),
        Inked(number(module.a), "muted"),
        Inked(number(module.b), "muted" if same else "strong", not same),
        Inked("=" if same else f"{lost:+,.0f}", tone, not same),
        Inked(WORSE, "fail", bold=True) if module.regression else Inked(gone, "muted") if gone else "",
        Diverging(lost / most if most else 0.0, tone),
        place(module).rpartition("/")[2] or UNKNOWN,
    )
    return Row(str(at), cells)
