"""The fields of a target: the family of the NPU, and what there is to choose from in it."""

from collections.abc import Callable, Iterator, Sequence

from tui.app.widgets.choice import Choice, Field
from tui.run import options
from tui.run.option import Option
from tui.run.option_groups import TARGET
from tui.text import clean, counted
from tui.toolchain import boards, vela
from tui.toolchain.boards import Npu
from tui.toolchain.target import Target, on_board_of

FAMILY = "npu"
"""The field that no option has: the accelerator's name says its family, too."""
ABOUT = "Family of the NPU. Its sizes, memory modes and system configs come with it."
_OPTIONS = {option.path[-1]: option for option in options.TABLE if option.group == TARGET and option.form}


class TargetFields:
    """Fields that depend on each other: one offers only what goes with the value of the one before it."""

    def __init__(self, target: Target, fields: Callable[[str], Choice], ethosu: str | None) -> None:
        """`fields` finds the field of a part of the target, which has no values yet; `ethosu` is as in `fill`."""
        npus = _families()
        self.family = Choice("NPU", [(npu.name, npu.short) for npu in npus], ABOUT, id=FAMILY)
        self._npus = {npu.name: npu for npu in npus}
        self._accelerator, self._memory, self._system = map(fields, ("accelerator", "memory_mode", "system_config"))
        self._set: dict[str, Target] = {}
        """The target of each family, as it was when another was chosen."""
        self._shown = target.board.npu.name
        self._replaced: tuple[str, ...] = ()
        self._ethosu = ethosu
        self.fill(target, ethosu)

    def listen(self) -> None:
        """Follow the fields from now on, before those who are told of them already."""
        _first(self.family, self._follow_family)
        _first(self._system, self._follow_system)

    def taken(self, parameters: int) -> str:
        """Tell once what the last change replaced in other fields.

        `parameters` is the number of those that are another board's.
        """
        words, self._replaced = self._replaced, ()
        if not words:
            return ""
        # First what no other field shows: the end is cut off where it has no room.
        without = f"Without {counted(parameters, 'parameter')} of another board. " if parameters else ""
        return clean(f"{without}Replaced: {'  '.join(words)}", 200)

    @property
    def target(self) -> Target:
        """The values of the fields."""
        return Target(self._accelerator.value, self._system.value, self._memory.value)

    def fill(self, target: Target, ethosu: str | None) -> None:
        """Show a target, among those that the Vela in the folder `ethosu` knows, or our own."""
        self._ethosu = ethosu
        if (npu := target.board.npu).name not in self._npus:
            return  # Vela is not installed: the check of the spec reports it where the user sees it
        lists = vela.lists(npu, ethosu)
        self._shown = npu.name
        self.family.at = [name for name, _ in self.family.values].index(npu.name)
        self._accelerator.offer(_choices("accelerator", lists.accelerators), target.accelerator)
        self._system.offer(_choices("system_config", lists.system_configs), target.system_config)
        self._offer_modes(target.memory_mode)

    def _offer_modes(self, wanted: str) -> None:
        """Offer the memory modes that go with the system config; the default where the one wanted does not."""
        modes = vela.memory_modes(self._system.value, self._ethosu)
        default = self._npus[self._shown].default_memory_mode
        self._memory.offer(_choices("memory_mode", modes), wanted if wanted in modes else default)

    def _follow_family(self) -> None:
        before = self.target
        self._set[self._shown] = before
        npu = self._npus[self.family.value]
        self.fill(self._set.get(npu.name) or on_board_of(npu.default_accelerator), self._ethosu)
        self._replaced = tuple(_replacements(before, self.target))

    def _follow_system(self) -> None:
        before = self.target
        self._offer_modes(before.memory_mode)
        self._replaced = tuple(_replacements(before, self.target))


def _families() -> list[Npu]:
    """The families of NPUs that Vela has, in its order."""
    try:
        names = vela.lists().accelerators
    except vela.VelaMissing:
        return []
    return list({npu.name: npu for npu in (boards.of(name).npu for name in names)}.values())


def _choices(part: str, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, _text(_OPTIONS[part], name)) for name in names]


def _text(option: Option, name: str) -> str:
    assert option.form is not None
    return option.form.text(name)


def _first(field: Field, follow: Callable[[], None]) -> None:
    told = field.changed

    def changed(field: Field) -> None:
        follow()
        told(field)

    field.changed = changed


def _replacements(before: Target, after: Target) -> Iterator[str]:
    for part in ("accelerator", "memory_mode", "system_config"):
        old, new = (_text(_OPTIONS[part], getattr(target, part)) for target in (before, after))
        if old != new:
            unit = " MACs" if part == "accelerator" else ""
            yield f"{old} → {new}{unit}"
