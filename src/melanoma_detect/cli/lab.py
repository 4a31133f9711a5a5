"""The command lab: what classic mistakes of evaluation cost, on drawn lesions or on a folder's."""

from typing import Annotated

import typer

from melanoma_detect.cli.checks import at_least, one_of
from melanoma_detect.cli.console import echo
from melanoma_detect.cli.datasets import load_images
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.options import ImagesOption, LabelsOption, MapOption, SeedOption, SourcesArgument
from melanoma_detect.cli.typer_app import app

_LEGEND = (
    "Claimed: what a study with the mistake reports. Truth: what its models do on untouched lesions.\n"
    "Honest: the same study without the mistake. Intervals: 95 %. The learners are small and see colours\n"
    "and a coarse thumbnail: the figures say nothing about a detector."
)


@app.command()
def lab(
    sources: SourcesArgument = None,
    images: ImagesOption = None,
    labels: LabelsOption = None,
    names: MapOption = None,
    mistake: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Mistake to make; may be repeated.", show_default="all"),
    ] = None,
    seeds: Annotated[int, typer.Option(callback=at_least(2), help="Number of trials.")] = 10,
    learner: Annotated[
        str, typer.Option(help="What is trained; the price depends on it.", **one_of("nearest", "forest", "linear"))
    ] = "forest",
    lesions: Annotated[
        int | None,
        typer.Option(
            callback=at_least(10),
            help="Lesions of each class in the study; as many drawn ones are untouched, two thirds as many of a folder.",
            show_default="24 drawn ones, at most 150 of a folder",
        ),
    ] = None,
    seed: SeedOption = 123,
    as_json: JsonOption = False,
) -> None:
    """Make classic mistakes of evaluation, on drawn lesions or a folder's, and measure what each costs."""
    from melanoma_detect.lab import run_all  # noqa: PLC0415 - --help stays fast
    from melanoma_detect.lab.mistakes import find_mistake  # noqa: PLC0415

    for name in mistake or ():
        find_mistake(name)  # before images are read
    given = bool(sources or images or labels)
    data = load_images(sources, labels, names, images=images, seed=seed) if given else None
    table = run_all(data, mistakes=mistake or None, seeds=seeds, learner=learner, lesions=lesions, seed=seed)
    if as_json:
        print_json(table.to_dict())
        return
    echo(f"{table}\n\n{_LEGEND}")
