"""The NPU that a command stream was compiled for, by the product in its configuration.

stream = parse(cmd_data)
npu = load(stream, weight_data)
npu.run(scratch)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tui.simulator.ethosu.costs import Cost
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.memory import Bytes
from tui.simulator.ethosu.memory_ports import Ports
from tui.simulator.ethosu.registers import CommandSet
from tui.simulator.ethosu.stream import Command, Stream, macs_per_cycle, product, unpack
from tui.simulator.ethosu.swd import Decoder
from tui.simulator.ethosu55 import cycles as cycles_u55
from tui.simulator.ethosu55.npu import Npu as EthosU55
from tui.simulator.ethosu55.registers import COMMANDS as COMMANDS_U55
from tui.simulator.ethosu55.registers import CONFIGURATIONS as CONFIGURATIONS_U55
from tui.simulator.ethosu55.registers import configuration as configuration_u55
from tui.simulator.ethosu85 import cycles as cycles_u85
from tui.simulator.ethosu85.npu import Npu as EthosU85
from tui.simulator.ethosu85.registers import COMMANDS as COMMANDS_U85
from tui.toolchain import boards
from tui.toolchain.boards import ETHOS_U55, ETHOS_U65, ETHOS_U85

Weights = bytes | memoryview | Bytes


class Npu(Protocol):
    """A network loaded on an NPU."""

    stream: Stream

    def run(
        self,
        scratch: Bytes,
        fast_scratch: Bytes | None = None,
        *,
        observe: Callable[[Command], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        """Execute the stream. `scratch` (region 1) holds the inputs and receives the outputs.

        Raises:
            CommandStreamError: a command cannot be executed.
        """


@dataclass(frozen=True)
class _Family:
    npu: boards.Npu
    commands: CommandSet
    knows: Callable[[int], bool]
    """Tells if a CONFIG word is that of one of its NPUs."""
    load: Callable[[Stream, Weights, Decoder | None], Npu]
    estimate: Callable[[Stream, Ports], list[Cost]]


def _is_u55_or_u65(config: int) -> bool:
    return configuration_u55(config) is not None


def _is_u85(config: int) -> bool:
    return macs_per_cycle(config) in ETHOS_U85.macs


_FAMILIES: Mapping[int, _Family] = {
    0: _Family(ETHOS_U55, COMMANDS_U55, _is_u55_or_u65, EthosU55, cycles_u55.estimate),
    1: _Family(ETHOS_U65, COMMANDS_U55, _is_u55_or_u65, EthosU55, cycles_u55.estimate),
    2: _Family(ETHOS_U85, COMMANDS_U85, _is_u85, EthosU85, cycles_u85.estimate),
}
"""By product number."""


def parse(cmd_data: bytes) -> Stream:
    """The command stream in a cmd_data block.

    Raises:
        CommandStreamError: it is no COP1 container of an NPU there is a model of, or it is cut short.
    """
    found = unpack(cmd_data)
    family = _FAMILIES.get(product(found.config))
    if family is None or not family.knows(found.config):
        names = ", ".join(one.npu.name for one in _FAMILIES.values())
        raise CommandStreamError(f"NPU configuration {found.config:#010x} is none of {names}")
    return Stream(found.config, found.identity, found.words, family.commands)


def kind(stream: Stream) -> boards.Npu:
    """The family a stream is for."""
    return _FAMILIES[product(stream.config)].npu


def accelerator(stream: Stream) -> str:
    """Vela's name of the NPU a stream is for."""
    return kind(stream).accelerator_of(stream.macs_per_cycle)


def memory(stream: Stream) -> boards.Memory:
    """Memory of the board that has the NPU a stream is for."""
    return boards.of(accelerator(stream)).memory


def mismatches(stream: Stream, other: str) -> list[str]:
    """Fields of CONFIG in which `other`, an accelerator, is not what a stream is for, in the driver's words."""
    has, needs = _fields(other), _fields(accelerator(stream))
    different = [name for name in has if needs.get(name, has[name]) != has[name]]
    return [f"npu.{name}={has[name]} optimizer.{name}={needs[name]}" for name in different]


def _fields(name: str) -> dict[str, int]:
    """Fields of an accelerator's CONFIG word that the driver compares; the U85's SHRAM is not one of them."""
    prefix, _, macs = name.rpartition("-")
    number = next(number for number, family in _FAMILIES.items() if family.npu.accelerator == prefix)
    fields = {"product": number, "macs_per_cc": int(macs).bit_length() - 1}
    if found := CONFIGURATIONS_U55.get((number, int(macs))):
        fields["shram_size"] = found.cores * found.banks
    return fields


def estimate(stream: Stream, ports: Ports) -> list[Cost]:
    """The cost of each pass and DMA_START of a stream by the cycle model, with the memory behind each region.

    Raises:
        CommandStreamError: a command refers to a memory that is not in `ports`, or cannot be understood.
    """
    return _FAMILIES[product(stream.config)].estimate(stream, ports)


def load(stream: Stream, weights: Weights, decoder: Decoder | None = None) -> Npu:
    """Load a network; several of a program share a `decoder` of weights."""
    return _FAMILIES[product(stream.config)].load(stream, weights, decoder)
