"""Similar cases: do the nearest images share the diagnosis, is none of the same lesion, and how long does a search take?

Quality: each MILK10k lesion (dermoscopy) that the default detector was neither trained nor calibrated on is looked up among the
others, by `Detector.similar`'s distances. The share of its 8 nearest cases with its diagnosis is compared with chance (a case
drawn at random) and with two baselines without a network: the image's pixels at 16×16, and its histogram of colours. Intervals
are percentiles of 2,000 bootstrap samples of lesions.

Safety: HAM10000 has several images of many lesions. Each is looked up as a record, as a file, and as a copy that was turned and
compressed again under another name; no case may show its lesion.

Time: 100,000 vectors, made of the features of real images with noise, searched by NumPy, which the library uses, and by faiss.

    python benchmarks/similar_cases.py --data FOLDER --tables FOLDER [--lesions 150]
"""

import argparse
import csv
import hashlib
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data.record import Record
from melanoma_detect.images.perceptual_hash import fingerprint
from melanoma_detect.images.reader import load_rgb
from melanoma_detect.inference.image_outputs import run_on_images
from melanoma_detect.similar.find import find_similar
from melanoma_detect.similar.index import SimilarIndex
from melanoma_detect.similar.model_identity import identify_model
from melanoma_detect.similar.nearest import in_order, reduce_features

K = 8
BOOTSTRAPS = 2000
COARSE = {"bkl", "benign", "malignant", ""}  # no diagnosis of the nine
Array = NDArray[np.float32]


def main() -> None:
    """Print quality, safety and time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder with milk10k, ham10000_224 and ham10000_rest"
    )
    parser.add_argument("--tables", type=Path, required=True, help="where features are kept")
    parser.add_argument("--lesions", type=int, default=150, help="lesions of HAM10000 with several images to look up")
    chosen = parser.parse_args()
    chosen.tables.mkdir(parents=True, exist_ok=True)
    detector = md.Detector.load()
    records = read_milk10k(chosen.data / "milk10k")
    features = keep_features(chosen.tables / "milk10k_dermoscopy.npy", records, detector)
    print_quality(records, features, detector)
    print_safety(read_ham10000(chosen.data, chosen.lesions), detector)
    print_time(features, records, detector, chosen.tables)


def read_milk10k(folder: Path) -> list[Record]:
    """Return the dermoscopic images of MILK10k that have one of the nine diagnoses."""
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["image_type"] == "dermoscopy"]
    return [
        read_record(folder / row["image"], row["diagnosis"], row["group"])
        for row in rows
        if row["diagnosis"] not in COARSE
    ]


def read_ham10000(folder: Path, lesions: int) -> list[Record]:
    """Return all images of some lesions of HAM10000 that have several, and as many images of others."""
    with (folder / "ham10000_224" / "metadata.csv").open(newline="", encoding="utf-8") as table:
        rows = [
            (folder / "ham10000_224" / "images" / f"{row['image_id']}.jpg", row["dx"], row["lesion_id"])
            for row in csv.DictReader(table)
        ]
    with (folder / "ham10000_rest" / "metadata.csv").open(newline="", encoding="utf-8") as table:
        rows += [
            (folder / "ham10000_rest" / row["image"], row["diagnosis"], row["lesion_id"])
            for row in csv.DictReader(table)
        ]
    groups: dict[str, list[tuple[Path, str, str]]] = {}
    for row in rows:
        groups.setdefault(row[2], []).append(row)
    several = [name for name, own in groups.items() if len(own) > 1]
    single = [name for name, own in groups.items() if len(own) == 1]
    rng = np.random.default_rng(1)
    names = [*rng.permutation(several)[:lesions], *rng.permutation(single)[:lesions]]
    return [read_record(path, label, group) for name in names for path, label, group in groups[name]]


def read_record(path: Path, label: str, group: str) -> Record:
    """Return a record as `load_dataset` makes it, with the digest and the perceptual hash of its file."""
    content = path.read_bytes()
    found = fingerprint(load_rgb(content))
    name = "/".join(path.parts[-3:])
    digest = hashlib.sha256(content).hexdigest()
    return Record(
        name, path, label, "train", group, digest, source=path.parts[-3], fingerprint=found.hex if found else ""
    )


def keep_features(file: Path, records: Sequence[Record], detector: md.Detector) -> Array:
    """Return the features of images, computed once."""
    if not file.exists():
        np.save(file, run_on_images(detector.predictor, [record.image for record in records]).features)
    features: Array = np.load(file)
    assert len(features) == len(records), f"{file} is of another set of images; delete it"
    return features


def print_quality(records: Sequence[Record], features: Array, detector: md.Detector) -> None:
    """Print the share of the nearest cases with the same diagnosis, beside chance and baselines."""
    known = detector.predictor.files.fingerprint().contains(records)
    unseen = np.flatnonzero(~known)
    print(
        f"unseen_lesions {len({records[row].group for row in unseen})} -   # of {len(records)} images of MILK10k, dermoscopy"
    )
    thumbnails = [load_rgb(record.path) for record in records]
    spaces: dict[str, Callable[[NDArray[np.int64]], Array]] = {
        "detector": lambda rows: features[rows],
        "pixels": lambda rows: np.stack([pixels(thumbnails[row]) for row in rows]),
        "colours": lambda rows: np.stack([colours(thumbnails[row]) for row in rows]),
    }
    for library, rows in (("unseen", unseen), ("all", np.arange(len(records)))):
        for name, vectors in spaces.items():
            print_agreement(f"{library}_{name}", records, unseen, rows, vectors(rows))


def print_agreement(
    name: str, records: Sequence[Record], queries: NDArray[np.int64], rows: NDArray[np.int64], vectors: Array
) -> None:
    """Print the agreement of the queries' nearest cases among the rows of a library."""
    labels = np.array([records[row].label for row in rows])
    groups = np.array([records[row].group for row in rows])
    space, place = reduce_features(vectors), {row: number for number, row in enumerate(rows.tolist())}
    same, chance, malignant, own = [], [], [], []
    for query in queries.tolist():
        record = records[query]
        distances = space.distances(vectors[place[query]])
        nearest = [row for row in in_order(distances)[: 10 * K].tolist() if groups[row] != record.group]
        first_of_group = list({groups[row]: row for row in reversed(nearest)}.values())[::-1][:K]
        others = labels[groups != record.group]
        same.append(float(np.mean(labels[first_of_group] == record.label)))
        chance.append(float(np.mean(others == record.label)))
        own.append(record.label)
        malignant.append(bool(np.any(labels[first_of_group] == "melanoma")))
    agreement, truth = np.array(same), np.array(own)
    low, high = interval(agreement)
    print(
        f"{name}_same_diagnosis {agreement.mean():.3f} -   # 95 % interval {low:.3f} to {high:.3f}; "
        f"chance {np.mean(chance):.3f}"
    )
    balanced = np.mean([agreement[truth == label].mean() for label in np.unique(truth)])
    guessed = np.mean([np.array(chance)[truth == label].mean() for label in np.unique(truth)])
    print(f"{name}_same_diagnosis_mean_of_diagnoses {balanced:.3f} -   # chance {guessed:.3f}")
    if name.endswith("detector"):
        for label in np.unique(truth):
            chosen = agreement[truth == label]
            low, high = interval(chosen)
            expected = np.array(chance)[truth == label].mean()
            print(
                f"{name}_{label.replace(' ', '_')} {chosen.mean():.3f} -   # {low:.3f} to {high:.3f}; chance {expected:.3f}; "
                f"{len(chosen)} images"
            )
        shown = np.array(malignant)[truth == "melanoma"].mean()
        print(f"{name}_melanomas_with_a_melanoma_among_the_{K} {shown:.3f} -")


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of a mean over lesions."""
    rng = np.random.default_rng(1)
    means = values[rng.integers(0, len(values), (BOOTSTRAPS, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def pixels(image: Image.Image) -> Array:
    """Return an image's pixels at 16×16."""
    return np.asarray(image.resize((16, 16), Image.Resampling.BOX), np.float32).ravel()


def colours(image: Image.Image) -> Array:
    """Return the square roots of an image's histogram of colours, 8 by 8 by 8 bins."""
    values = np.asarray(image.resize((64, 64), Image.Resampling.BOX), np.int64).reshape(-1, 3) // 32
    counts = np.bincount(values @ [64, 8, 1], minlength=512)
    return np.sqrt(counts).astype(np.float32)


def print_safety(records: Sequence[Record], detector: md.Detector) -> None:
    """Print how many cases show the lesion of the image that was looked up."""
    data = md.Dataset(tuple(records), tuple(sorted({record.label for record in records})))
    index = md.similar_index(data, detector)
    sizes = {name: len(rows) for name, rows in index.rows_by_group.items()}
    queries = [record for record in index.records if sizes[record.group] > 1]
    print(f"safety_images_of_lesions_with_several {len(queries)} -   # of {len(index)} images of HAM10000")
    unsafe = {"record": 0, "file": 0, "changed_copy": 0, "unrecognised": 0}
    for record in queries:
        found = find_similar(detector.predictor, record, index, k=K)
        unsafe["record"] += any(case.record.group == record.group for case in found)
        found = find_similar(detector.predictor, record.path, index, k=K)
        unsafe["file"] += any(case.record.group == record.group for case in found)
        found = find_similar(detector.predictor, changed_copy(record.path), index, k=K)
        unsafe["changed_copy"] += any(case.record.group == record.group for case in found)
        unsafe["unrecognised"] += not found.left_out
    for name in ("record", "file", "changed_copy"):
        print(f"safety_{name}_with_a_case_of_its_lesion {unsafe[name]} 0   # of {len(queries)} images")
    print(f"safety_changed_copies_not_recognised {unsafe['unrecognised']} 0")
    without = replace(index, records=tuple(replace(record, group=record.id) for record in index.records))
    rows = {record.id: row for row, record in enumerate(index.records)}
    alike = 0
    for record in queries:
        own = {other.id for other in index.records if other.group == record.group}
        found = find_similar(detector.predictor, without.records[rows[record.id]], without, k=K)
        alike += any(case.record.id in own for case in found)
    print(f"without_lesion_ids_with_a_case_of_its_lesion {alike} -   # what groups are for, of {len(queries)} images")


def changed_copy(path: Path) -> bytes:
    """Return an image turned by a right angle and compressed again."""
    with Image.open(path) as image:
        file = io.BytesIO()
        image.convert("RGB").transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", quality=70)
    return file.getvalue()


def print_time(
    features: Array, records: Sequence[Record], detector: md.Detector, tables: Path, count: int = 100_000
) -> None:
    """Print how long a search among many vectors takes, by NumPy and by faiss in turn."""
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(features), count)
    many = features[rows] * rng.uniform(0.8, 1.2, (count, features.shape[1])).astype(np.float32)
    start = time.perf_counter()
    vectors = reduce_features(many)
    print(f"reduce_100000_seconds {time.perf_counter() - start:.1f} -")
    flat = faiss.IndexFlatL2(vectors.values.shape[1])
    flat.add(vectors.values)
    kept = tuple(replace(records[row], id=str(number), group=str(number)) for number, row in enumerate(rows.tolist()))
    index = SimilarIndex(kept, vectors, identify_model(detector.predictor))
    start = time.perf_counter()
    file = index.save(tables / "benchmark.similar", overwrite=True)
    print(f"file_100000_megabytes {file.stat().st_size / 1e6:.0f} -   # written in {time.perf_counter() - start:.1f} s")
    file.unlink()
    image = records[0].path
    times: dict[str, list[float]] = {"numpy": [], "faiss": [], "similar": []}
    find_similar(detector.predictor, image, index, k=K)  # makes the tables that recognise copies
    for _ in range(21):
        query = features[rng.integers(len(features))]
        start = time.perf_counter()
        distances = vectors.distances(query)
        nearest = np.argpartition(distances, 1024)[:1024]
        nearest = nearest[in_order(distances[nearest])]
        times["numpy"].append(time.perf_counter() - start)
        start = time.perf_counter()
        unit = query / np.linalg.norm(query)
        flat.search((unit @ vectors.directions)[None], 1024)
        times["faiss"].append(time.perf_counter() - start)
        start = time.perf_counter()
        find_similar(detector.predictor, image, index, k=K)
        times["similar"].append(time.perf_counter() - start)
    for name, goal in (("numpy", 50), ("faiss", 50), ("similar", "-")):
        values = 1000 * np.array(times[name])
        print(f"search_100000_{name}_milliseconds {np.median(values):.1f} {goal}   # fastest {values.min():.1f}, of 21")


if __name__ == "__main__":
    main()
