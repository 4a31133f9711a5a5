"""Write a detector's file in the present schema, with digests; model, calibration and answers stay as they are.

    python scripts/upgrade_detector.py FILE --out FILE [--overwrite]

`Detector.load(...).save(...)` does the same for any detector, but draws its golden images and runs them anew. This script
leaves all other members as they are, byte for byte.
"""

import json
import zipfile
from pathlib import Path

from detector_members import copy_parser, rewrite, write_copy

from melanoma_detect.inference.bundle import read
from melanoma_detect.inference.members import CONFIG
from melanoma_detect.inference.schema import FINGERPRINT_MEMBERS, SCHEMA, upgrade


def main() -> None:
    """Write the file."""
    arguments = copy_parser(__doc__).parse_args()
    target = write_copy(arguments, copy_in_present_schema)
    print(f"{target}: schema {SCHEMA}, {target.stat().st_size / 2**20:.2f} MiB")


def copy_in_present_schema(source: Path, target: Path) -> None:
    """Copy a detector's file, member by member, with the names of the present schema and digests."""
    read(source)
    with zipfile.ZipFile(source) as archive:
        values = json.loads(archive.read(CONFIG))
        before, after = FINGERPRINT_MEMBERS[values["schema"]], FINGERPRINT_MEMBERS[SCHEMA]
        renamed = {before: None, after: archive.read(before)} if before != after else {}
    changed = json.dumps(upgrade(values) | {"schema": SCHEMA}, indent=1).encode()
    rewrite(source, target, {CONFIG: changed, **renamed}, digests=True)


if __name__ == "__main__":
    main()
