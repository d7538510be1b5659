"""Boards: all that differs between the systems a program can run on, one frozen value each.

Every name, size and address of a board stands here and nowhere else; `of` picks the board of a target. To add a board
is to add a value to `BOARDS` and, for another NPU, its model to the simulator. Sources: ExecuTorch's run_fvp.sh and
fvp_utils.sh, backends/arm/test/runner_utils.py, Vela's vela.ini, the Ethos-U driver's pmu_ethosu.h.
"""

from collections.abc import Mapping

import msgspec

from tui.toolchain import firmware_images
from tui.toolchain.firmware_images import Image

PMU_PREFIX = "ETHOSU_PMU_"
"""Prefix of all event names in the Ethos-U driver."""


class PmuEvents(msgspec.Struct, frozen=True):
    """Names of the events that the cycle model counts, as the driver has them."""

    sram_reads: str
    sram_writes: str
    external_reads: str
    external_writes: str
    mac_active: str


class Npu(msgspec.Struct, frozen=True):
    """A family of NPUs."""

    name: str
    accelerator: str
    """Vela's name of an accelerator, without its MACs."""
    macs: tuple[int, ...]
    """Sizes in 8-bit multiply-accumulates a cycle."""
    default_macs: int
    system_config: str
    """Prefix of Vela's system configs for this family."""
    default_system_config: str
    memory_modes: tuple[str, ...]
    """Vela's memory modes that differ in more than the size of a cache."""
    default_memory_mode: str
    runner_memory_mode: str
    """Memory mode that ExecuTorch's test set-up builds its runner for."""
    axi_bytes: int
    """Width of one of its AXI ports."""
    profile: str
    """Extension of TOSA that ExecuTorch lowers for: families that share it share their graphs."""
    pmu: PmuEvents
    counters: int
    """Event counters of its PMU."""

    @property
    def short(self) -> str:
        """``U85``."""
        return self.name.rpartition("-")[2]

    @property
    def sign(self) -> str:
        """One character for it: ``8``."""
        return self.short[1]

    @property
    def accelerators(self) -> tuple[str, ...]:
        """Vela's names of all sizes."""
        return tuple(self.accelerator_of(macs) for macs in self.macs)

    @property
    def default_accelerator(self) -> str:
        """Vela's name of the default size."""
        return self.accelerator_of(self.default_macs)

    def accelerator_of(self, macs: int) -> str:
        """Vela's name of a size."""
        return f"{self.accelerator}-{macs}"


class Parameters(msgspec.Struct, frozen=True):
    """Names of an FVP's parameters (``-C NAME=VALUE``), by the instances of its model."""

    board: str
    cpu: str
    ethosu: str
    windows: tuple[str, ...]
    """Parameters that switch its windows off."""
    terminals: tuple[int, ...]
    """Numbers of its terminals: each starts an xterm when its UART is used."""

    @property
    def macs(self) -> str:
        """Size of the NPU."""
        return f"{self.ethosu}.num_macs"

    @property
    def extra_args(self) -> str:
        """Options of the NPU model."""
        return f"{self.ethosu}.extra_args"

    def has(self, name: str) -> bool:
        """Tell if a parameter is this board's by its name; there are many more than are named here."""
        return name.startswith((f"{self.board}.", f"{self.cpu}.", f"{self.ethosu}.")) or name in self.windows

    def semihosting(self, name: str) -> str:
        """A parameter of the CPU's semihosting."""
        return f"{self.cpu}.semihosting-{name}"

    def uart(self, name: str) -> str:
        """A parameter of the UART that is the console."""
        return f"{self.board}.uart0.{name}"

    def terminal(self, number: int, name: str) -> str:
        """A parameter of a terminal."""
        return f"{self.board}.telnetterminal{number}.{name}"


class Memory(msgspec.Struct, frozen=True):
    """Memory of a board: addresses, and sizes in bytes."""

    sram_bytes: int
    ddr: int
    ddr_bytes: int
    semihosting: Mapping[str, int]
    """The FVP's default of each limit of heap and stack, by the parameter's name."""


class Fvp(msgspec.Struct, frozen=True):
    """An FVP: its binary and the places where it, and a runner for it, are looked for."""

    binary: str
    checkout: str
    """Folders of the binary in an ExecuTorch checkout that setup.sh was run in."""
    installed: str
    """Folders of the binary below the folder it was installed to."""
    runner: str
    """Semihosting runner in an ExecuTorch checkout whose tests were set up."""
    built_runner: str
    """File name of the runner that was built with ``fvp-tui firmware build``."""
    console: Mapping[str, str]
    """Parameters of every run: the console is the standard output, and its end ends the FVP."""
    comforts: Mapping[str, str]
    """Parameters a run can do without: no windows, no xterm, text at once."""


class Board(msgspec.Struct, frozen=True):
    """A system: its NPU, its memory, and the FVP that models it."""

    name: str
    npu: Npu
    cpu_targets: tuple[str, ...]
    """Targets without an NPU: a baseline to compile for and look at."""
    parameters: Parameters
    memory: Memory
    fvp: Fvp
    image: Image | None
    """Arm's prebuilt firmware for it; None where there is none."""

    @property
    def system(self) -> str:
        """Name of the system without its NPU's."""
        return self.name.partition(" with ")[0]


_AXI = PmuEvents(
    sram_reads=f"{PMU_PREFIX}AXI0_RD_DATA_BEAT_RECEIVED",
    sram_writes=f"{PMU_PREFIX}AXI0_WR_DATA_BEAT_WRITTEN",
    external_reads=f"{PMU_PREFIX}AXI1_RD_DATA_BEAT_RECEIVED",
    external_writes=f"{PMU_PREFIX}AXI1_WR_DATA_BEAT_WRITTEN",
    mac_active=f"{PMU_PREFIX}MAC_ACTIVE",
)

ETHOS_U55 = Npu(
    name="Ethos-U55",
    accelerator="ethos-u55",
    macs=(32, 64, 128, 256),
    default_macs=128,
    system_config="Ethos_U55_",
    default_system_config="Ethos_U55_High_End_Embedded",
    memory_modes=("Sram_Only", "Shared_Sram"),
    default_memory_mode="Shared_Sram",
    runner_memory_mode="Shared_Sram",
    axi_bytes=8,
    profile="u55",
    pmu=_AXI,
    counters=4,
)
ETHOS_U65 = Npu(
    name="Ethos-U65",
    accelerator="ethos-u65",
    macs=(256, 512),
    default_macs=256,
    system_config="Ethos_U65_",
    default_system_config="Ethos_U65_High_End",
    memory_modes=("Sram_Only", "Shared_Sram", "Dedicated_Sram"),
    default_memory_mode="Dedicated_Sram_384KB",
    runner_memory_mode="Dedicated_Sram_384KB",
    axi_bytes=16,
    profile="u55",
    pmu=_AXI,
    counters=4,
)
ETHOS_U85 = Npu(
    name="Ethos-U85",
    accelerator="ethos-u85",
    macs=(128, 256, 512, 1024, 2048),
    default_macs=256,
    system_config="Ethos_U85_",
    default_system_config="Ethos_U85_SYS_DRAM_Mid",
    memory_modes=("Sram_Only", "Shared_Sram", "Dedicated_Sram"),
    default_memory_mode="Sram_Only",
    runner_memory_mode="Dedicated_Sram_384KB",
    axi_bytes=16,
    profile="cf",
    pmu=PmuEvents(
        sram_reads=f"{PMU_PREFIX}SRAM_RD_DATA_BEAT_RECEIVED",
        sram_writes=f"{PMU_PREFIX}SRAM_WR_DATA_BEAT_WRITTEN",
        external_reads=f"{PMU_PREFIX}EXT_RD_DATA_BEAT_RECEIVED",
        external_writes=f"{PMU_PREFIX}EXT_WR_DATA_BEAT_WRITTEN",
        mac_active=f"{PMU_PREFIX}MAC_ACTIVE",
    ),
    counters=8,
)

_MPS4 = Parameters(
    board="mps4_board",
    cpu="mps4_board.subsystem.cpu0",
    ethosu="mps4_board.subsystem.ethosu",
    windows=("mps4_board.visualisation.disable-visualisation", "vis_hdlcd.disable_visualisation"),
    terminals=(0, 1, 2, 5),
)

CORSTONE_320 = Board(
    name="Corstone-320",
    npu=ETHOS_U85,
    cpu_targets=("cortex-m85",),
    parameters=_MPS4,
    memory=Memory(
        sram_bytes=4 << 20,
        ddr=0x7000_0000,
        ddr_bytes=256 << 20,
        semihosting={
            "heap_base": 0,
            "heap_limit": 0x1070_0000,
            "stack_base": 0x1070_0000,
            "stack_limit": 0x1080_0000,
        },
    ),
    fvp=Fvp(
        binary="FVP_Corstone_SSE-320",
        checkout="examples/arm/*-scratch/FVP-corstone320/models/*",
        installed="FVP[-_]*orstone*320*/models/*",
        runner="arm_test/arm_semihosting_executor_runner_corstone-320/arm_executor_runner",
        built_runner="semihosting-corstone-320.elf",
        console={_MPS4.uart("out_file"): "-", _MPS4.uart("shutdown_on_eot"): "1"},
        comforts={
            **dict.fromkeys(_MPS4.windows, "1"),
            **{_MPS4.terminal(number, "start_telnet"): "0" for number in _MPS4.terminals},
            _MPS4.uart("unbuffered_output"): "1",
        },
    ),
    image=firmware_images.CORSTONE_320,
)

_MPS3 = Parameters(
    board="mps3_board",
    cpu="cpu0",
    ethosu="ethosu",
    windows=("mps3_board.visualisation.disable-visualisation",),
    terminals=(0, 1, 2, 5),
)
_SSE_300_MEMORY = Memory(
    sram_bytes=2 << 20,
    ddr=0x7000_0000,
    ddr_bytes=0x6000_0000,
    semihosting=CORSTONE_320.memory.semihosting,
)


def _sse_300(name: str, binary: str) -> Fvp:
    """An FVP of Corstone-300, of which there is one for each NPU; `name` is the board's in ExecuTorch's tests."""
    return Fvp(
        binary=binary,
        checkout="examples/arm/*-scratch/FVP-corstone300/models/*",
        installed="FVP[-_]*orstone*300*/models/*",
        runner=f"arm_test/arm_semihosting_executor_runner_{name}/arm_executor_runner",
        built_runner=f"semihosting-{name}.elf",
        console={_MPS3.uart("out_file"): "-", _MPS3.uart("shutdown_on_eot"): "1"},
        comforts={
            **dict.fromkeys(_MPS3.windows, "1"),
            **{_MPS3.terminal(number, "start_telnet"): "0" for number in _MPS3.terminals},
        },
    )


CORSTONE_300_U55 = Board(
    name="Corstone-300 with Ethos-U55",
    npu=ETHOS_U55,
    cpu_targets=("cortex-m55",),
    parameters=_MPS3,
    memory=_SSE_300_MEMORY,
    fvp=_sse_300("corstone-300", "FVP_Corstone_SSE-300_Ethos-U55"),
    image=firmware_images.CORSTONE_300,
)
CORSTONE_300_U65 = Board(
    name="Corstone-300 with Ethos-U65",
    npu=ETHOS_U65,
    cpu_targets=(),
    parameters=_MPS3,
    memory=_SSE_300_MEMORY,
    fvp=_sse_300("corstone-300-u65", "FVP_Corstone_SSE-300_Ethos-U65"),
    image=None,
)

BOARDS = (CORSTONE_320, CORSTONE_300_U55, CORSTONE_300_U65)
DEFAULT = CORSTONE_320

NPUS = tuple(board.npu for board in BOARDS)
"""The families of NPUs."""

CPU_TARGETS = tuple(target for board in BOARDS for target in board.cpu_targets)


def of(accelerator: str) -> Board:
    """The board with a target's accelerator or CPU; the default one for a name that no board has."""
    return next(
        (b for b in BOARDS if accelerator in b.cpu_targets or accelerator.rpartition("-")[0] == b.npu.accelerator),
        DEFAULT,
    )


def lowered_alike(accelerator: str) -> Board:
    """The first board whose NPU gets the same graphs as that of an accelerator."""
    profile = of(accelerator).npu.profile
    return next(board for board in BOARDS if board.npu.profile == profile)


def owner_of(parameter: str, board: Board) -> Board | None:
    """The other board that has a parameter; None for a parameter that is the given board's, or nobody's."""
    if board.parameters.has(parameter):
        return None
    return next((other for other in BOARDS if other.parameters.has(parameter)), None)


def npu_of(system_config: str) -> Npu:
    """The family of NPUs that a system config is for; the default board's for a name that no family has."""
    return next((npu for npu in NPUS if system_config.startswith(npu.system_config)), DEFAULT.npu)


def short_system_config(name: str) -> str:
    """A system config's name without the family of NPUs that it begins with."""
    return name.removeprefix(npu_of(name).system_config)
