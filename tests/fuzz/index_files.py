"""The files of `fingerprint`, `similar_index` and `score --sketch`: seeds of them, ways to damage them, and what reads them."""

import datetime as dt
import hashlib
import random
import struct
import tempfile
import zlib
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
from damage import Blindly, json_text, plain
from PIL import Image
from tiny_detector import CLASSES, tiny_detector

import melanoma_detect as md
from melanoma_detect.data.known_images.index import Facts, KnownImage, KnownImages, Membership
from melanoma_detect.data.known_images.index_file import pack_index, read_index
from melanoma_detect.data.record import Record
from melanoma_detect.images.perceptual_hash import fingerprint
from melanoma_detect.monitoring.grids import GRIDS
from melanoma_detect.monitoring.samples import Statistic
from melanoma_detect.monitoring.sketch import Sketch, detector_digest
from melanoma_detect.monitoring.sketch_file import pack_sketch, read_sketch
from melanoma_detect.similar.index import SimilarIndex
from melanoma_detect.similar.index_file import pack_similar_index, read_similar_index
from melanoma_detect.similar.model_identity import identify_model
from melanoma_detect.similar.nearest import Vectors, reduce_features

Seeds = dict[str, bytes]
_CHECKSUM, _MARK = 32, 8
_IMAGES = 5


@cache
def _lesions() -> list[Image.Image]:
    names = ("nevus", "melanoma", "nevus", "basal cell carcinoma", "melanoma")
    return [Image.fromarray(md.draw_lesion(name, seed=seed, size=48).pixels) for seed, name in enumerate(names)]


def known_seeds() -> Seeds:
    """Return indexes of known images."""
    entries = [
        KnownImage(
            fingerprint(lesion).code.tobytes(),
            hashlib.sha256(lesion.tobytes()).digest()[:8],
            f"ISIC_{number:07d}" if number else "",
            Facts((Membership("ours", "nevus", "train"), Membership("théirs", "", ""))[: 1 + number % 2], "restricted"),
        )
        for number, lesion in enumerate(_lesions())
    ]
    return {"drawn": pack_index(KnownImages.of(entries)), "empty": pack_index(KnownImages.of([]))}


def similar_seeds() -> Seeds:
    """Return indexes of similar cases."""
    rng, identity = np.random.default_rng(1), identify_model(tiny_detector().predictor)
    width = identity.answers.shape[1]
    records = tuple(
        Record(
            id=f"{number}.png",
            path=Path(f"/nowhere/{number}.png"),
            label=CLASSES[number % len(CLASSES)],
            split="train",
            group=f"lesion {number // 2}",
            digest=hashlib.sha256(lesion.tobytes()).hexdigest() if number else "",
            fingerprint=fingerprint(lesion).hex,
            aspect=1.0,
        )
        for number, lesion in enumerate(_lesions())
    )
    vectors = reduce_features(rng.normal(size=(_IMAGES, width)).astype(np.float32))
    directions = np.linalg.qr(rng.normal(size=(width, 2)))[0].astype(np.float32)
    fewer = Vectors(vectors.values @ directions, directions)
    return {
        "drawn": pack_similar_index(SimilarIndex(records, vectors, identity)),
        "directions": pack_similar_index(SimilarIndex(records, fewer, identity)),
    }


def sketch_seeds() -> Seeds:
    """Return a sketch of scored images."""
    return {"drawn": pack_sketch(_drawn_sketch(2))}


def _drawn_sketch(seed: int) -> Sketch:
    rng, sketch = np.random.default_rng(seed), Sketch(detector_digest(tiny_detector().predictor), (seed, 2**63 + seed))
    for day, camera in (("2026-11-01", ""), ("2026-11-02", "a camera"), ("2026-11-09", "a camera")):
        cell = sketch.cell(day, camera)
        cell.images, cell.unreadable, cell.alerts, cell.refers, cell.abstained = 9, 1, 2, 3, 1
        cell.reasons = Counter({"too dark": 1})
        cell.moments.add(rng.normal(size=(8, 16)))
        for name in list(GRIDS)[:3]:
            cell.add_values(Statistic(name, "dermoscopy"), rng.uniform(0, 1, 8))
    return sketch


def sealed_known(content: bytes, max_length: int, chance: random.Random, blindly: Blindly) -> bytes:
    """Damage an index of known images: its header, or what is compressed behind it, mostly with a right checksum."""
    return _sealed(content, max_length, chance, blindly, struct.Struct("<I"))


def sealed_similar(content: bytes, max_length: int, chance: random.Random, blindly: Blindly) -> bytes:
    """Damage an index of similar cases likewise."""
    return _sealed(content, max_length, chance, blindly, struct.Struct("<QQ"))


def _sealed(content: bytes, max_length: int, chance: random.Random, blindly: Blindly, lengths: struct.Struct) -> bytes:
    start = _MARK + lengths.size
    if chance.random() < 0.1 or len(content) < start + _CHECKSUM:
        return blindly(content, max_length)
    (size, *unpacked) = lengths.unpack_from(content, _MARK)
    header, body = content[start:-_CHECKSUM][:size], content[start:-_CHECKSUM][size:]
    if chance.random() < 0.6:
        text = zlib.decompress(header) if unpacked else header
        text = json_text(text, 2 * max_length, chance, blindly)
        header, unpacked = (zlib.compress(text), [len(text)]) if unpacked else (text, [])
    else:
        body = (
            plain(body, max_length, chance, blindly)
            if unpacked
            else zlib.compress(blindly(zlib.decompress(body), 2 * max_length))
        )
    made = content[:_MARK] + lengths.pack(len(header), *unpacked) + header + body
    return made + hashlib.sha256(made).digest()


def use_known(path: Path) -> None:
    """Look images up in an index, and join it with itself."""
    index = read_index(path)
    lesion = _lesions()[1]
    name, digest = "ISIC_0000001.jpg", hashlib.sha256(lesion.tobytes()).hexdigest()
    for matches in index.find([fingerprint(lesion)], digests=[digest], names=[name]):
        for match in matches:
            index.facts_of(match.entry)
    if len(index | index) != len(index):
        raise AssertionError(f"{len(index)} entries joined with themselves are {len(index | index)}")


def use_similar(path: Path) -> None:
    """Look for similar cases."""
    read_similar_index(path)
    found = tiny_detector().similar(np.asarray(_lesions()[1]), path, k=3)
    distances = [case.distance for case in found.cases]
    if not np.isfinite(distances).all() or distances != sorted(distances) or not str(found):
        raise AssertionError(f"the nearest cases are at {distances}")


def use_sketch(path: Path) -> None:
    """Watch a stream, by its periods and by its cameras, with another sketch as the baseline."""
    for day, _ in read_sketch(path).cells:
        dt.date.fromisoformat(day)
    for by in (None, "camera"):
        watched = md.monitor(path, detector=tiny_detector(), baseline=_baseline(), by=by)
        if not str(watched):
            raise AssertionError("nothing is said of the stream")


@cache
def _baseline() -> Path:
    path = Path(tempfile.mkdtemp(prefix="melanoma-detect-fuzz-"), "baseline.sketch")
    path.write_bytes(pack_sketch(_drawn_sketch(3)))
    return path
