"""The Sweep screen: one model on many configurations, and which of them to take."""

import shlex
import threading
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from tui.analysis import sweep
from tui.analysis.prediction import lowered
from tui.analysis.sweep import Point
from tui.app.screens.value import ValueScreen
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.curve import curve
from tui.app.widgets.heat_map import HeatMap
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.words import model_name
from tui.errors import UserError
from tui.reports.format import TIME_UNITS, kib_words, ms, number, time_unit
from tui.run import control, store
from tui.run.derived import now_doing
from tui.run.spec import Limits, Spec, lowering_of
from tui.text import clean
from tui.toolchain import boards, vela
from tui.toolchain.target import Target

POLL_S = 0.2
MOST_ROWS = 18
"""Rows of the curve at most: more make it no clearer."""


class SweepScreen(Screen[Target | None]):
    """Closes with the configuration that was taken."""

    CSS_PATH = "sweep.tcss"
    AUTO_FOCUS = "HeatMap"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket", "system(1)", "System config", key_display="]", id="sweep.next"),
        Binding("left_square_bracket", "system(-1)", "Previous", show=False, id="sweep.previous"),
        Binding("t", "limit", "Time limit", tooltip="Set the longest acceptable inference", id="sweep.limit"),
        Binding("y", "copy", "Copy", tooltip="Copy the command line of this sweep", id="sweep.copy"),
        Binding("q,escape", "back", "Back", id="sweep.back"),
    ]

    class Known(Message):
        """A point of the map is known."""

        def __init__(self, point: Point) -> None:
            super().__init__()
            self.point = point

    class Said(Message):
        """Progress, or a problem; empty when all points are known."""

        def __init__(self, text: str, *, problem: bool = False) -> None:
            super().__init__()
            self.text = text
            self.problem = problem

    def __init__(self, request: Spec) -> None:
        super().__init__()
        self._request = request
        self._npu = request.target.board.npu
        known = vela.lists(self._npu)
        self._accelerators, self._systems = known.accelerators, known.system_configs
        self._system = request.target.system_config
        self._limits = Limits()
        self._points: dict[Target, Point] = {}
        self._asked: set[str] = set()
        """System configs whose points are known, or on their way."""
        self._working = threading.Lock()
        self._left = threading.Event()
        self._graphs: tuple[Path, ...] = ()

    def compose(self) -> ComposeResult:
        """Map above, words on the configuration under the cursor, the curve below."""
        with Horizontal(id="top"):
            yield Static("", id="heading", markup=False)
            yield Static("estimated by Vela", id="badge", markup=False)
        yield HeatMap(self._accelerators, self._npu.memory_modes)
        yield Static("", id="said", markup=False)
        yield Static("", id="point", markup=False)
        yield Static("", id="choices", markup=False)
        yield Static("", id="curve", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin with the configuration of the spec."""
        self.query_one(HeatMap).go_to(self._request.target.memory_mode, self._request.target.accelerator)
        self._start()

    def on_unmount(self) -> None:
        """Stop estimating. A compilation in progress continues: its run is one of the history's."""
        self._left.set()

    # -- beside the event loop

    def _start(self) -> None:
        """Estimate the points of the system config that is shown."""
        system = self._system
        if system not in self._asked:
            self._asked.add(system)
            in_background("sweep", lambda: self._work(system))
        self._draw()

    def _work(self, system: str) -> None:
        with self._working:
            try:
                self._graphs = self._graphs or self._lowered()
                targets = sweep.grid(self._accelerators, self._npu.memory_modes, (system,))
                for _, point in sweep.points(self._graphs, targets) if self._graphs else ():
                    if self._left.is_set() or not tell(self, self.Known(point)):
                        return
            except (UserError, vela.VelaMissing) as error:
                tell(self, self.Said(str(error), problem=True))

    def _lowered(self) -> tuple[Path, ...]:
        """Return the model's graphs: of an earlier run, where its file has not changed since, else of a new one.

        What code reads beside its file may have changed, too: it is run again, and the cache knows what it makes.
        """
        found = lowered(self._request)
        if found is not None and not found.edited and not self._request.model.endswith(".py"):
            return found.graphs
        wanted = lowering_of(self._request)
        directory = control.start(msgspec.structs.replace(wanted, target=self._request.target, until="emit"))
        live = store.Live(directory)
        while (folded := live.state()).run.status == "running":
            if self._left.wait(POLL_S):
                return ()
            tell(self, self.Said(f"compiling the model once: {now_doing(folded)}"))
        if folded.run.status != "ok":
            raise UserError(f"{directory.name} {folded.run.status}: {folded.run.reason}")
        tell(self, self.Said(""))
        graphs = tuple(sweep.graphs(directory))
        if not graphs:
            raise UserError("no part of this model runs on the NPU: there is nothing to sweep")
        return graphs

    # -- what comes in

    def on_sweep_screen_known(self, event: Known) -> None:
        """Draw one more point."""
        self._points[event.point.configuration] = event.point
        self._draw()

    def on_sweep_screen_said(self, event: Said) -> None:
        """Show the progress."""
        text, said = clean(event.text, 300), self.query_one("#said", Static)
        said.update(Content.assemble((f"! {text}", "bold $fail") if event.problem else text))
        said.display = bool(text)

    def on_heat_map_moved(self) -> None:
        """Describe the configuration under the cursor."""
        self._draw()

    def on_resize(self) -> None:
        """Draw the curve in the new size."""
        self._draw()

    # -- drawing

    def _result(self) -> sweep.Sweep:
        shown = [sweep.weighed(p, self._limits) for t, p in self._points.items() if t.system_config == self._system]
        return sweep.result(self._request.model, shown)

    def _draw(self) -> None:
        if not self.children:
            return
        result, map_ = self._result(), self.query_one(HeatMap)
        limit, system = self._limits.inference_ms, clean(boards.short_system_config(self._system))
        words = f"  Sweep  {model_name(self._request.model, 30)}  {self._request.quantize}  {system}"
        limited = "" if limit is None else f"  at most {limit:g} ms"
        self.query_one("#heading", Static).update(Content.assemble(("fvp-tui", "bold $accent"), words, limited))
        map_.show(result)
        self.query_one("#point", Static).update(self._point_words(map_))
        choices = [("* fastest   ", result.best), ("+ smallest  ", result.cheapest)]
        lines = [Content.assemble((word, "bold"), _short(point)) for word, point in choices if point is not None]
        self.query_one("#choices", Static).update(Content("\n").join(lines))
        space = self.query_one("#curve", Static)
        mode, _ = map_.under_cursor
        times = [self._seconds(mode, name) for name in self._accelerators]
        unit, size = time_unit(times) or TIME_UNITS[0]
        values = [None if time is None else time / size for time in times]
        macs = [name.rsplit("-", 1)[-1] for name in self._accelerators]
        drawn = curve(values, macs, space.size.width - 2, min(space.size.height - 1, MOST_ROWS))
        space.update(Content(f"{unit} by MACs, {clean(mode)}\n{drawn}" if drawn else ""))

    def _seconds(self, mode: str, accelerator: str) -> float | None:
        point = self._points.get(Target(accelerator, self._system, mode))
        return None if point is None or point.inference_ms is None else point.inference_ms / 1000

    def _point_words(self, map_: HeatMap) -> Content:
        mode, accelerator = map_.under_cursor
        heading = (f"{accelerator}  {mode}", "bold $accent")
        point = map_.point
        if point is None:
            return Content.assemble(heading, ("  ...", "$muted"))
        if point.total_cycles is None:
            return Content.assemble(heading, (f"  {clean(point.reason or '', 120)}", "$warn"))
        words = (
            f"  {number(point.total_cycles)} cycles  {ms(point.inference_ms)}  SRAM {kib_words(point.sram_kib)}"
            f"  DRAM {kib_words(point.dram_kib)}  flash {kib_words(point.flash_kib)}"
        )
        broken = (f"\n! {clean(point.reason)}", "$warn") if point.reason else ""
        return Content.assemble(heading, words, broken)

    # -- actions

    def action_system(self, step: int) -> None:
        """Show the next system config."""
        at = (self._systems.index(self._system) + step) % len(self._systems)
        self._system = self._systems[at]
        self._start()

    def action_limit(self) -> None:
        """Set how long an inference may take."""
        now = self._limits.inference_ms
        about = "Most milliseconds an inference may take; empty for no limit. + marks the smallest NPU that meets it."
        screen = ValueScreen("time limit", "" if now is None else f"{now:g}", about, _problem)
        self.app.push_screen(screen, self._take_limit)

    def _take_limit(self, text: str | None) -> None:
        if text is not None:
            self._limits = Limits(inference_ms=float(text) if text else None)
            self._draw()

    def on_heat_map_taken(self) -> None:
        """Close the screen with the configuration under the cursor."""
        mode, accelerator = self.query_one(HeatMap).under_cursor
        self.dismiss(Target(accelerator, self._system, mode))

    def action_copy(self) -> None:
        """Put the command line on the clipboard."""
        words = ["fvp-tui", "sweep", self._request.model, "--system-configs", self._system]
        if self._request.quantize != "int8":
            words += ["--quantize", self._request.quantize]
        if self._request.channels_last:
            words.append("--channels-last")
        if self._limits.inference_ms is not None:
            words += ["--max-inference-ms", f"{self._limits.inference_ms:g}"]
        self.app.copy_to_clipboard(shlex.join(words))
        self.notify("Command line copied.", markup=False)

    def action_back(self) -> None:
        """Close the screen without a choice."""
        self.dismiss(None)


def _short(point: Point) -> str:
    """A point of this screen's, where the system config is the same for all."""
    words = f"{point.target}  {point.memory_mode}  {ms(point.inference_ms)}  {number(point.total_cycles)} cycles"
    return clean(f"{words}  SRAM {kib_words(point.sram_kib)}")


def _problem(text: str) -> str | None:
    try:
        return None if not text or 0 < float(text) < float("inf") else "it must be more than 0"
    except ValueError:
        return f"{text} is not a number"
