"""Use what is installed, once each: the short proof that a set of versions works together.

    python scripts/check_install.py             what a trained detector needs: predict, score, explain, the command line
    python scripts/check_install.py training    also: read data, balance, train, evaluate, save, load, export
    python scripts/check_install.py extras      also: HEIC, DICOM, Excel, the HTTP service, signatures

Prints a line for each step, and goes on after one that fails; the exit status is then 1. Everything is drawn here.
"""

import contextlib
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

import melanoma_detect as md

Step = Callable[[], object]


def expect(condition: object, what: str) -> None:
    """Raise AssertionError unless a condition holds."""
    if not condition:
        raise AssertionError(f"expected {what}")


def lesion(size: int = 300) -> Image.Image:
    """Draw a lesion."""
    return Image.fromarray(md.draw_lesion("melanoma", seed=5, size=size).pixels)


def encoded(kind: str) -> bytes:
    """Return the lesion as a file."""
    file = io.BytesIO()
    lesion().save(file, kind)
    return file.getvalue()


def program_path() -> str:
    """Return the path of the command-line program."""
    return str(Path(sys.executable).parent / ("melanoma-detect.exe" if os.name == "nt" else "melanoma-detect"))


def command(*arguments: str, status: int = 0) -> str:
    """Return what the command line prints; it must end with this exit status."""
    done = subprocess.run([program_path(), *arguments], capture_output=True, text=True, check=False)
    expect(
        done.returncode == status,
        f"exit status {status}, got {done.returncode}: {(done.stderr or done.stdout)[-1500:]}",
    )
    return done.stdout


def predict() -> None:
    """Predict on a file of each format."""
    detector = md.Detector.load()
    for kind in ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF"):
        prediction = detector.predict(encoded(kind))
        expect(prediction.decision in ("alert", "refer", "clear"), "a decision")
    expect(repr(detector.at(sensitivity=0.9).explain(lesion())), "an explanation")


def score() -> None:
    """Score a folder by the library and by the command line."""
    Path("photos").mkdir()
    for kind in ("JPEG", "PNG", "AVIF"):
        Path("photos", f"a.{kind.lower()}").write_bytes(encoded(kind))
    Path("photos", "broken.jpg").write_bytes(encoded("JPEG")[:500])
    scores = md.score("photos", out="scores.csv", progress=False)
    expect((scores.images, scores.unreadable) == (4, 1), "4 images, one of them unreadable")
    command("score", "photos", "--out", "again.csv", status=3)  # an image is unreadable
    expect(Path("again.csv").read_bytes() == Path("scores.csv").read_bytes(), "the same table twice")


def use_command_line() -> None:
    """Ask the command line for help, a prediction and a model card."""
    expect(md.__version__ in command("--version"), "the version")
    for verb in ("predict", "score", "train", "serve", "export", "evaluate"):
        expect("Usage" in command(verb, "--help"), "a usage line")
    lesion().save("lesion.jpg")
    expect("decision" in command("predict", "lesion.jpg", "--json"), "a decision")
    expect(command("card"), "a model card")


def train() -> None:
    """Read data, balance it, train, evaluate, save and load, and go on from the file."""
    folder = md.write_samples("isic9", train=8, test=2, size=48, imbalanced=True)
    data = md.balance(md.load_dataset(folder, image_size=(32, 32)), progress=False)
    model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
    detector = md.Detector.fit(model, data, epochs=1, sensitivity=0.5, progress=False)
    expect(detector.evaluate(data.test, progress=False).to_dict(), "metrics")
    detector.save("small.detector")
    for engine in ("onnx", "keras"):
        loaded = md.Detector.load("small.detector", engine=engine)  # type: ignore[arg-type]
        expect(loaded.predict(lesion()).decision, "a decision")


def load_default_in_keras() -> None:
    """Load the default detector's Keras model."""
    keras, onnx = (md.Detector.load(engine=name).predict(lesion()) for name in ("keras", "onnx"))  # type: ignore[arg-type]
    expect(abs(keras.melanoma - onnx.melanoma) < 1e-3, "the same probability from both engines")


def export() -> None:
    """Write each format."""
    detector = md.Detector.load("small.detector")
    for form, name in (("onnx", "a.onnx"), ("litert", "a.tflite"), ("saved_model", "saved")):
        detector.export(form, name)  # type: ignore[arg-type]
        expect(Path(name).exists(), name)
    photos = [lesion(64 + step) for step in range(8)]
    detector.export("onnx", "b.onnx", precision="int8", images=photos)


def report() -> None:
    """Run the whole pass with its figures and pages."""
    command("train", "isic9", "--out", "run", "--epochs", "1", "--model", "cnn", "--image-size", "32")
    command("audit", "isic9", "--html", "audit.html")


def read_heic() -> None:
    """Read a HEIC file."""
    import pillow_heif  # noqa: PLC0415 - an extra

    file = io.BytesIO()
    pillow_heif.from_pillow(lesion()).save(file)
    expect(md.Detector.load().predict(file.getvalue()).decision, "a decision")


def read_dicom() -> None:
    """Read DICOM images: as they are, and compressed."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))
    from seeds import seeds_of  # noqa: PLC0415

    detector = md.Detector.load()
    for name, content in seeds_of("dicom").items():
        if name != "frames":
            expect(detector.predict(content).decision, "a decision")
    Path("lesion.dcm").write_bytes(seeds_of("dicom")["colour"])
    command("predict", "lesion.dcm", "--dicom-sr", "answers")


def read_workbook() -> None:
    """Score the images that a workbook lists."""
    import openpyxl  # noqa: PLC0415 - an extra

    book = openpyxl.Workbook()
    lesion().save("lesion.jpg")
    for row in (["image"], ["lesion.jpg"]):
        book.active.append(row)
    book.save("list.xlsx")
    expect(md.score("list.xlsx", out="workbook.csv", progress=False).unreadable == 0, "every image read")


def wait_for(address: str) -> None:
    """Wait until an address answers, a minute at most."""
    for _ in range(120):
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.5)
    raise AssertionError(f"no answer from {address}")


def form(field: str, name: str, content: bytes) -> tuple[bytes, str]:
    """Return a form with one file, and its content type."""
    mark = b"part-of-a-form"
    head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
    return (
        b"--" + mark + b"\r\n" + head + content + b"\r\n--" + mark + b"--\r\n",
        f"multipart/form-data; boundary={mark.decode()}",
    )


def serve() -> None:
    """Ask the HTTP service."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = subprocess.Popen([program_path(), "serve", "--port", str(port)])
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/health")
        body, kind = form("files", "a.jpg", encoded("JPEG"))
        request = urllib.request.Request(f"{address}/v1/predict", body, {"Content-Type": kind})
        expect(b"decision" in urllib.request.urlopen(request, timeout=60).read(), "a decision")
        expect(urllib.request.urlopen(f"{address}/metrics", timeout=60).read(), "metrics")
    finally:
        program.terminate()
        program.wait(60)


def sign() -> None:
    """Sign a detector, and load it with the key."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - an extra

    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    md.Detector.load().save("signed.detector", sign_key=key)
    expect(md.Detector.load("signed.detector", trusted_keys=public).predict(lesion()).decision, "a decision")


STEPS: dict[str, list[Step]] = {
    "core": [predict, score, use_command_line],
    "training": [train, load_default_in_keras, export, report],
    "extras": [read_heic, read_dicom, read_workbook, serve, sign],
}


def main() -> int:
    """Run the steps that the command line names."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["MELANOMA_DETECT_CACHE"] = str(Path(folder, "cache"))
        for step in (step for part in ("core", *sys.argv[1:]) for step in STEPS[part]):
            start = time.perf_counter()
            try:
                step()
                print(f"{step.__name__}: works ({time.perf_counter() - start:.1f} s)", flush=True)
            except Exception:  # noqa: BLE001 - the other steps are of interest too
                failed.append(step.__name__)
                print(f"{step.__name__}: FAILS\n{traceback.format_exc()}", flush=True)
        os.chdir(Path(folder).parent)
    print(f"python {sys.version.split()[0]}, numpy {np.__version__}: {', '.join(failed) or 'nothing'} failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
