"""The scheduler of a cluster: its address, and what it demands of those who connect."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tui.errors import UsageError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
INSTALL = "pip install 'fvp-tui[fleet]'"
FILES = ("ca.pem", "cert.pem", "key.pem")


class Scheduler(msgspec.Struct, frozen=True, tag="scheduler"):
    """An address, and the folder of the certificates; None without encryption."""

    address: str
    tls: str | None = None


def checked(address: str, tls: str | None) -> Scheduler:
    """Make the scheduler at an address.

    Raises:
        UsageError: Dask is not installed, the address is none, or anybody who reaches it could run code on the workers.
    """
    if find_spec("distributed") is None:
        raise UsageError("a scheduler needs Dask", INSTALL)
    parts = urlsplit(address)
    try:
        known = parts.scheme in ("tcp", "tls") and parts.hostname and parts.port
    except ValueError:
        known = None
    if not known:
        raise UsageError(f"{address} is no address of a scheduler", "such as tls://node1:8786")
    if parts.scheme == "tcp" and parts.hostname not in LOOPBACK:
        what = f"{address} is not encrypted: whoever reaches it could run code on the workers"
        raise UsageError(what, "tls://... with --tls FOLDER")
    if parts.scheme == "tls":
        missing = [name for name in FILES if tls is None or not (Path(tls) / name).is_file()]
        if missing:
            raise UsageError(f"no {missing[0]} for {address}", f"--tls FOLDER has {', '.join(FILES)}")
    return Scheduler(address, None if tls is None else str(Path(tls).absolute()))
