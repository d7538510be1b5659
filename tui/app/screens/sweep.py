"""The Sweep screen: one model on many configurations, and which of them to take."""

import math
import shlex
import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from tui.analysis import sweep
from tui.analysis.sweep import Point
from tui.app import remembered
from tui.app.screens.save_points import SavePointsScreen
from tui.app.screens.sweep_reader import PointKnown, SweepReader, SweepSaid
from tui.app.screens.value import ValueScreen
from tui.app.time_limit import milliseconds, problem
from tui.app.widgets.card import Card
from tui.app.widgets.drawing import show
from tui.app.widgets.heat_grid import Family, Grid
from tui.app.widgets.heat_map import HeatMap
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.masthead import PILL
from tui.app.widgets.scatter import Scatter
from tui.app.widgets.sweep_cards import HERE, Doublings, Picks
from tui.app.widgets.sweep_plot import AXES, frontier, plot, remark
from tui.app.widgets.words import model_name, since
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
from tui.run.spec import Limits, Spec
from tui.text import clean
from tui.toolchain import boards, toolchains, vela
from tui.toolchain.boards import Npu
from tui.toolchain.target import Target

DRAW_S = 0.5
"""Time between two drawings of points that come in."""
MEDIUM, FULL = 72, 100
"""Columns from which on the colours are explained, and the marks."""
ROOM_FOR_PLOT, ROOM_FOR_GAINS = 24, 30
"""Rows from which on there is room below a map of several families, for the plot and for the gains."""
NPUS = sorted(boards.NPUS, key=lambda npu: npu.name)
NPU_KEYS = " ".join(npu.sign for npu in NPUS)


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
        (NPU_KEYS, f"Marks of points of several families, and their keys: {', '.join(npu.name for npu in NPUS)}."),
        ("the line", "The frontier: no configuration is both smaller and faster than one on it."),
        ("twice the MACs", "×2 is twice as fast. What brings less than ×1.5 says which memory its cycles wait for."),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                npu.sign,
                f"family('{npu.accelerator}')",
                "NPUs",
                show=npu is NPUS[0],
                key_display=NPU_KEYS if npu is NPUS[0] else None,
                tooltip=f"Show {npu.name} beside the others, or leave it out",
                id=f"sweep.{npu.accelerator}",
            )
            for npu in NPUS
        ),
        Binding("right_square_bracket", "system(1)", "System config", key_display="]", id="sweep.next"),
        Binding("left_square_bracket", "system(-1)", "Previous", show=False, id="sweep.previous"),
        Binding("t", "limit", "Time limit", tooltip="Set the longest acceptable inference", id="sweep.limit"),
        Binding("m", "metric", "Figure", tooltip="Show latency, cycles, SRAM or MAC use", id="sweep.metric"),
        Binding("a", "axis", "Axis", tooltip="Show latency against MACs or against SRAM", id="sweep.axis"),
        Binding("x", "export", "CSV", tooltip="Write all points to a file, as sweep --csv does", id="sweep.export"),
        Binding("y", "copy", "Copy", tooltip="Copy the command line of this sweep", id="sweep.copy"),
        Binding("q,escape", "back", "Back", id="sweep.back"),
    ]

    def __init__(self, request: Spec) -> None:
        super().__init__()
        self._request = request
        self._npus: tuple[Npu, ...] = (request.target.board.npu,)
        """The families that are shown."""
        self._systems = {npu.name: npu.default_system_config for npu in boards.NPUS}
        self._systems[request.target.board.npu.name] = request.target.system_config
        self._ethosu = toolchains.known_ethosu(request.toolchain)
        self._reader = SweepReader(self, request, self._ethosu)
        self._limits = _limits(remembered.read().limit_ms)
        self._axis = AXES[0]
        self._waiting: Timer | None = None
        """Runs until points that came in are drawn."""
        self._points: dict[Target, Point] = {}

    def compose(self) -> ComposeResult:
        """The map above; below, latency against size, what to take, and what a larger NPU brings."""
        with Horizontal(id="top"):
            yield Static("", id="heading", markup=False)
            yield Static("", id="progress", markup=False)
        yield Static("", id="said", markup=False)
        with Card(id="map"):
            (family,) = self._grid().families
            yield HeatMap(family.accelerators, family.modes)
            yield Static("", id="point", markup=False)
        with Horizontal(id="lower"):
            with Card(id="plot"):
                yield Scatter()
            with Vertical(id="side"):
                with Card(id="picks"):
                    yield Picks()
                with Card(id="gains"):
                    yield Doublings(len(family.accelerators) - 1)
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin with the configuration of the spec."""
        self.query_one(HeatMap).go_to(self._request.target.memory_mode, self._request.target.accelerator)
        self._start()

    def on_unmount(self) -> None:
        """Stop estimating. A compilation in progress continues: its run is one of the history's."""
        self._reader.leave()

    def _start(self) -> None:
        """Estimate the points of the families and system configs that are shown."""
        for npu in self._npus:
            self._reader.ask(npu, self._systems[npu.name])
        self._draw()

    def _grid(self) -> Grid:
        return Grid(tuple(Family(vela.lists(npu).accelerators, npu.memory_modes) for npu in self._npus))

    @property
    def _npu(self) -> Npu:
        """The family of the NPU under the cursor."""
        return boards.of(self.query_one(HeatMap).under_cursor[1]).npu

    @property
    def _system(self) -> str:
        """The system config of that family."""
        return self._systems[self._npu.name]

    @property
    def _many(self) -> bool:
        return len(self._npus) > 1

    # -- what comes in

    def on_point_known(self, event: PointKnown) -> None:
        """Draw one more point; many that come at once are drawn together."""
        self._points[event.point.configuration] = event.point
        if self._waiting is None:
            self._waiting = self.set_timer(DRAW_S, self._draw)

    def on_sweep_said(self, event: SweepSaid) -> None:
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
        systems = {self._systems[npu.name] for npu in self._npus}
        shown = [sweep.weighed(p, self._limits) for t, p in self._points.items() if t.system_config in systems]
        return sweep.result(self._request.model, shown)

    def _draw(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        if not self.children:
            return
        for name, least in (("-no-plot", ROOM_FOR_PLOT), ("-no-gains", ROOM_FOR_GAINS)):
            self.set_class(self._many and self.app.size.height < least, name)
        result, map_, medium = self._result(), self.query_one(HeatMap), self.app.size.width >= MEDIUM
        map_.show(result)
        self._draw_head(result)
        self._draw_map_card(map_)
        show(self.query_one("#point", Static), self._point_words(map_), layout=False)
        here = () if map_.point is None or map_.point.total_cycles is None else (Pick(HERE, "cursor", map_.point),)
        slowest = max((point.inference_ms or 0.0 for point in result.points), default=0.0)
        chosen = picks(result, self._limits)
        words = "" if chosen else nearest_words(result.points)
        best = frontier(result.points, AXES[0])
        self.query_one(Picks).show([*chosen, *here], slowest, best, words, families=self._many)
        more = f"the plot has room from {ROOM_FOR_PLOT} lines on" if self.has_class("-no-plot") else ""
        self.query_one("#picks", Card).caption(title=_title("Best picks"), figure=more)
        self._draw_gains(result, map_)
        shown = plot(result, self._axis, map_.grid.modes, map_.point, self._limits.inference_ms, families=self._many)
        self.query_one(Scatter).show(shown)
        self.query_one("#plot", Card).caption(
            title=_title(f"Latency against {self._axis.name}"),
            figure=self._limit_words() if medium and self._limits.inference_ms else "",
            foot=remark(result, self._axis),
        )

    def _draw_gains(self, result: sweep.Sweep, map_: HeatMap) -> None:
        """Show what twice the MACs bring the family under the cursor in its memory mode."""
        mode, sizes = map_.under_cursor[0], vela.lists(self._npu).accelerators
        gains = doublings([p for p in result.points if p.memory_mode == mode and p.target in sizes])
        most = max(len(vela.lists(npu).accelerators) for npu in self._npus)
        self.query_one(Doublings).show(gains, most - 1)
        words = f"{self._npu.short}  {clean(mode, 30)}" if self._many else clean(mode, 30)
        figure = words if self.app.size.width >= MEDIUM else ""
        self.query_one("#gains", Card).caption(title=_title("Twice the MACs"), figure=figure)

    def _draw_head(self, result: sweep.Sweep) -> None:
        """Name what is swept, and tell how far that is."""
        system = clean(boards.short_system_config(self._system))
        family = f"  {self._npu.name}" if self.app.size.width >= FULL else ""
        if self._many:
            family, system = "", "+".join(npu.short for npu in self._npus) if self.app.size.width >= MEDIUM else ""
        words = f"  {self._request.quantize}{family}  {system}".rstrip()
        name = (model_name(self._request.model, 30), "bold $strong")
        heading = Content.assemble(PILL, (" Sweep  ", "bold $strong"), name, (words, "$muted"))
        show(self.query_one("#heading", Static), heading, layout=False)
        known, total = len(result.points), len(self._grid().places)
        done = (f"{known} of {total}", "bold $ok" if known == total else "bold $accent")
        to_go = ""
        if (at_work := self._reader.at_work) is not None and known < total:
            system_config, began = at_work
            if of_these := sum(point.system_config == system_config for point in result.points):
                left = (time.monotonic() - began) / of_these * (total - known)
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
        if self._many:
            details.insert(2, clean(boards.short_system_config(self._system)))
        width = self.query_one("#point").size.width - len(name)
        while len(details) > 1 and sum(len(words) + 2 for words in details) > width:
            details.pop()
        style = "" if point.ok else "$warn"
        return Content.assemble((name, "bold $accent"), (f"  {'  '.join(details)}", style))

    # -- actions

    def action_system(self, step: int) -> None:
        """Show the next system config, of the family under the cursor."""
        names = vela.lists(self._npu, self._ethosu).system_configs
        self._systems[self._npu.name] = names[(names.index(self._system) + step) % len(names)]
        self._start()

    def action_family(self, accelerator: str) -> None:
        """Show a family beside the others, or leave it out; one stays."""
        npus = tuple(npu for npu in NPUS if (npu in self._npus) != (npu.accelerator == accelerator))
        if not npus:
            self.notify(f"A sweep needs a family of NPUs: {NPU_KEYS} add one.", markup=False)
            return
        self._npus = npus
        self.query_one(HeatMap).lay(self._grid())
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
        if self._npus != (boards.DEFAULT.npu,):
            words += ["--targets", ",".join(npu.accelerator for npu in self._npus)]
        words += ["--system-configs", ",".join(self._systems[npu.name] for npu in self._npus)]
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
