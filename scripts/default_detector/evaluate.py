"""Evaluate a detector on the held-out part of every source, and compare it with an earlier one.

    python scripts/default_detector/evaluate.py FOLDER [--detector FILE] [--before FILE] [--everyday FOLDER...] [--write]
        [--leave-out ISIC_0028067 ISIC_0026657]

FOLDER holds what pack.py wrote. Into FOLDER are written `evaluation.md`, a table with one row for each source, and
`figures.txt`, one line "name value goal" for each figure that has a goal, of the detector and of the one before. HAM10000 is
measured on its seven labels; of the nine diagnoses, the recall of each is measured on all sources together. Held-out images
that a network is known to have learnt from nevertheless can be left out by name; both files say so.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from atomic import write_text
from everyday import everyday_files
from numpy.typing import NDArray
from packed import LEFT_OUT, PACK, Pack, load_pack, without_groups
from records import HAM10000, sets_of, split_of

import melanoma_detect as md
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DataWarning, DetectorWarning, MelanomaDetectError
from melanoma_detect.evaluation.evaluate import Seen
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.external import ExternalValidation
from melanoma_detect.inference.bundle import find_file

GOALS = {
    "ham10000_balanced_accuracy_seven": 0.80,
    "ham10000_melanoma_auc": 0.95,
    "ham10000_specificity_at_95": 0.79,
    "other_dermoscopy_melanoma_auc_mean": 0.90,
    "other_dermoscopy_melanoma_auc_worst": 0.85,
    "melanomas_cleared_mean": 0.05,
    "melanomas_cleared_worst": 0.08,
    "milk10k_dermoscopy_balanced_accuracy_common": 0.65,
    "clinical_melanoma_auc": 0.85,
    "clinical_referred": 0.95,
    "covered_melanoma_auc": 0.65,
    "ece_localized_worst": 0.05,
    "everyday_declined": 0.99,
    "not_skin_declined": 0.99,
    "milliseconds": 12.0,
    "megabytes": 12.0,
}
_ENOUGH = 10  # melanomas: a source with fewer does not count in means and worst cases
_LOCAL = 100  # images for `localize`
_TIMED = 50  # predictions


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        part: The part of the pack; "held" for the figures that are reported.
        everyday: Folders of everyday images; half of them were learnt from, and the other half is measured.
        not_skin: Folders of everyday images of which none was learnt from.
        localized: Whether `localize` is measured, which takes minutes.
    """

    part: str = "held"
    everyday: tuple[Path, ...] = ()
    not_skin: tuple[Path, ...] = ()
    localized: bool = True

    @property
    def seen(self) -> Seen:
        """What happens to images that a detector has seen; the validation part was seen by its calibration."""
        return "set aside" if self.part == "held" else "keep"


def main() -> None:
    """Measure, print and write the figures; write them into the detector's file if asked to."""
    warnings.simplefilter("ignore", DataWarning)
    warnings.simplefilter("ignore", DetectorWarning)
    parser = argument_parser()
    arguments = parser.parse_args()
    if arguments.write and arguments.detector is None:
        parser.error("--write needs --detector, the file to write the metrics into")
    pack = without_groups(load_pack(arguments.folder / PACK), arguments.leave_out)
    folders = tuple(arguments.everyday), tuple(arguments.not_skin)
    options = Options(arguments.part, *folders, not arguments.no_localize)
    left_out = left_out_text(pack, arguments.leave_out)
    pages, lines = ([f"{left_out}\n"], [f"# {left_out}"]) if left_out else ([], [])
    for name, file in (("before ", arguments.before), ("", arguments.detector)):
        if name and file is None:
            continue
        detector = md.Detector.load(file)
        validation, figures = evaluate(detector, pack, options)
        if arguments.write and not name:
            write_metrics(detector, validation, options, arguments.detector, left_out)
        figures["megabytes"] = find_file(file).stat().st_size / 1e6
        pages.append(f"# {name}{file or 'default detector'}, {options.part}\n\n{validation.to_markdown()}\n")
        lines += [f"{name}{figure} {value:.4f} {GOALS.get(figure, '-')}" for figure, value in figures.items()]
        print(f"{pages[-1]}\n", *lines[-len(figures) :], sep="\n", flush=True)
    write_text(arguments.folder / "evaluation.md", "\n".join(pages))
    # Last: where it stands, the metrics are in the detector's file too.
    write_text(arguments.folder / "figures.txt", "\n".join(lines) + "\n")


def argument_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--detector", type=Path, help="default: the one that comes with the library")
    parser.add_argument("--before", type=Path, help="an earlier detector to compare with")
    parser.add_argument("--part", choices=("held", "validation"), default="held")
    parser.add_argument(
        "--everyday", type=Path, nargs="*", default=[], metavar="FOLDER", help="images that show no skin"
    )
    parser.add_argument(
        "--not-skin", type=Path, nargs="*", default=[], metavar="FOLDER", help="as --everyday, but all unseen"
    )
    parser.add_argument("--no-localize", action="store_true", help="leave out the figures after `localize`")
    parser.add_argument("--write", action="store_true", help="write the metrics into the file of --detector")
    parser.add_argument(
        "--leave-out",
        nargs="+",
        default=[],
        metavar="ID",
        help="images that a network learnt from: neither they nor others of their lesions and patients are measured",
    )
    return parser


def left_out_text(pack: Pack, images: Sequence[str]) -> str:
    """Return which images are left out, as a sentence; empty for none."""
    count = len(pack.rows(LEFT_OUT))
    if not count:
        return ""
    return f"Left out, as learnt from: {', '.join(images)}, with their groups {count} images of all parts."


def write_metrics(
    detector: md.Detector, validation: ExternalValidation, options: Options, file: Path, left_out: str
) -> None:
    """Write the metrics on every source into a detector's file, with a note on images that were left out."""
    metrics = {f"{options.part}: {name}": own.to_dict() for name, own in validation.evaluations.items()}
    for own in metrics.values() if left_out else ():
        own["notes"].append(left_out)
    detector.predictor.with_metrics(metrics).save(file, overwrite=True)


def evaluate(detector: md.Detector, pack: Pack, options: Options) -> tuple[ExternalValidation, dict[str, float]]:
    """Return the evaluation on every source, and every figure by name."""
    sets = sets_of(pack, options.part)
    validation = detector.evaluate(sets, seen=options.seen)
    figures = source_figures(validation.evaluations)
    figures |= diagnosis_figures(detector, pack, options)
    figures |= covered_figure(detector, sets, options)
    figures |= type_figures(detector, sets)
    if options.localized:
        figures |= localized_figures(detector, sets, options)
    if options.everyday:
        figures["everyday_declined"] = declined(detector, everyday_files(options.everyday, "held"))
    if options.not_skin:
        figures["not_skin_declined"] = declined(detector, everyday_files(options.not_skin, "all"))
    return validation, figures | {"milliseconds": milliseconds(detector)}


def source_figures(evaluations: Mapping[str, Evaluation]) -> dict[str, float]:
    """Return the figures of the goals that one source has, and those over all sources."""
    figures = {}
    for name, own in evaluations.items():
        if name.startswith(HAM10000):
            figures |= {
                "ham10000_balanced_accuracy_seven": own.figures["balanced_accuracy"].value,
                "ham10000_melanoma_auc": own.figures["melanoma_auc"].value,
                "ham10000_specificity_at_95": own.figures["specificity_at_95"].value,
            }
        if name == "milk10k dermoscopy":
            common = own.figures["balanced_accuracy_common"].value
            figures["milk10k_dermoscopy_balanced_accuracy_common"] = common
    deciding = {name: own for name, own in evaluations.items() if own.per_image.is_positive.sum() >= _ENOUGH}
    others = [name for name in deciding if name.endswith("dermoscopy") and not name.startswith(HAM10000)]
    figures |= _mean_and_worst("other_dermoscopy_melanoma_auc", deciding, others, "melanoma_auc", min)
    figures |= _mean_and_worst("melanomas_cleared", deciding, list(deciding), "false_negative_rate", max)
    clinical = [name for name in deciding if name.endswith("clinical")]
    figures |= _mean_and_worst("clinical_melanoma_auc", deciding, clinical, "melanoma_auc", min)
    if clinical:
        figures["clinical_melanoma_auc"] = figures.pop("clinical_melanoma_auc_mean")
        referred = [float(np.mean(deciding[name].decisions == "refer")) for name in clinical]
        figures["clinical_referred"] = float(np.mean(referred))
    return figures


def diagnosis_figures(detector: md.Detector, pack: Pack, options: Options) -> dict[str, float]:
    """Return the recall of each diagnosis, and their mean, over the images of all sources with a single diagnosis."""
    rows = pack.rows(options.part)
    split = split_of(pack, rows[pack.targets[rows].sum(axis=1) == 1], options.part)
    evaluation = detector.evaluate(split, seen=options.seen)
    figures = {"balanced_accuracy_nine": evaluation.figures["balanced_accuracy"].value}
    return figures | {f"recall_{name.replace(' ', '_')}": recall.value for name, recall in evaluation.recall.items()}


def covered_figure(detector: md.Detector, sets: Mapping[str, Split], options: Options) -> dict[str, float]:
    """Return the melanoma AUC of HAM10000 with the lesions covered."""
    own = next((split for name, split in sets.items() if name.startswith(HAM10000)), None)
    if own is None:
        return {}
    shortcuts = detector.evaluate(own, seen=options.seen, shortcuts=True).shortcuts
    return {"covered_melanoma_auc": shortcuts.background.value}


def type_figures(detector: md.Detector, sets: Mapping[str, Split]) -> dict[str, float]:
    """Return the share of images of each type whose type is recognised."""
    figures = {}
    for image_type in ("dermoscopy", "clinical"):
        images = [image for name, own in sets.items() if name.endswith(image_type) for image in own.images]
        if images and detector.predictor.files.image_types is not None:
            answers = [prediction.image_type for prediction in detector.predict(images)]
            figures[f"{image_type}_recognised"] = float(np.mean([answer == image_type for answer in answers]))
    return figures


def localized_figures(detector: md.Detector, sets: Mapping[str, Split], options: Options) -> dict[str, float]:
    """Return the calibration error of melanoma on each source, before and after `localize` with 100 images of it."""
    figures = {}
    for name, split in sets.items():
        local, rest = _draw_lesions(split, _LOCAL)
        if rest is None or sum(record.label == "melanoma" for record in rest) < _ENOUGH:
            continue
        key = name.replace(" ", "_")
        try:
            localized = detector.localize(local)
        except MelanomaDetectError as error:
            print(f"{name}: {error}", flush=True)
            continue
        for title, own in (("ece_before", detector), ("ece_localized", localized)):
            figures[f"{title}_{key}"] = own.evaluate(rest, seen=options.seen).figures["ece"].value
    after = [value for name, value in figures.items() if name.startswith("ece_localized")]
    return figures | ({"ece_localized_mean": float(np.mean(after)), "ece_localized_worst": max(after)} if after else {})


def declined(detector: md.Detector, images: Sequence[Path]) -> float:
    """Return the share of everyday images that the detector declines to judge."""
    return float(np.mean([prediction.abstained for prediction in detector.predict(images)]))


def milliseconds(detector: md.Detector) -> float:
    """Return the time that one image takes, by the median."""
    pixels = md.draw_lesion("nevus", seed=1, size=detector.image_size[0]).pixels[None]
    seconds = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        detector.predictor.predict_batch(pixels)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)) * 1000


def _mean_and_worst(
    title: str,
    evaluations: Mapping[str, Evaluation],
    names: Sequence[str],
    figure: str,
    worst: Callable[[list[float]], float],
) -> dict[str, float]:
    values = [evaluations[name].figures[figure].value for name in names]
    return {f"{title}_mean": float(np.mean(values)), f"{title}_worst": float(worst(values))} if values else {}


def _draw_lesions(split: Split, count: int) -> tuple[Split, Split | None]:
    """Return some `count` images, whole lesions of them, and the rest; None for no rest."""
    groups: NDArray[np.str_] = np.array(split.groups)
    order = np.random.default_rng(123).permutation(np.unique(groups))
    sizes = np.array([(groups == group).sum() for group in order])
    chosen = set(order[np.cumsum(sizes) <= max(count, int(sizes[0]))].tolist())
    local = tuple(record for record in split if record.group in chosen)
    rest = tuple(record for record in split if record.group not in chosen)
    return replace(split, records=local), replace(split, records=rest) if rest else None


if __name__ == "__main__":
    main()
