"""Give a detector's file that was saved without class maps the output `class_maps`; nothing else in it changes.

    python scripts/add_class_maps.py FILE --out FILE [--overwrite]

New detectors have that output by themselves wherever their network ends in linear layers over averaged feature maps. The
weights stay untouched, and so do the calibration, the golden images, the training fingerprint and the model card, byte for
byte. The file is written only if the logits and features for drawn lesions stay the same: bit for bit for the default detector,
up to rounding for networks in which ONNX Runtime then sums in another order.
"""

from pathlib import Path

import numpy as np
import onnx
from detector_members import copy_parser, rewrite, write_copy

import melanoma_detect as md
from melanoma_detect.export.class_maps import add_class_maps
from melanoma_detect.export.onnx import CPU, compare_outputs
from melanoma_detect.inference.bundle import read
from melanoma_detect.inference.runtime import OnnxRuntime
from melanoma_detect.taxonomy import DIAGNOSES

MODEL = "model.onnx"
ROUNDING = 1e-5  # relative to the largest value


def main() -> None:
    """Write the file, and say what changed."""
    arguments = copy_parser(__doc__).parse_args()
    target = write_copy(arguments, copy_with_class_maps)
    print(f"{target}: {target.stat().st_size / 2**20:.2f} MiB, before {arguments.file.stat().st_size / 2**20:.2f} MiB")


def copy_with_class_maps(source: Path, target: Path) -> None:
    """Copy a detector's file, member by member, with the class maps in its ONNX model."""
    config, _, files = read(source)
    if files.onnx is None:
        raise SystemExit(f"{source}: has no ONNX model")
    model = onnx.load_from_string(files.onnx)
    if not add_class_maps(model):
        raise SystemExit(f"{source}: its network does not end in linear layers over averaged feature maps")
    content = model.SerializeToString()
    check_outputs(files.onnx, content, config.image_size)
    rewrite(source, target, {MODEL: content})


def check_outputs(before: bytes, after: bytes, size: tuple[int, int]) -> None:
    """Stop unless both models give the same logits and features up to rounding, and the new one's maps sum up to its logits."""
    side = max(*size, 32)
    drawn = [md.draw_lesion(diagnosis.name, seed=seed, size=side).pixels for diagnosis in DIAGNOSES for seed in (1, 2)]
    pixels = np.stack([image[: size[0], : size[1]] for image in drawn])
    new_model = OnnxRuntime(after, providers=CPU)
    old, new = OnnxRuntime(before, providers=CPU).run(pixels), new_model.run(pixels)
    differences = compare_outputs(new, old)
    if not max(differences) <= ROUNDING:
        raise SystemExit(f"the outputs differ: not written ({differences})")
    biases = new.logits - new_model.class_maps(pixels).mean(axis=(1, 2))
    spread = float(np.ptp(biases, axis=0).max())
    if spread > 1e-4:
        raise SystemExit(
            f"the maps do not sum up to the logits: their difference varies by {spread:.2g} between images"
        )


if __name__ == "__main__":
    main()
