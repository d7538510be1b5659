"""The functions of Arm's Ethos-U driver that need an answer of the NPU, given here when the guest comes to them.

All others run as Arm compiled them; what they write to the NPU's registers, which are not there, goes nowhere.
Signatures are those of the driver's release 1.0.0 (ethosu_driver.h, ethosu_device.h, pmu_ethosu.h).
"""

from collections.abc import Callable, Mapping

from tui.simulator.firmware.accelerator import WORD_MASK, Accelerator, Job, NpuError
from tui.simulator.firmware.core import Core
from tui.simulator.firmware.device import DEVICE

IRQ_HANDLER = "ethosu_irq_handler"
RESET_COUNTERS, PMU_INIT = "platform_reset_counters", "ethosu_pmu_init"
WAIT = "ethosu_semaphore_take"


class Driver:
    """Hooks: what is done at the beginning of each function."""

    def __init__(
        self, core: Core, functions: Mapping[str, int], accelerator: Accelerator, complain: Callable[[str], None]
    ) -> None:
        """`functions` are the addresses of at least those in `SYMBOLS`; `complain` is told what went wrong in a job."""
        self._core = core
        self._accelerator = accelerator
        self._complain = complain
        self._irq_handler = functions[IRQ_HANDLER]
        self._pmu_init = functions[PMU_INIT]
        self._driver = 0
        self._job: Job | None = None
        self._waited_for = False
        self._interrupting = False
        self._succeeded = True
        self.failed = False
        """True if a job has failed."""
        self.hooks: dict[int, Callable[[], None]] = {functions[symbol]: hook for symbol, hook in self._hooks().items()}
        """Hooks by address."""

    def _hooks(self) -> dict[str, Callable[[], None]]:
        return {
            RESET_COUNTERS: self._reset_counters,
            "ethosu_dev_soft_reset": self._soft_reset,
            "ethosu_dev_get_hw_info": self._get_hw_info,
            "ethosu_dev_verify_optimizer_config": self._verify_optimizer_config,
            "ethosu_invoke_async": self._invoke_async,
            "ethosu_dev_run_command_stream": self._run_command_stream,
            WAIT: self._semaphore_take,
            "ethosu_dev_handle_interrupt": self._handle_interrupt,
            "ETHOSU_PMU_Set_EVTYPER": self._set_evtyper,
            "ETHOSU_PMU_Get_CCNTR": self._get_ccntr,
            "ETHOSU_PMU_Get_EVCNTR": self._get_evcntr,
        }

    def _reset_counters(self) -> None:
        """void (): the board's, which starts a tick timer as well. QEMU's clocks follow this machine's wherever the
        guest stands still, so that a tick more or less would be among the instructions counted: it is not started.
        """
        self._core.instead(self._pmu_init)

    def _soft_reset(self) -> None:
        """int (dev, ...): 0 is success."""
        self._core.answer(0)

    def _get_hw_info(self) -> None:
        """void (dev, info): fills `info` from the device's registers."""
        self._core.pass_on(0, DEVICE)
        self._core.enter()

    def _verify_optimizer_config(self) -> None:
        """bool (dev, config, id): the size of the NPU was compared before the boot."""
        self._core.answer(1)

    def _invoke_async(self) -> None:
        """int (driver, commands, size, bases, sizes, count, ...): 64-bit bases, 32-bit sizes."""
        argument = self._core.argument
        self._driver = argument(0)
        count = argument(5)
        bases = self._core.words(argument(3), 2 * count)
        sizes = self._core.words(argument(4), count)
        self._job = Job((argument(1), argument(2)), tuple(zip(bases[::2], sizes, strict=True)))
        self._core.enter()

    def _run_command_stream(self) -> None:
        """void (dev, ...): starts the job, whose end is waited for later. Writes to registers that are not there."""
        self._waited_for, self._succeeded = True, False
        try:
            if self._job is not None:
                self._accelerator.run(self._job)
                self._succeeded = True
        except NpuError as error:
            self.failed = True
            self._complain(str(error))
        self._core.enter()

    def _semaphore_take(self) -> None:
        """int (semaphore, timeout): where the job's end is waited for, comes the interrupt that tells it."""
        if self._waited_for:
            self._waited_for, self._interrupting = False, True
            self._core.call(self._irq_handler, self._driver)
            return
        if self._interrupting:
            self._interrupting = False
            self._core.resume()
        self._core.enter()

    def _handle_interrupt(self) -> None:
        """bool (dev): whether the job succeeded."""
        self._core.answer(int(self._succeeded))

    def _set_evtyper(self) -> None:
        """void (driver, counter, event)."""
        self._accelerator.select(self._core.argument(1), self._core.argument(2))
        self._core.enter()

    def _get_ccntr(self) -> None:
        """uint64_t (driver)."""
        cycles = self._accelerator.cycles
        self._core.answer(cycles & WORD_MASK, cycles >> 32)

    def _get_evcntr(self) -> None:
        """uint32_t (driver, counter)."""
        self._core.answer(self._accelerator.counter(self._core.argument(1)))


SYMBOLS = (
    RESET_COUNTERS,
    PMU_INIT,
    "ethosu_dev_soft_reset",
    "ethosu_dev_get_hw_info",
    "ethosu_dev_verify_optimizer_config",
    "ethosu_invoke_async",
    "ethosu_dev_run_command_stream",
    WAIT,
    "ethosu_dev_handle_interrupt",
    "ETHOSU_PMU_Set_EVTYPER",
    "ETHOSU_PMU_Get_CCNTR",
    "ETHOSU_PMU_Get_EVCNTR",
    IRQ_HANDLER,
)
"""The functions that there have to be."""
