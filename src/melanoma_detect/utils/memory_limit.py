"""A limit of the memory that a block of code may take, where the system has one."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

try:
    import resource
except ModuleNotFoundError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

_LOCK = threading.Lock()
_entered = 0  # blocks that run now, in all threads: the limit is the process's
_before = (0, 0)


@contextlib.contextmanager
def limited_memory(growth: int) -> Iterator[None]:
    """Let allocations fail that would make the process's data larger than now by a number of bytes.

    What fails is an allocation, in Python as MemoryError, in ONNX Runtime as its own exception. The limit is that of the whole
    process; while several threads are in such a block, the first one's holds. Does nothing where the system has no such limit,
    or a lower one is set.

    Args:
        growth: Bytes that the process may grow by.

    Yields:
        Nothing.

    Examples:
        >>> with limited_memory(2**30):
        ...     bytearray(2**31)
        Traceback (most recent call last):
        MemoryError
    """
    _enter(growth)
    try:
        yield
    finally:
        _leave()


def _enter(growth: int) -> None:
    global _entered, _before  # noqa: PLW0603 - so is the limit
    with _LOCK:
        _entered += 1
        size = _data_size()
        if _entered > 1 or resource is None or size is None:
            return
        _before = resource.getrlimit(resource.RLIMIT_DATA)
        if _before[0] == resource.RLIM_INFINITY or _before[0] > size + growth:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_DATA, (size + growth, _before[1]))


def _leave() -> None:
    global _entered  # noqa: PLW0603
    with _LOCK:
        _entered -= 1
        if _entered == 0 and resource is not None and _before != (0, 0):
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_DATA, _before)


def _data_size() -> int | None:
    """Return how many bytes the limit would count now; None where the system does not say."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None
