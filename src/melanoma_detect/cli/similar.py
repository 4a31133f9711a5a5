"""The command similar: the labelled images that are most similar to an image."""

from pathlib import Path
from typing import Annotated, cast

import typer

import melanoma_detect as md
from melanoma_detect.cli.checks import at_least, given_path
from melanoma_detect.cli.console import echo, printable
from melanoma_detect.cli.detectors import check_detector, detector_files
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.missing_folders import note_missing_folder
from melanoma_detect.cli.options import DetectorOption, OverwriteOption, TrustedKeysOption
from melanoma_detect.cli.typer_app import app
from melanoma_detect.errors import DatasetError, ImageError
from melanoma_detect.utils.disclaimer import DISCLAIMER


@app.command()
def similar(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", parser=given_path, help="Image file of a lesion.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="SOURCE",
            parser=given_path,
            help="Folder or zip of labelled images, as train takes it; may be repeated (extra 'training').",
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=given_path,
            help="Index of cases, ends in .similar: written with --data, read without it.",
        ),
    ] = None,
    k: Annotated[int, typer.Option("--count", "-k", callback=at_least(1), help="How many cases to show.")] = 8,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", parser=given_path, help="Image file to write: the lesion and the cases."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Image, lesion or patient to leave out too; may be repeated."),
    ] = None,
    detector: DetectorOption = None,
    trusted_keys: TrustedKeysOption = None,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Find the labelled images that are most similar to an image, none of them of its lesion or patient."""
    from melanoma_detect.explain.image_output import check_image_output  # noqa: PLC0415 - --help stays fast
    from melanoma_detect.similar.index_file import SIMILAR_FILE, read_similar_index  # noqa: PLC0415 - --help stays fast

    sources = list(data or [])
    inputs = [image, *sources, *detector_files(detector)]
    if not sources and index is None:
        raise DatasetError("no cases to compare with; expected --data FOLDER, or --index FILE that was made of one")
    if out is not None:
        check_image_output(out, overwrite=overwrite, inputs=[*inputs, *([index] if index else [])])
    if sources and index is not None:
        SIMILAR_FILE.check_output(index, overwrite=overwrite, inputs=inputs)
    check_detector(detector)
    if not image.exists():
        raise ImageError(f"{image}: no such file; check the path")
    loaded = md.Detector.load(detector, trusted_keys=trusted_keys or None)
    written = [path for path in (index if sources else None, out) if path is not None]
    for path in written:
        note_missing_folder(path)
    if sources:
        dataset = md.load_dataset(sources, validation=0, test=0)
        cases = md.similar_index(dataset, loaded, out=index, overwrite=overwrite)
    else:
        cases = read_similar_index(cast("Path", index))
    found = loaded.similar(image, cases, k=k, exclude=exclude or ())
    if out is not None:
        found.save(out, overwrite=overwrite)
    if as_json:
        print_json(found.to_dict() | {"written": written, "disclaimer": DISCLAIMER})
        return
    echo(str(found))
    if written:
        echo("\nWritten:\n" + "\n".join(f"  {printable(path)}" for path in written))
    echo(f"\n{DISCLAIMER}", error=True)
