"""The page: valid, by itself, and nothing in it comes from the text but text."""

import re
from collections.abc import Iterator
from typing import Any

import html5lib
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app import fakes
from tests.conftest import Fvp
from tui import themes
from tui.analysis import advice
from tui.reports import export, html, ribbon_svg, state_json
from tui.reports.html import LogPart
from tui.run import events, state, store
from tui.run.check import Layer, LimitResult
from tui.run.delegation import CpuOperator
from tui.run.figures import Cpu, MemoryPool, PoolNeed, Profiled, Statistics
from tui.run.log import LogLine
from tui.run.state import State

SVG = "{http://www.w3.org/2000/svg}"

Path = tuple[str | int, ...]


def elements(page: str, *, strict: bool = False) -> list[Any]:
    """All elements of a page as a browser would build them; `strict` refuses what is no valid HTML."""
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("etree"), strict=strict, namespaceHTMLElements=False)
    return [element for element in parser.parse(page).iter() if isinstance(element.tag, str)]


def words(page: str) -> str:
    """What a reader sees."""
    shown = (t for e in elements(page) if e.tag != "style" for t in (e.text, e.tail) if t)
    return " ".join(" ".join(shown).split())


def full() -> State:
    """A state with something of everything."""
    request = fakes.spec_of(limits={"npu_cycles": 5})
    what = [*fakes.begun("r", request), *fakes.compiled(), *fakes.booted(), *fakes.traced({0: 7}, 1)]
    found = state.fold_all([*what, *fakes.inferred(), *fakes.checked(), *fakes.finished("failed", "why", "do", 1)])
    assert found.delegation is not None
    left = CpuOperator(
        op="aten.topk", node="n", reason="r", hint="h", inputs=("float32[1]",), outputs=("o",), module="m", line="a:1"
    )
    return msgspec.structs.replace(
        found,
        delegation=msgspec.structs.replace(found.delegation, left=(left,)),
        layers=(Layer(name="l", op="o", sqnr_db=3.0, line="f.py:3"),),
        pools=(PoolNeed(name="temp", needed=3, available=2, excess=1),),
        memory=(MemoryPool(name="p", used=1, size=2),),
        profile=(Profiled(name="k", block="Execute", calls=1, cycles=2, backend="b"),),
        statistics=Statistics(instructions=12),
        limits=(LimitResult(name="npu_cycles", limit=5.0, value=4_333.0, ok=False),),
    )


def _texts(value: Any, at: Path = ()) -> Iterator[Path]:
    """Where there is text in plain values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*at, index))
    elif isinstance(value, str):
        yield at


def _with(value: Any, paths: list[Path], text: str) -> Any:
    copied = msgspec.json.decode(msgspec.json.encode(value))
    for *above, last in paths:
        inner = copied
        for step in above:
            inner = inner[step]
        inner[last] = text
    return copied


PLAIN = msgspec.json.decode(msgspec.json.encode(full()))


def _free(path: Path) -> bool:
    """Whether any text may stand there: it is not one of a few words."""
    try:
        msgspec.convert(_with(PLAIN, [path], "x"), State)
    except msgspec.ValidationError:
        return False
    # What a target is called decides what can be advised for it.
    return path[:2] != ("spec", "target")


FREE = [path for path in _texts(PLAIN) if _free(path)]


def page_of(text: str) -> str:
    """The page of a state in which all free text is this one."""
    found = msgspec.convert(_with(PLAIN, FREE, text), State)
    pmu = (msgspec.structs.replace(found.inferences[0], pmu={text: 5}),)
    found = msgspec.structs.replace(found, inferences=pmu)
    lines = (LogLine("error", text, text),) * 30
    return html.page(found, LogPart(lines[:1], lines, 40, 7), advice.of(found))


def shape(page: str) -> list[tuple[str, list[str]]]:
    return [(e.tag, sorted(e.attrib)) for e in elements(page)]


TAME = shape(page_of("x"))

FRAGMENTS = st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=y>',
        "' onload='z",
        "</style>",
        "</title>",
        "<!--",
        "-->",
        "]]>",
        "{{ 7 * 7 }}",
        "{% raw %}",
        "&lt;b&gt;",
        "\x00",
        "\x1b[2J",
        "</pre><h1>",
        "javascript:x",
        fakes.HOSTILE,
    ]
)


@given(st.lists(FRAGMENTS | st.text(max_size=20), min_size=1, max_size=5).map("".join))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_element_and_no_attribute_comes_from_text(text: str) -> None:
    # A dot parts modules, which are lines of their own.
    page = page_of("x" + text.replace(".", ","))
    assert shape(page) == TAME
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", page)


def test_most_text_of_a_state_is_tried() -> None:
    names = {path[-1] for path in FREE}
    assert len(FREE) > 60
    assert {"reason", "hint", "name", "op", "line", "model", "id", "path", "fvp_tui", "node"} & names >= {
        "reason", "hint", "name", "op", "line", "model", "id", "path"
    }  # fmt: skip


def test_the_page_is_valid_and_needs_nothing_else(home: object) -> None:
    page = export.document(fakes.whole(), "html").decode()
    found = elements(page, strict=True)
    assert not {e.tag for e in found} & {"script", "link", "img", "iframe", "object", "base", "form"}
    names = {name for e in found for name in e.attrib}
    assert not {name for name in names if name.startswith("on")} and not names & {"src", "href", "action"}
    assert "url(" not in page and "@import" not in page


def test_the_page_says_what_ran_how_it_went_and_where_figures_come_from(home: object) -> None:
    shown = words(export.document(fakes.whole(), "html").decode())
    for expected in (
        "✓ OK sample:digits ethos-u85-256 · Sram_Only",
        "SIMULATOR - cycles estimated",
        "OK in 9.50 s · outputs MATCH",
        "$ fvp-tui run sample:digits --target ethos-u85-256",
        "Latency estimated 4.33 µs at 1 GHz, 230,787 a second",
        "NPU cycles estimated 4,333 28 % MAC use",
        "On the NPU 91 % 31 of 34 nodes in 1 partition",
        "SRAM peak estimated 6.5 KiB flash 15.2 KiB, DRAM 0 B",
        "Check reference ✓ MATCH SQNR 38.2 dB, 97.5% of 360 right",
        "Operators estimated 4,321 cycles",
        "features.2 Conv2D 1,980 46%",
        "digits.py:36",
        "SRAM_RD_DATA_BEAT_RECEIVED 1,234 beats of data the NPU read from the SRAM",
        "peak 5.0 KiB in step 2",
        "platform 351 of 360 correct",
        "CPU instructions are not known: the interpreter has no CPU core",
        "Method 'forward' loaded.",
        "executorch 1.5.1",
        "artifacts/model.pte 20.8 KiB",
    ):
        assert expected in shown, expected


@pytest.mark.parametrize("kind", ["failed", "gone", "running", "empty"])
def test_a_run_that_did_not_end_well_says_so(kind: str, home: object) -> None:
    name = "20261123-061531-digits-u85-256-dddd"
    directory = {
        "failed": fakes.failed,
        "gone": fakes.gone,
        "running": lambda: fakes.make(name, fakes.spec_of(), [*fakes.begun(name, fakes.spec_of()), *fakes.compiled()]),
        "empty": lambda: fakes.make(name, fakes.spec_of(), []),
    }[kind]()
    page = export.document(directory, "html").decode()
    elements(page, strict=True)
    expected = {
        "failed": ["FAILED", "aten.atan2 has a float input", "quantize the whole model", "Traceback: no such luck"],
        "gone": ["LOST", "ended without a result"],
        "running": ["RUNNING", "still under way", "emit 0.2 s"],
        "empty": ["LOST", "ended without a result", "The log is empty"],
    }[kind]
    assert all(word in words(page) for word in expected), words(page)


def test_the_colours_are_those_of_the_themes_for_light_and_dark(home: object) -> None:
    page = export.document(fakes.whole(), "html").decode()
    ours = {name: themes.variables(theme, theme) for name, theme in themes.ours().items()}
    used = set(re.findall(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b", page))
    assert used <= {*ours["light"].values(), *ours["dark"].values(), "#fff"}
    dark = page.partition("prefers-color-scheme: dark")[2].partition("\n")[0]
    assert f"--npu:{ours['dark']['npu']};" in dark and f"--npu:{ours['light']['npu']};" not in dark
    # What is drawn names roles only, and each role that it names is there.
    named = set(re.findall(r"var\(--([a-z0-9-]+)\)", page))
    assert named and named <= ours["light"].keys()


@pytest.mark.parametrize(
    ("kind", "pill"), [("failed", "✗ FAILED"), ("gone", "✗ LOST"), ("mismatching", "✗ MISMATCH"), ("whole", "✓ OK")]
)
def test_the_verdict_comes_first(kind: str, pill: str, home: object) -> None:
    page = export.document(getattr(fakes, kind)(), "html").decode()
    first = next(e for e in elements(page) if "pill" in e.attrib.get("class", ""))
    assert first.text == pill


def test_what_is_not_known_is_a_dash_and_never_0(home: object) -> None:
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    known = [event for event in fakes.compiled() if not isinstance(event, events.Estimated)]
    directory = fakes.make(name, request, [*fakes.begun(name, request), *known, *fakes.finished()])
    shown = words(export.document(directory, "html").decode())
    assert "Latency – " in shown and "NPU cycles – " in shown and "SRAM peak – " in shown
    assert "On the NPU 91 %" in shown


def test_a_failed_run_tells_why_before_anything_else_and_shows_the_log_there(home: object) -> None:
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    reason = "export: AttributeError: no conv3; operator aten.relu; at /m/attr.py:9 (did you mean conv1?)"
    lines = [f"line {number}," for number in range(40)]
    directory = fakes.make(
        name,
        request,
        [
            *fakes.begun(name, request),
            events.StageStarted(t=fakes.T0, stage="export"),
            *fakes.log(lines),
            *fakes.log(["it came apart"], "error"),
            *fakes.log(["line after,"]),
            events.StageFinished(
                t=fakes.T0, stage="export", status="failed", seconds=0.1, reason=reason, line="/m/attr.py:9"
            ),
            events.RunFinished(t=fakes.T0 + 2, status="failed", reason=reason, exit_status=1),
        ],
    )
    page = export.document(directory, "html").decode()
    elements(page, strict=True)
    shown = words(page)
    before, _, after = shown.partition("The log at its first error, line 41 of 42")
    for expected in (
        "Why 1 error AttributeError: no conv3",
        "where /m/attr.py:9 · operator aten.relu",
        "stage export, 2 of 9",
        "try did you mean conv1?",
    ):
        assert expected in before, expected
    assert shown.count("AttributeError") == 1
    excerpt = after.partition("Stages")[0]
    assert (
        "it came apart" in excerpt and "line after," in excerpt and "line 30," in excerpt and "line 3," not in excerpt
    )
    # No row of dashes, and no panel that says that nothing is known.
    assert "Latency" not in shown and "Network" not in shown and "Memory" not in shown


def test_a_failed_run_without_an_error_in_its_log_shows_the_end_of_it(home: object) -> None:
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    what = [*fakes.begun(name, request), *fakes.log(["so far so good"])]
    what.append(events.RunFinished(t=fakes.T0 + 2, status="failed", reason="boot: no answer", exit_status=1))
    shown = words(export.document(fakes.make(name, request, what), "html").decode())
    assert "The end of the log, which has no error" in shown and "so far so good" in shown


def test_a_long_log_is_cut_at_its_beginning_and_the_page_says_so(home: object) -> None:
    name, count = "20261123-061531-digits-u85-256-dddd", export.LOG_LINES + 10
    lines = fakes.log([f"line {n}," for n in range(count)])
    directory = fakes.make(name, fakes.spec_of(), [*fakes.begun(name, fakes.spec_of()), *lines, *fakes.finished()])
    shown = words(export.document(directory, "html").decode())
    assert "10 earlier lines are left out; fvp-tui log" in shown
    assert "line 9," not in shown and "line 10," in shown and f"line {count - 1}," in shown


def test_the_module_of_many_operators_is_folded_and_nothing_is_lost(home: object) -> None:
    found = store.load(fakes.whole())
    many = tuple(msgspec.structs.replace(found.operators[1], name=f"layer.{n}", module=f"layer.{n}") for n in range(90))
    shown = words(html.page(msgspec.structs.replace(found, operators=many), LogPart()))
    assert "74 operators with fewer cycles" in shown
    assert all(f"layer.{n} " in shown for n in range(90))


def test_the_network_is_drawn_in_running_order_with_its_cycles(home: object) -> None:
    page = export.document(fakes.whole(), "html").decode()
    found = elements(page)
    (svg,) = (e for e in found if e.tag == f"{SVG}svg" and "operators on the NPU" in (e[0].text or ""))
    boxes = svg.findall(f"{SVG}g")
    assert [box[0].text for box in boxes] == [
        "q (cortex_m::quantize_per_tensor.out): time not known",
        "features.0 (Conv2D): 540 cycles, 12%",
        "features.2 (Conv2D): 1,980 cycles, 46%",
        "features.4 (MaxPool): 301 cycles, 7%",
        "features.5 (Conv2D): 1,290 cycles, 30%",
        "features.6 (Clamp): 0 cycles, 0%",
        "classify (FullyConnected): 210 cycles, 5%",
        "dq (cortex_m::dequantize_per_tensor.out): time not known",
    ]
    assert [bool(box.findall(f"{SVG}path")) for box in boxes] == [True, *[False] * 6, True], "hatched on the CPU alone"
    rects = [box.find(f"{SVG}rect").attrib for box in boxes]
    assert sum(int(rect["width"]) for rect in rects) == ribbon_svg.WIDTH
    assert rects[0]["width"] == rects[-1]["width"]
    assert "P0 4,321" in [text.text for text in svg.findall(f"{SVG}text")]
    assert "CPU, time not known" in words(page)


def test_a_ribbon_without_the_programs_plan_counts_nothing_on_the_cpu(home: object) -> None:
    found = store.load(fakes.whole())
    planless = msgspec.structs.replace(found, cpu=Cpu())
    drawn = ribbon_svg.ribbon(planless)
    assert drawn is not None and "on the CPU" not in drawn.summary
    assert drawn.unknown == "CPU: its place in the program is not known"


def test_a_network_of_many_operators_has_a_ribbon_of_as_many_as_can_be_seen(home: object) -> None:
    found = store.load(fakes.whole())
    many = tuple(msgspec.structs.replace(found.operators[1], name=f"l.{n}", module=f"l.{n // 9}") for n in range(900))
    drawn = ribbon_svg.ribbon(msgspec.structs.replace(found, operators=many))
    assert drawn is not None and len(drawn.boxes) <= ribbon_svg.CELLS
    assert sum(box.width for box in drawn.boxes) == ribbon_svg.WIDTH
    assert all(len(box.words) < 3_000 for box in drawn.boxes)


def test_a_page_of_a_real_run(ran: Any, fvp_tui: Fvp) -> None:
    run = ran("sample:digits")
    found = state_json.to_json(store.load(run.directory))
    page = export.document(run.directory, "html").decode()
    elements(page, strict=True)
    assert f"{found['inferences'][0]['npu_cycles']:,}" in words(page)
    # The program's plan is known of every run; instructions only where a CPU is emulated.
    assert [(step["partition"], step["instructions"]) for step in found["cpu"]["operators"]] == [
        (None, None),
        (0, None),
        (None, None),
    ]
