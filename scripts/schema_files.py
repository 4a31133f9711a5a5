"""Write the saved detector of the current schema that the tests read, with the predictions that it gave.

    python scripts/schema_files.py tests/inference/data

Run it once when the schema changes, before the next one: tests/inference/data keeps one file of each schema that this version
reads. The files of older schemas were written by the releases that wrote that schema, and stay as they are.
"""

import io
import json
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image, ImageEnhance

import melanoma_detect as md
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.inference.schema import SCHEMA


def tiny(*, input_shape, num_classes):
    """Build a network of seven thousand weights."""
    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = layers.Dense(16, activation="relu", name="features")(layers.Flatten()(x))
    logits = layers.Dense(num_classes)(x)
    return keras.Model(inputs, layers.Activation("softmax", dtype="float32")(logits), name="tiny")


def train(folder):
    """Return a detector with metrics, trained on procedural lesions, with everything that the schema has."""
    data = from_two_sources(md.load_dataset(write_two_types(folder), image_size=(32, 32)))
    model = md.build_model(tiny, num_classes=len(data.classes), input_shape=(32, 32, 3))
    recipe = md.Recipe(learning_rate=1e-3, patience=40)
    detector = md.Detector.fit(model, data, epochs=12, recipe=recipe, sensitivity=0.5, progress=False)
    test = detector.evaluate(data.test, shortcuts=True).to_dict()
    predictor = detector.predictor.with_metrics({"test": test})
    return localized(md.Detector(predictor.config, predictor.runtime, predictor.files))


def write_two_types(folder):
    """Write procedural lesions, every second one brighter and as a clinical photograph in the table; return the folder."""
    root = md.write_samples(folder, train=30, test=6, size=64)
    table = root / "metadata.csv"
    header, *rows = table.read_text(encoding="utf-8").splitlines()
    files = {path.stem: path for path in root.rglob("*.*")}
    typed = [f"{header},image_type"]
    for index, row in enumerate(rows):
        if index % 2:
            path = files[row.split(",")[0]]
            brighter(Image.open(path).convert("RGB")).save(path)
        typed.append(f"{row},{('dermoscopic', 'clinical: close-up')[index % 2]}")
    table.write_text("\n".join(typed) + "\n", encoding="utf-8")
    return root


def brighter(image):
    """Return a PIL image at twice the brightness."""
    return ImageEnhance.Brightness(image).enhance(2.0)


def from_two_sources(data):
    """Return the dataset as if every second image came from another hospital."""
    sources = ("one hospital", "another")
    records = (replace(record, source=sources[index // 2 % 2]) for index, record in enumerate(data.records))
    return replace(data, records=tuple(records))


def localized(detector):
    """Return the detector with its probabilities on clinical photographs moved, as a clinic's own images would."""
    predictor = detector.predictor
    local = LocalCalibration(LogOddsLine(0.9, 0.2), LogOddsLine(0.9, 0.1), temperature=1.1)
    clinical = {views: replace(own, local=local) for views, own in predictor.config.clinical.items()}
    return md.Detector(replace(predictor.config, clinical=clinical), predictor.runtime, predictor.files)


def images():
    """Return seven images, which are stored with their predictions: drawing may change, the files must not."""
    diagnoses = ("melanoma", "nevus", "basal cell carcinoma", "melanoma", "seborrheic keratosis", "nevus")
    lesions = [md.draw_lesion(name, seed=seed, size=32).pixels for seed, name in enumerate(diagnoses, 40)]
    lesions[::2] = [np.asarray(brighter(Image.fromarray(lesion))) for lesion in lesions[::2]]
    return [*lesions, np.zeros((32, 32, 3), np.uint8)]


def png(pixels):
    """Return an image as the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def predictions(detector, pixels):
    """Return plain values of what a detector predicts, as it is used by default and in other ways."""
    ways = {"default": {}, "views": {"views": 4}, "malignant": {"target": "malignant"}, "coverage": {"coverage": 0.8}}
    return {
        name: [_plain(prediction) for prediction in detector.at(**way).predict(pixels)] for name, way in ways.items()
    }


def _plain(prediction):
    return {
        "probabilities": prediction.probabilities,
        "decision": prediction.decision,
        "threshold": prediction.operating_point.threshold,
        "prediction_set": prediction.prediction_set,
        "reason": prediction.reason,
        "image_type": prediction.image_type,
    }


def main(folder):
    """Write `schema_N.detector` and `schema_N.zip`, which holds the images and `predictions.json`."""
    with tempfile.TemporaryDirectory() as scratch:
        detector = train(Path(scratch, "lesions"))
    detector.save(folder / f"schema_{SCHEMA}.detector")
    pixels = images()
    with zipfile.ZipFile(folder / f"schema_{SCHEMA}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, image in enumerate(pixels):
            archive.writestr(f"{number}.png", png(image))
        archive.writestr("predictions.json", json.dumps(predictions(detector, pixels), indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
