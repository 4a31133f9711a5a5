"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from melanoma_detect.cli.checks import at_least, between_0_and_1, check_seed, given_path, one_of

SourcesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="SOURCE",
        parser=given_path,
        show_default=False,
        help="Folder with Train/ and Test/, with one folder per diagnosis, or of images with a table; or a zip of one. "
        "Several become one dataset.",
    ),
]
ImagesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        parser=given_path,
        help="Folder or zip of images, in place of SOURCE; goes with --labels.",
    ),
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="TABLE",
        parser=given_path,
        help="Table with the label of each image, such as CSV, Excel or Parquet.",
        show_default="the tables in the source",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        "--label-map",
        metavar="OLD=NEW|FILE",
        help="Rename a label, or leave its images out (OLD=); may be repeated. Or a file of such pairs: a JSON object, or a "
        "CSV table with the columns old and new.",
    ),
]
RareOption = Annotated[
    str,
    typer.Option(
        help="Classes with too few images for every split: keep them in training, exclude them, or stop.",
        **one_of("train", "exclude", "error"),
    ),
]
DetectorOption = Annotated[
    Path | None,
    typer.Option(
        "--detector",
        "-d",
        metavar="PATH",
        parser=given_path,
        help="Detector file, or the run folder that holds it.",
        show_default="the one that comes with the library",
    ),
]
TrustedKeysOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--trusted-keys",
        metavar="FILE",
        parser=given_path,
        help="Public key (Ed25519, PEM) that must have signed the detector; may be repeated (extra 'sign').",
        show_default="those in MELANOMA_DETECT_TRUSTED_KEYS",
    ),
]
SignKeyOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        parser=given_path,
        help="Private key (Ed25519, PEM) to sign the detector with (extra 'sign').",
        show_default="unsigned",
    ),
]
SensitivityOption = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        callback=between_0_and_1("0.95"),
        help="Sensitivity for the target, over 0 and under 1; sets the alert threshold.",
        show_default="the detector's own",
    ),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        help="Target of the alert: melanoma, or malignant (any malignant diagnosis).",
        show_default="the detector's own",
        **one_of("melanoma", "malignant"),
    ),
]
ViewsOption = Annotated[
    int | None,
    typer.Option(
        help="Test-time augmentation: average over 1, 4 or 8 flips and rotations of each image.",
        show_default="the detector's own",
        **one_of(1, 4, 8),
    ),
]
ImageTypeOption = Annotated[
    str | None,
    typer.Option(
        help="Type of all images: dermoscopy, clinical (photographs without a dermatoscope), or auto to recognise it.",
        show_default="the detector's own",
        **one_of("dermoscopy", "clinical", "auto"),
    ),
]
SeedOption = Annotated[int, typer.Option(callback=check_seed, help="Random seed.")]
EpochsOption = Annotated[
    int,
    typer.Option(callback=at_least(1), help="Maximum number of epochs; early stopping may end training earlier."),
]
OverwriteRunOption = Annotated[bool, typer.Option("--overwrite", help="Replace the run folder if it exists.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the output if it exists. An input is never replaced.")
]
