"""What has been checked need not be run again: which detectors gave the right probabilities for their golden images here.

Running the golden images takes a fifth of the time from the shell to a printed answer. The result of the check depends on
nothing but the model, the images and their recorded probabilities, ONNX Runtime, the processor and the number of threads. A
digest of all of them is the name of an entry in the folder `golden` of the cache, which is written when the check has passed.
The digest is computed from the bytes that were read, at every load: a file that was changed or damaged has another one, and is
checked.

An entry counts for 30 days. What cannot be read, is no regular file or holds anything but its own digest counts as absent, and
a folder that cannot be written changes nothing but the time. `MELANOMA_DETECT_CACHE` names another folder for the cache;
deleting its folder `golden` clears it.
"""

import contextlib
import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import PIL
from onnxruntime.capi import onnxruntime_pybind11_state

from melanoma_detect.inference.golden import check_golden_images
from melanoma_detect.inference.members import ONNX, digest_of
from melanoma_detect.inference.runtime import OnnxRuntime, Runtime
from melanoma_detect.utils.files import atomic_file, cache_folder

_FORMAT = 2  # raise it when the check becomes stricter
_MAX_AGE = 30 * 24 * 3600  # seconds: a machine that begins to fail is noticed
_MAX_ENTRIES = 1000  # of 70 bytes; the older half is deleted when there are more
_REPEATABLE = ["CPUExecutionProvider"]  # of another provider nobody knows here what its results depend on
_CHANGING = ("mhz", "bogomips")  # lines of /proc/cpuinfo that differ from one moment to the next
# Not through a link, and not waiting for somebody who writes into a named pipe.
_READ_ONLY = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"))


def check_golden_images_once(
    file: Path,
    members: Mapping[str, bytes],
    runtime: Runtime,
    model: bytes | None,
    *,
    digests: Mapping[str, str] | None = None,
    **expected: Any,
) -> None:
    """Raise DetectorError unless a model gives the recorded probabilities for its golden images, now or when it was last run.

    Args:
        file: The detector's file, for the message.
        members: The content of the golden images and their probabilities, by name.
        runtime: The model.
        model: The bytes that ONNX Runtime runs; None where Keras runs the model, which is always checked.
        digests: SHA-256 digests of the members and of the model that have been compared with the bytes; None to compute them.
        **expected: What `check_golden_images` expects of the model's input and outputs: size, classes, features.

    Raises:
        DetectorError: As `check_golden_images` does.

    Examples:
        >>> from melanoma_detect.inference.golden import make_golden_images
        >>> runtime, model = detector.predictor.runtime, detector.predictor.files.onnx
        >>> check_golden_images_once(Path("mine.detector"), make_golden_images(runtime, (32, 32)), runtime, model)
    """
    digest = _digest(members, runtime, model, expected, digests)
    entry = _entry(digest) if digest else None
    if entry and digest and _is_recorded(entry, digest):
        return
    check_golden_images(file, members, runtime, **expected)
    if entry and digest:
        _record(entry, digest)


def _digest(
    members: Mapping[str, bytes],
    runtime: Runtime,
    model: bytes | None,
    expected: dict[str, Any],
    digests: Mapping[str, str] | None,
) -> str | None:
    """Return a digest of everything that decides the result of the check; None where that is not known."""
    if model is None or not isinstance(runtime, OnnxRuntime) or runtime.session.get_providers() != _REPEATABLE:
        return None
    contents = {**members, ONNX: model}
    parts = {name: digests[name] if digests else digest_of(content) for name, content in contents.items()}
    facts = [parts, _machine(runtime), expected]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _machine(runtime: OnnxRuntime) -> list[Any]:
    """Return what a model's outputs depend on beside the model: software, processor and threads."""
    options = runtime.session.get_session_options()
    library = os.stat(onnxruntime_pybind11_state.__file__)  # noqa: PTH116 - the path is a text
    # Not the system's release: a new kernel computes the same.
    system = [os.uname().nodename, os.uname().machine] if hasattr(os, "uname") else []
    return [
        *(_FORMAT, np.__version__, PIL.__version__, onnxruntime.__version__, onnxruntime.get_build_info()),
        *(library.st_size, library.st_mtime_ns, sys.version),
        *(sys.platform, system, os.environ.get("PROCESSOR_IDENTIFIER"), _describe_processor(), _usable_cores()),
        *(options.intra_op_num_threads, options.inter_op_num_threads, str(options.graph_optimization_level)),
        runtime.session.get_provider_options(),
    ]


def _describe_processor() -> str:
    """Return what Linux says of the first processor; empty elsewhere, where the machine's name tells machines apart."""
    try:
        with Path("/proc/cpuinfo").open("rb") as file:
            first = file.read(8192).partition(b"\n\n")[0].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(line for line in first.splitlines() if not any(word in line.lower() for word in _CHANGING))


def _usable_cores() -> int | None:
    """Return how many cores this process may use, on which ONNX Runtime's number of threads depends."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _entry(digest: str) -> Path | None:
    """Return the file that says of a digest that its check has passed; None where there is no cache folder."""
    try:
        folder = cache_folder("golden")
    except (OSError, RuntimeError):  # there is no home
        return None
    return folder / digest if folder.is_absolute() else None


def _content(digest: str) -> bytes:
    return f"golden images passed: {digest}\n".encode()


def _is_recorded(entry: Path, digest: str) -> bool:
    try:
        descriptor = os.open(entry, _READ_ONLY)
    except OSError:
        return False
    try:
        facts = os.fstat(descriptor)
        recent = abs(time.time() - facts.st_mtime) < _MAX_AGE
        return stat.S_ISREG(facts.st_mode) and recent and os.read(descriptor, 200) == _content(digest)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _record(entry: Path, digest: str) -> None:
    """Write an entry; without a word where it cannot be written, since it only saves time."""
    with contextlib.suppress(OSError), atomic_file(entry) as partial:
        partial.write_bytes(_content(digest))
    with contextlib.suppress(OSError):
        _delete_oldest(entry.parent)


def _delete_oldest(folder: Path) -> None:
    """Delete the older half of the entries where there are too many: each detector that was ever loaded has left one."""
    entries = [(found.stat(follow_symlinks=False).st_mtime, found.path) for found in os.scandir(folder)]
    if len(entries) > _MAX_ENTRIES:
        for _, path in sorted(entries)[: len(entries) // 2]:
            Path(path).unlink(missing_ok=True)
