"""The table of options: it covers the spec, and everything that shows options agrees with it."""

from tests import options_table
from tui.run import options
from tui.run.board_options import Serial
from tui.run.option import replaced
from tui.run.spec import Limits, Spec
from tui.toolchain.target import Target


def test_every_field_of_a_spec_has_an_option() -> None:
    paths = {option.path for option in options.OF_SPECS}
    expected = {(name,) for name in Spec.__struct_fields__} - {
        ("model",),
        ("log",),
        ("until",),
        ("target",),
        ("limits",),
        ("serial",),
    }
    expected |= {("target", name) for name in Target.__struct_fields__}
    expected |= {("limits", name) for name in Limits.__struct_fields__}
    # The folder of a board's commands is that where they were typed.
    expected |= {("serial", name) for name in Serial.__struct_fields__ if name != "folder"}
    assert paths == expected


def test_names_and_keys_are_unique_for_each_command() -> None:
    for command in ("run", "compile", "sweep", "params", "read"):
        entries = options.of(command)
        assert entries
        assert len({option.name for option in entries}) == len({option.key for option in entries}) == len(entries)


def test_an_option_takes_its_type_choices_and_default_from_the_field() -> None:
    table = {option.name: option for option in options.OF_SPECS}
    assert (table["--quantize"].choices, table["--quantize"].default) == (("int8", "a16w8", "none"), "int8")
    assert (table["--input"].kind, table["--input"].repeatable) == ("file", True)
    assert (table["-C"].kind, table["-C"].repeatable) == ("setting", True)
    assert (table["--max-npu-cycles"].kind, table["--max-npu-cycles"].path) == ("integer", ("limits", "npu_cycles"))
    assert (table["--no-cache"].kind, table["--no-cache"].default) == ("flag", True)
    assert table["--target"].default == Target().accelerator


def test_replacing_values_leaves_the_others() -> None:
    base = Spec(model="m", fast=True, limits=Limits(npu_cycles=1))
    changed = replaced(base, {("limits", "match"): True, ("target", "memory_mode"): "X", ("inferences",): 3})
    assert changed.limits == Limits(npu_cycles=1, match=True)
    assert changed.target == Target(memory_mode="X")
    assert (changed.model, changed.fast, changed.inferences) == ("m", True, 3)
    assert base == Spec(model="m", fast=True, limits=Limits(npu_cycles=1))


def test_the_page_of_options_has_the_table_as_it_is() -> None:
    page = options_table.FILE.read_text(encoding="utf-8")
    assert page == options_table.with_tables(page), "python -m tests.options_table writes it"
    for option in options.TABLE:
        assert option.name in page and option.help in page
