"""Rewrite one note of a detector's model card; the model, its calibration and all else stay as they are, byte for byte.

    python scripts/rewrite_note.py FILE TITLE TEXT --out FILE [--overwrite]

The new card is made from the configuration, as saving a detector makes it. The file is written only if it can be loaded and
gives the same logits and features for drawn lesions, bit for bit.
"""

import argparse
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from detector_members import rewrite

import melanoma_detect as md
from melanoma_detect.export.onnx import CPU
from melanoma_detect.inference.bundle import read
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.runtime import OnnxRuntime
from melanoma_detect.taxonomy import DIAGNOSES
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import check_output

CONFIG, CARD = "detector.json", "MODEL_CARD.md"


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("title", metavar="TITLE", help="the note's title, such as 'Skin tone'")
    parser.add_argument("text", metavar="TEXT", help="its new text")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--overwrite", action="store_true")
    arguments = parser.parse_args()
    target = check_output(arguments.out, overwrite=arguments.overwrite)
    with atomic_file(target, overwrite=arguments.overwrite) as partial:
        copy_with_note(arguments.file, partial, arguments.title, arguments.text)
        check_same_answers(arguments.file, partial)
    print(f"{target}: {arguments.title}: {arguments.text}")


def copy_with_note(source: Path, target: Path, title: str, text: str) -> None:
    """Copy a detector's file, member by member, with another text of a note in its configuration and its model card."""
    config, _, _ = read(source)
    if title not in config.notes:
        raise SystemExit(f"{source}: has no note {title!r}; expected one of {', '.join(map(repr, config.notes))}")
    changed = replace(config, notes={**config.notes, title: text})
    with zipfile.ZipFile(source) as old:
        values = json.loads(old.read(CONFIG))
    values["notes"][title] = text
    rewrite(source, target, {CONFIG: json.dumps(values, indent=1).encode(), CARD: model_card(changed).encode()})


def check_same_answers(before: Path, after: Path) -> None:
    """Stop unless both files can be loaded and give the same logits and features, bit for bit."""
    config, _, old = read(before)
    new = read(after)[2]
    if old.onnx is None or new.onnx is None:
        raise SystemExit(f"{before}: has no ONNX model")
    height, width = config.image_size
    side = max(height, width, 32)
    drawn = [md.draw_lesion(diagnosis.name, seed=1, size=side).pixels[:height, :width] for diagnosis in DIAGNOSES]
    first, second = (OnnxRuntime(content, providers=CPU).run(np.stack(drawn)) for content in (old.onnx, new.onnx))
    if not (np.array_equal(first.logits, second.logits) and np.array_equal(first.features, second.features)):
        raise SystemExit(f"{before}: the outputs differ: not written")


if __name__ == "__main__":
    main()
