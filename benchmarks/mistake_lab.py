"""What classic mistakes of evaluation cost on real images, by the learner.

    MELANOMA_DETECT_DATA=folder python benchmarks/mistake_lab.py [--seeds 10] [--learner NAME] [--leaks] [--network]

Prints one line per figure: name, value, goal. The folder holds `ham10000_224` and `ham10000_rest`, images of HAM10000 in seven
classes; the 182 of the second that spell a class otherwise are left out. `split_by_image` takes the lesions with several
images, everything else one image of each lesion. All learners are trained here, on 32×32 pixels: the default detector takes no
part, so that it does not matter which images it was trained on.

`--network` trains the convolutional network of `build_model("cnn")` in place of the small learners, and makes the leaks only.
"""

import argparse
import csv
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

import melanoma_detect as md
from melanoma_detect.lab.learners import LEARNERS
from melanoma_detect.lab.mistakes import list_mistakes
from melanoma_detect.lab.results import MistakeResult

EPOCHS = 30
# HAM10000's seven classes, by the names that the two tables have for them.
CLASSES = {
    "akiec": "actinic keratosis",
    "bcc": "basal cell carcinoma",
    "bkl": "pigmented benign keratosis",
    "df": "dermatofibroma",
    "mel": "melanoma",
    "nv": "nevus",
    "vasc": "vascular lesion",
}
LEAKS = ("augment_before_split", "split_by_image", "keep_duplicates")


class Network:
    """The library's default architecture as a learner of the lab."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        """Train it for a fixed number of epochs."""
        keras.utils.set_random_seed(self.seed)
        values, targets = np.unique(labels, return_inverse=True)
        self.model = md.build_model("cnn", num_classes=len(values), input_shape=(32, 32, 3))
        self.model.compile("adam", "sparse_categorical_crossentropy")
        self.model.fit(pixels.astype(np.float32), targets, epochs=EPOCHS, batch_size=32, verbose=0)

    def predict_proba(self, pixels: np.ndarray) -> np.ndarray:
        """Return its probabilities."""
        return np.asarray(self.model.predict(pixels.astype(np.float32), batch_size=256, verbose=0), np.float64)


def load(folder: Path, *, several: bool) -> "md.Dataset":
    """Load HAM10000: the lesions with several images, or all."""
    rows = []
    with (folder / "ham10000_224" / "metadata.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = folder / "ham10000_224" / "images" / f"{row['image_id']}.jpg"
            rows.append({"path": path, "label": CLASSES[row["dx"]], "lesion_id": row["lesion_id"]})
    with (folder / "ham10000_rest" / "metadata.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = folder / "ham10000_rest" / row["image"]
            rows.append({"path": path, "label": CLASSES.get(row["label"], ""), "lesion_id": row["lesion_id"]})
    rows = [row for row in rows if row["label"]]
    counts = Counter(row["lesion_id"] for row in rows)
    kept = [row for row in rows if not several or counts[row["lesion_id"]] > 1]
    table = {"image": [row["path"].stem for row in kept]}
    table |= {name: [row[name] for row in kept] for name in ("label", "lesion_id")}
    return md.load_dataset(images=[row["path"] for row in kept], labels=table, validation=0, test=0)


def show(result: MistakeResult) -> None:
    """Print the figures of a result."""
    name = f"{result.mistake.name}_{result.learner}"
    low, high = result.interval
    for figure in ("claimed", "true", "honest", "honest_true"):
        print(f"{name}_{figure} {getattr(result, figure):.3f} stated")
    print(f"{name}_price_points {result.price.value:.1f} >0")
    print(f"{name}_price_low {low:.1f} >0")
    print(f"{name}_price_high {high:.1f} stated", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="the number of trials")
    parser.add_argument("--learner", action="append", help="a small learner, all where it is left out")
    parser.add_argument("--leaks", action="store_true", help="make the three leaks only")
    parser.add_argument(
        "--network",
        action="store_true",
        help="train the network in place of the small learners, and make the leaks only",
    )
    options = parser.parse_args()
    folder = Path(os.environ["MELANOMA_DETECT_DATA"])
    several, everything = load(folder, several=True), load(folder, several=False)
    print(f"lesions_with_several_images {len({record.group for record in several.records})} stated")
    print(f"lesions {len({record.group for record in everything.records})} stated", flush=True)
    learners: list[str | Callable[[int], Network]] = [Network] if options.network else options.learner or list(LEARNERS)
    names = LEAKS if options.network or options.leaks else [mistake.name for mistake in list_mistakes()]
    for learner in learners:
        for name in names:
            data = several if name == "split_by_image" else everything
            show(md.lab.run(name, data, seeds=options.seeds, learner=learner, progress=False))


if __name__ == "__main__":
    main()
