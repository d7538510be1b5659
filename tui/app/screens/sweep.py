"""The Sweep screen: one model on many configurations, and which of them to take."""

import math
import shlex
import threading
import time
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from tui.analysis import sweep
from tui.analysis.prediction import lowered
from tui.analysis.sweep import Point
from tui.app import remembered
from tui.app.screens.save_points import SavePointsScreen
from tui.app.screens.value import ValueScreen
from tui.app.time_limit import milliseconds, problem
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.card import Card
from tui.app.widgets.drawing import show
from tui.app.widgets.heat_map import HeatMap
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.masthead import PILL
from tui.app.widgets.scatter import Scatter
from tui.app.widgets.sweep_cards import HERE, Doublings, Picks
from tui.app.widgets.sweep_plot import AXES, frontier, plot, remark
from tui.app.widgets.words import model_name, since
from tui.errors import UserError
from tui.reports.format import ms
from tui.reports.sweep import (
    FASTEST,
    SMALLEST,
    Pick,
    doublings,
    nearest_words,
    picks,
    point_details,
    smallest_name,
)
from tui.reports.sweep_metrics import METRICS, STEPS
from tui.run import control, store
from tui.run.derived import now_doing
from tui.run.spec import Limits, Spec, lowering_of
from tui.text import clean
from tui.toolchain import boards, vela
from tui.toolchain.target import Target

POLL_S = 0.2
DRAW_S = 0.5
"""Time between two drawings of points that come in."""
MEDIUM, FULL = 72, 100
"""Columns from which on the colours are explained, and the marks."""


class SweepScreen(Screen[Target | None]):
    """Closes with the configuration that was taken."""

    CSS_PATH = "sweep.tcss"
    AUTO_FOCUS = "HeatMap"
    FIGURES: ClassVar = (
        ("latency", "Time of an inference by Vela's estimate, waits for memory included."),
        ("SRAM", "Memory that Vela needs for tensors; a mode that adds DRAM or flash says so below the map."),
        ("MAC use", "The model's MACs as a share of those that the NPU could do in the cycles it takes."),
        (
            f"{FASTEST} {SMALLEST} !",
            "The fastest; the fewest MACs that keep the limit; a configuration that breaks it.",
        ),
        ("the line", "The frontier: no configuration is both smaller and faster than one on it."),
        ("twice the MACs", "×2 is twice as fast. What brings less than ×1.5 says which memory its cycles wait for."),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket", "system(1)", "System config", key_display="]", id="sweep.next"),
        Binding("left_square_bracket", "system(-1)", "Previous", show=False, id="sweep.previous"),
        Binding("t", "limit", "Time limit", tooltip="Set the longest acceptable inference", id="sweep.limit"),
        Binding("m", "metric", "Figure", tooltip="Show latency, cycles, SRAM or MAC use", id="sweep.metric"),
        Binding("a", "axis", "Axis", tooltip="Show latency against MACs or against SRAM", id="sweep.axis"),
        Binding("x", "export", "CSV", tooltip="Write all points to a file, as sweep --csv does", id="sweep.export"),
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
        self._limits = _limits(remembered.read().limit_ms)
        self._axis = AXES[0]
        self._began: float | None = None
        """Monotonic time at which the first of the points under way was asked for."""
        self._waiting: Timer | None = None
        """Runs until points that came in are drawn."""
        self._points: dict[Target, Point] = {}
        self._asked: set[str] = set()
        """System configs whose points are known, or on their way."""
        self._working = threading.Lock()
        self._left = threading.Event()
        self._graphs: tuple[Path, ...] = ()

    def compose(self) -> ComposeResult:
        """The map above; below, latency against size, what to take, and what a larger NPU brings."""
        with Horizontal(id="top"):
            yield Static("", id="heading", markup=False)
            yield Static("", id="progress", markup=False)
        yield Static("", id="said", markup=False)
        with Card(id="map"):
            yield HeatMap(self._accelerators, self._npu.memory_modes)
            yield Static("", id="point", markup=False)
        with Horizontal(id="lower"):
            with Card(id="plot"):
                yield Scatter()
            with Vertical(id="side"):
                with Card(id="picks"):
                    yield Picks()
                with Card(id="gains"):
                    yield Doublings(len(self._accelerators) - 1)
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
            if self._left.is_set():
                return
            try:
                self._graphs = self._graphs or self._lowered()
                targets = sweep.grid(self._accelerators, self._npu.memory_modes, (system,))
                self._began = time.monotonic()
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
        """Draw one more point; many that come at once are drawn together."""
        self._points[event.point.configuration] = event.point
        if self._waiting is None:
            self._waiting = self.set_timer(DRAW_S, self._draw)

    def on_sweep_screen_said(self, event: Said) -> None:
        """Show the progress."""
        text, said = clean(event.text, 300), self.query_one("#said", Static)
        said.update(Content.assemble((f"! {text}", "bold $fail") if event.problem else text))
        said.display = bool(text)

    def on_heat_map_moved(self) -> None:
        """Describe the configuration under the cursor."""
        self._draw()

    def on_resize(self) -> None:
        """Say as much as fits into the new size."""
        self._draw()

    # -- drawing

    def _result(self) -> sweep.Sweep:
        shown = [sweep.weighed(p, self._limits) for t, p in self._points.items() if t.system_config == self._system]
        return sweep.result(self._request.model, shown)

    def _draw(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        if not self.children:
            return
        result, map_, medium = self._result(), self.query_one(HeatMap), self.app.size.width >= MEDIUM
        map_.show(result)
        self._draw_head(result)
        self._draw_map_card(map_)
        show(self.query_one("#point", Static), self._point_words(map_), layout=False)
        here = () if map_.point is None or map_.point.total_cycles is None else (Pick(HERE, "cursor", map_.point),)
        slowest = max((point.inference_ms or 0.0 for point in result.points), default=0.0)
        chosen = picks(result, self._limits)
        words = "" if chosen else nearest_words(result.points)
        self.query_one(Picks).show([*chosen, *here], slowest, frontier(result.points, AXES[0]), words)
        self.query_one("#picks", Card).caption(title=_title("Best picks"))
        mode, _ = map_.under_cursor
        gains = doublings([p for p in result.points if p.memory_mode == mode])
        self.query_one(Doublings).show(gains)
        self.query_one("#gains", Card).caption(title=_title("Twice the MACs"), figure=clean(mode, 30) if medium else "")
        self.query_one(Scatter).show(
            plot(result, self._axis, self._npu.memory_modes, map_.point, self._limits.inference_ms)
        )
        self.query_one("#plot", Card).caption(
            title=_title(f"Latency against {self._axis.name}"),
            figure=self._limit_words() if medium and self._limits.inference_ms else "",
            foot=remark(result, self._axis),
        )

    def _draw_head(self, result: sweep.Sweep) -> None:
        """Name what is swept, and tell how far that is."""
        system = clean(boards.short_system_config(self._system))
        family = f"  {self._npu.name}" if self.app.size.width >= FULL else ""
        words = f"  {self._request.quantize}{family}  {system}"
        name = (model_name(self._request.model, 30), "bold $strong")
        heading = Content.assemble(PILL, (" Sweep  ", "bold $strong"), name, (words, "$muted"))
        show(self.query_one("#heading", Static), heading, layout=False)
        known, total = len(result.points), len(self._accelerators) * len(self._npu.memory_modes)
        done = (f"{known} of {total}", "bold $ok" if known == total else "bold $accent")
        to_go = ""
        if self._began is not None and 0 < known < total:
            left = (time.monotonic() - self._began) / known * (total - known)
            to_go = f"  {since(0, math.ceil(left))} to go"
        show(
            self.query_one("#progress", Static),
            Content.assemble(done, to_go, f"  {'estimated ' if self.app.size.width >= MEDIUM else ''}by Vela"),
            layout=False,
        )

    def _draw_map_card(self, map_: HeatMap) -> None:
        """Name the metrics with the one that is shown, the meaning of the colours, and the limit."""
        at = METRICS.index(map_.metric)
        others = "  ".join(metric.name for metric in (*METRICS[at + 1 :], *METRICS[:at]))
        names = Content.assemble((map_.metric.name, "bold $strong"), ("   m ", "$accent"), (others, "$faint"))
        best, worst = map_.metric.ends
        steps = [("■", f"$heat-{step}") for step in range(1, STEPS + 1)]
        meanings = (
            f"   {FASTEST} fastest   {SMALLEST} {smallest_name(self._limits)}" if self.app.size.width >= FULL else ""
        )
        scale = [(f"{best} ", "$muted"), *steps, (f" {worst}", "$muted")]
        if self.app.no_color:
            scale = [(f"long bar: {worst}", "$muted")]
        foot = Content.assemble(*scale, (meanings, "$muted"))
        if self.app.size.width < MEDIUM:
            foot = Content()
        self.query_one("#map", Card).caption(title=names, figure=self._limit_words(), foot=foot)

    def _limit_words(self) -> Content:
        limit = self._limits.inference_ms
        if limit is None:
            return Content.assemble(("no limit", "$faint"))
        return Content.assemble(("limit ", "$muted"), (ms(limit), "bold $warn"))

    def _point_words(self, map_: HeatMap) -> Content:
        """The configuration under the cursor in one line: as much of it as fits, the most important first."""
        mode, accelerator = map_.under_cursor
        name, point = f"{HERE} {clean(accelerator)}  {clean(mode)}", map_.point
        if point is None:
            return Content.assemble((name, "bold $accent"), ("  not estimated yet", "$muted"))
        details = point_details(point, self._limits.inference_ms)
        width = self.query_one("#point").size.width - len(name)
        while len(details) > 1 and sum(len(words) + 2 for words in details) > width:
            details.pop()
        style = "" if point.ok else "$warn"
        return Content.assemble((name, "bold $accent"), (f"  {'  '.join(details)}", style))

    # -- actions

    def action_system(self, step: int) -> None:
        """Show the next system config."""
        at = (self._systems.index(self._system) + step) % len(self._systems)
        self._system = self._systems[at]
        self._start()

    def action_metric(self) -> None:
        """Show the next figure in the map."""
        self.query_one(HeatMap).switch()
        self._draw()

    def action_axis(self) -> None:
        """Draw latency against the next size."""
        self._axis = AXES[(AXES.index(self._axis) + 1) % len(AXES)]
        self._draw()

    def action_limit(self) -> None:
        """Set how long an inference may take."""
        now = self._limits.inference_ms
        about = (
            f"Longest time of an inference: 2, 0.5 ms, 55 us; empty for any. {SMALLEST} is the smallest that keeps it."
        )
        screen = ValueScreen("time limit", "" if now is None else f"{now:g} ms", about, problem)
        self.app.push_screen(screen, self._take_limit)

    def _take_limit(self, text: str | None) -> None:
        if text is not None:
            self._limits = _limits(milliseconds(text))
            remembered.keep(limit_ms=self._limits.inference_ms or 0.0)
            self._draw()

    def on_heat_map_taken(self) -> None:
        """Close the screen with the configuration under the cursor."""
        mode, accelerator = self.query_one(HeatMap).under_cursor
        self.dismiss(Target(accelerator, self._system, mode))

    def action_export(self) -> None:
        """Write all points that are known to a file."""
        points = [sweep.weighed(point, self._limits) for point in self._points.values()]
        name = f"sweep-{model_name(self._request.model, 40)}.csv"
        self.app.push_screen(SavePointsScreen(sweep.result(self._request.model, points), name))

    def action_copy(self) -> None:
        """Put the command line on the clipboard."""
        words = ["fvp-tui", "sweep", self._request.model]
        if self._npu is not boards.DEFAULT.npu:
            words += ["--targets", self._npu.accelerator]
        words += ["--system-configs", self._system]
        if self._request.quantize != "int8":
            words += ["--quantize", self._request.quantize]
        if self._request.channels_last:
            words.append("--channels-last")
        if self._limits.inference_ms is not None:
            words += ["--max-inference-ms", f"{self._limits.inference_ms:.6g}"]
        self.app.copy_to_clipboard(shlex.join(words))
        self.notify("Command line copied.", markup=False)

    def action_back(self) -> None:
        """Close the screen without a choice."""
        self.dismiss(None)


def _title(words: str) -> Content:
    return Content.assemble((words, "bold $strong"))


def _limits(milliseconds: float) -> Limits:
    """Limit the time of an inference; 0 for no limit."""
    return Limits(inference_ms=milliseconds or None)
