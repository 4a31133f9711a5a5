"""Copy a detector's file with some members changed, and digests that fit: for scripts and tests that change what is in one."""

import argparse
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from melanoma_detect.inference.bundle import read
from melanoma_detect.inference.members import CONFIG, DIGESTS, SIGNATURE, compression, digests_to_bytes
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import check_output


def copy_parser(description: str) -> argparse.ArgumentParser:
    """Return the parser of a script that writes a changed copy of a detector's file."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--overwrite", action="store_true")
    return parser


def write_copy(arguments: argparse.Namespace, change: Callable[[Path, Path], None]) -> Path:
    """Let a function write a changed copy of a file, check it as loading does, and only then put it in its place."""
    target = check_output(arguments.out, overwrite=arguments.overwrite)
    with atomic_file(target, overwrite=arguments.overwrite) as partial:
        change(arguments.file, partial)
        read(partial)
    return target


def rewrite(source: Path, target: Path, changes: Mapping[str, bytes | None], *, digests: bool | None = None) -> None:
    """Write a copy of a detector's file; members that do not change keep their bytes and their compression.

    Args:
        source: The file.
        target: The copy.
        changes: New content by member; None leaves a member out.
        digests: Whether the copy has digests; None if the file has. A signature is left out: it was of other digests.
    """
    with zipfile.ZipFile(source) as old:
        stored = {member.filename: member for member in old.infolist()}
        members = {name: old.read(name) for name in stored} | dict(changes)
    wanted = DIGESTS in stored if digests is None else digests
    kept = {
        name: content for name, content in members.items() if content is not None and name not in (DIGESTS, SIGNATURE)
    }
    if wanted:
        kept[DIGESTS] = digests_to_bytes(kept)
    with zipfile.ZipFile(target, "w") as new:
        for name, content in kept.items():
            same = name in stored and name not in changes and name != DIGESTS
            # The date of a member that did not change stays too, so that the same changes give the same file.
            info = zipfile.ZipInfo(name, stored.get(name, stored[CONFIG]).date_time)
            new.writestr(info, content, stored[name].compress_type if same else compression(content))
