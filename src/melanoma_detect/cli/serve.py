"""The command serve: the detector as an HTTP service."""

from typing import Annotated

import typer

from melanoma_detect.cli.checks import OptionError, at_least
from melanoma_detect.cli.console import echo, print_note
from melanoma_detect.cli.detectors import check_detector, load_detector
from melanoma_detect.cli.options import (
    DetectorOption,
    ImageTypeOption,
    SensitivityOption,
    TargetOption,
    TrustedKeysOption,
    ViewsOption,
)
from melanoma_detect.cli.typer_app import app
from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.interruption import Interruption, noting_interruption

_STOPPED = "the requests in progress were answered, and nothing was kept of them"


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on: this machine only, or 0.0.0.0 for every network that it is in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(callback=at_least(0, below=65536), help="Port to listen on; 0 for any free one.")
    ] = 8000,
    detector: DetectorOption = None,
    trusted_keys: TrustedKeysOption = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
    max_file: Annotated[int, typer.Option(metavar="MB", callback=at_least(1), help="Largest file.")] = 50,
    max_request: Annotated[
        int, typer.Option(metavar="MB", callback=at_least(1), help="Largest request, its files together.")
    ] = 200,
    max_memory: Annotated[
        int, typer.Option(metavar="MB", callback=at_least(1), help="Files of all requests that are in memory at once.")
    ] = 1000,
    max_files: Annotated[int, typer.Option(callback=at_least(1), help="Most files in a request.")] = 100,
    max_pixels: Annotated[
        int,
        typer.Option(metavar="MILLIONS", callback=at_least(1, below=201), help="Most pixels in an image, in millions."),
    ] = 200,
    max_requests: Annotated[int, typer.Option(callback=at_least(1), help="Most requests with images at once.")] = 64,
    seconds: Annotated[int, typer.Option(callback=at_least(1), help="Longest time for a request.")] = 60,
    threads: Annotated[
        int | None, typer.Option(callback=at_least(1), help="Threads that decode images.", show_default="one per core")
    ] = None,
    root_path: Annotated[
        str, typer.Option(metavar="/PATH", help="Path that a reverse proxy serves it under.", show_default="none")
    ] = "",
) -> None:
    """Serve the detector over HTTP: a page for browsers, and predictions for programs. Stop it with Ctrl-C.

    If the environment variable MELANOMA_DETECT_TOKEN is set, clients must send its value as a bearer token.
    """
    from melanoma_detect.serve import create_app  # noqa: PLC0415 - the extra serve
    from melanoma_detect.serve.server import LOOPBACK, address_of, open_socket, run  # noqa: PLC0415
    from melanoma_detect.serve.settings import ServeSettings  # noqa: PLC0415

    check_detector(detector)
    try:
        settings = ServeSettings.from_environment(
            max_file_bytes=max_file * 10**6,
            max_request_bytes=max_request * 10**6,
            max_total_bytes=max(max_memory, max_request) * 10**6,
            max_files=max_files,
            max_pixels=max_pixels * 10**6,
            max_requests=max_requests,
            seconds=seconds,
            threads=threads,
        )
    except DetectorError as error:
        raise OptionError(str(error)) from error
    if root_path and (not root_path.startswith("/") or root_path.endswith("/")):
        raise OptionError(f"--root-path {root_path}: expected a path such as /lesions")
    loaded = load_detector(detector, sensitivity, target, views, image_type, trusted_keys=trusted_keys)
    listening = open_socket(host, port)
    if host not in LOOPBACK and settings.token is None:
        print_note(
            "WARNING",
            f"without a token, everyone who reaches {address_of(listening)} over the network can use this service. Set "
            "MELANOMA_DETECT_TOKEN, or leave --host out and put a reverse proxy with TLS in front.",
        )
    lock = "a token is needed" if settings.token else "no token is needed"
    address = address_of(listening)
    echo(f"Serving {loaded!r} at {address} ({lock}; how to call it: {address}/docs)", error=True)
    echo(DISCLAIMER, error=True)
    with noting_interruption(lambda: Interruption(_STOPPED)):
        run(create_app(loaded, settings), listening, seconds=seconds, root_path=root_path)
