"""The list of parameters."""

from tui.platform.parameters import Parameter, parse

LISTING = """\
# Parameters:
# instance.parameter=value       #(type, mode) default = 'def value' : description : [min..max]
#---------------------------------
a.macs=256       # (int   , init-time) default = '0x400'  : Count (1, 2, or 3). Odd : text : [0x80:0x800]\r
a.old=0xAB       # (int   , run-time ) default = '0xAB'   : Number : [0x0..0xFF]
b.file=-         # (string, init-time) default = ''       : Where to (use '-' for stdout)
b.empty=""       # (bool  , init-time) default = '0'    :
not a parameter
"""


def test_lines_of_all_shapes_are_read() -> None:
    assert parse(LISTING) == [
        Parameter("a.macs", "256", "int", "init-time", "0x400", "Count (1, 2, or 3). Odd : text", "0x80", "0x800"),
        Parameter("a.old", "0xAB", "int", "run-time", "0xAB", "Number", "0x0", "0xFF"),
        Parameter("b.file", "-", "string", "init-time", "", "Where to (use '-' for stdout)"),
        Parameter("b.empty", '""', "bool", "init-time", "0", ""),
    ]


def test_no_list_is_an_empty_one() -> None:
    assert parse("") == []
