"""Copy a detector's file with some members changed, and digests that fit: for scripts and tests that change what is in one."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from melanoma_detect.inference.members import CONFIG, DIGESTS, SIGNATURE, compression, digests_to_bytes


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
