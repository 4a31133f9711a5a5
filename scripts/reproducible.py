"""What must come out the same in any process: each result's digest, as JSON. `train` adds what takes Keras."""

import hashlib
import json
import locale
import os
import sys
import warnings
from pathlib import Path

import melanoma_detect as md

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def digest(*contents: bytes) -> str:
    """Return a digest of several contents."""
    found = hashlib.sha256()
    for content in contents:
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()[:16]


def digest_of_folder(folder: Path) -> str:
    """Return a digest of the names and contents of all files in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest(
        *(part for path in files for part in (path.relative_to(folder).as_posix().encode(), path.read_bytes()))
    )


def describe(data: md.Dataset) -> bytes:
    """Return which image is in which split under which label."""
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    return json.dumps(
        {name: [[record.path.name, record.label] for record in split] for name, split in splits.items()}
    ).encode()


def quick() -> dict[str, str]:
    """Return the digests of what needs no Keras."""
    folder = md.write_samples("isic9", train=6, test=2, size=48, imbalanced=True)
    results = {"drawn images": digest_of_folder(folder)}
    data = md.load_dataset(folder)
    results["splits"] = digest(describe(data))
    balanced = md.balance(data, cache=Path("balanced"), progress=False)
    results["balanced images"] = digest_of_folder(Path("balanced"))
    results["balanced splits"] = digest(describe(balanced))
    detector = md.Detector.load(threads=1)
    for workers, batch in ((1, 32), (4, 5)):
        md.score(
            folder / "Test",
            out=f"scores-{workers}.csv",
            detector=detector,
            workers=workers,
            batch_size=batch,
            progress=False,
        )
        results[f"table of scores, {workers} workers"] = digest(Path(f"scores-{workers}.csv").read_bytes())
    images = sorted((folder / "Test").rglob("*.jpg"))
    answers = [prediction.to_dict() for prediction in detector.predict(images)]
    results["answers"] = digest(json.dumps(answers, sort_keys=True).encode())
    results["evaluation"] = digest(
        json.dumps(detector.evaluate(data.test, seen="keep", progress=False).to_dict()).encode()
    )
    detector.save("again.detector")
    results["detector's file"] = digest(Path("again.detector").read_bytes())
    return results


def trained() -> dict[str, str]:
    """Return the digests of what a training of the network cnn gives."""
    data = md.load_dataset("isic9", image_size=(32, 32))
    model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3), seed=1)
    detector = md.Detector.fit(model, data, epochs=1, sensitivity=0.5, progress=False)
    detector.export("onnx", "model.onnx")
    return {
        "probabilities after training": digest(detector.predictor.probabilities(data.test.pixels()).round(4).tobytes()),
        "ONNX model": digest(Path("model.onnx").read_bytes()),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    locale.setlocale(locale.LC_ALL, "")  # as programs with windows do
    print(json.dumps(quick() | (trained() if "train" in sys.argv else {})))
