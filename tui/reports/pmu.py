"""The NPU's performance counters in words. Names are the Ethos-U driver's (``pmu_ethosu.h``)."""

from tui.toolchain.boards import PMU_PREFIX

MEANINGS = {
    "CYCLE": "cycles of the NPU",
    "NPU_IDLE": "cycles in which the NPU had nothing to do",
    "NPU_ACTIVE": "cycles in which the NPU was at work",
    "CC_STALLED_ON_BLOCKDEP": "cycles the next block waited for a result of the one before",
    "MAC_ACTIVE": "cycles in which the MAC array multiplied",
    "MAC_ACTIVE_8BIT": "cycles in which the MAC array multiplied 8-bit values",
    "MAC_ACTIVE_16BIT": "cycles in which the MAC array multiplied 16-bit values",
    "MAC_DPU_ACTIVE": "cycles in which the dot-product units were at work",
    "MAC_STALLED_BY_WD": "cycles the MAC array waited for weights to be decoded",
    "MAC_STALLED_BY_WD_ACC": "cycles the MAC array waited for weights or for accumulators",
    "MAC_STALLED_BY_ACC": "cycles the MAC array waited for accumulators to be read out",
    "MAC_STALLED_BY_IB": "cycles the MAC array waited for its input",
    "AO_ACTIVE": "cycles in which the output stage scaled and activated",
    "WD_ACTIVE": "cycles in which the weight decoder was at work",
    "WD_STALLED": "cycles the weight decoder waited",
    "WD_STALLED_BY_WS": "cycles the weight decoder waited for the weight stream from memory",
    "WD_STALLED_BY_WD_BUF": "cycles the weight decoder waited for room in its buffer",
    **{
        f"{port}_{code}": f"{what} {memory}"
        for port, memory in (("SRAM", "the SRAM"), ("EXT", "external memory (DRAM or flash)"))
        for code, what in (
            ("RD_TRANS_ACCEPTED", "read requests taken by"),
            ("RD_TRANS_COMPLETED", "read requests answered by"),
            ("RD_DATA_BEAT_RECEIVED", "beats of data the NPU read from"),
            ("RD_TRAN_REQ_STALLED", "cycles a read request waited for"),
            ("WR_TRANS_ACCEPTED", "write requests taken by"),
            ("WR_DATA_BEAT_WRITTEN", "beats of data the NPU wrote to"),
            ("WR_TRAN_REQ_STALLED", "cycles a write request waited for"),
            ("WR_DATA_BEAT_STALLED", "cycles written data waited for"),
        )
    },
}


def event(name: str) -> str:
    """An event's name without its common prefix."""
    return name.removeprefix(PMU_PREFIX)


def meaning(name: str) -> str:
    """Meaning of an event in a line; empty where it is not known."""
    return MEANINGS.get(event(name), "")
