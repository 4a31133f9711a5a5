"""Scans that are used again: by later loads, from disk, and by an audit, from memory."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from melanoma_detect.data.near_duplicates import NearDuplicate, find_near_duplicates
from melanoma_detect.data.record import pixel_key
from melanoma_detect.data.scan import ImageFile, Scan, file_stamp, scan
from melanoma_detect.data.scan_store import ScanStore
from melanoma_detect.images.perceptual_hash import Fingerprint
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Resize, Size, StretchedImage
from melanoma_detect.utils.progress import describe_stage, stage

MAX_IMAGES = 100_000  # a scan takes 1.5 kB: 150 MB


def scan_files(images: Sequence[ImageFile], size: Size, resize: Resize, decoded: PixelCache) -> list[Scan]:
    """Scan files; those that an earlier load has scanned, and that have not changed since, are not read again.

    Args:
        images: The files.
        size: `(height, width)` in pixels that they will be read at.
        resize: How they are brought to that size.
        decoded: Receives the pixels of the files that are read, where they fit in memory: nothing is decoded twice.

    Returns:
        One scan a file, in order.

    Examples:
        >>> files = sorted((isic9 / "Test" / "nevus").glob("*.jpg"))
        >>> [len(scan.digest) for scan in scan_files(files[:2], (32, 32), "squash", PixelCache())]
        [64, 64]
    """
    store, started = ScanStore(size, resize), time.time_ns()
    known = store.find(images)
    unknown = [image for image, result in zip(images, known, strict=True) if result is None]
    pixels = np.empty((len(unknown), *size, 3), np.uint8) if decoded.fits(len(unknown), size) else None
    fresh = list(stage(scan(unknown, size, resize, pixels), "reading images", len(unknown)))
    store.keep(unknown, fresh, started=started)
    readable = [index for index, result in enumerate(fresh) if not result.error]
    if pixels is not None and readable:
        keys = [_pixel_key(unknown[index], fresh[index]) for index in readable]
        decoded.add(keys, pixels if len(readable) == len(fresh) else pixels[readable], size, resize)
    remaining = iter(fresh)
    return [next(remaining) if result is None else result for result in known]


def find_pairs(images: Sequence[ImageFile], scans: Sequence[Scan], size: Size, resize: Resize) -> list[NearDuplicate]:
    """Find the near duplicates among readable files; where an earlier load has looked for them, they are known.

    Args:
        images: The files.
        scans: The scan of each.
        size: `(height, width)` in pixels that they were scanned for.
        resize: How they are brought to that size.

    Returns:
        Pairs by position, each once, in order.

    Examples:
        >>> find_pairs([], [], (32, 32), "squash")
        []
    """
    store = ScanStore(size, resize)
    pairs = store.find_pairs(images, scans)
    if pairs is None:
        describe_stage("comparing images")
        pairs = find_near_duplicates([Path(image) for image in images], [result.fingerprint for result in scans])
        store.keep_pairs(images, scans, pairs)
    return pairs


class ScanCache:
    """The scans of a dataset's files, and the near duplicates among them.

    A dataset holds one and passes it on to all that are made from it. A file that has changed since it was scanned is scanned
    again. It is left out when a dataset is pickled, and empty for more than 100,000 images: the results are the same, but take
    longer.

    Examples:
        >>> cache = ScanCache()
        >>> files = [isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"]
        >>> scans = list(cache.scan(files, (32, 32), "squash"))
        >>> cache.keep(files, scans, [], (32, 32), "squash")
        >>> next(cache.scan(files, (32, 32), "squash")) is scans[0]
        True
    """

    def __init__(self) -> None:
        self._setting: Any = None
        self._scans: dict[ImageFile, Scan] = {}
        self._readable: tuple[ImageFile, ...] = ()
        self._pairs: Sequence[NearDuplicate] = ()

    def __reduce__(self) -> tuple[type["ScanCache"], tuple[()]]:
        return ScanCache, ()

    def keep(
        self,
        images: Sequence[ImageFile],
        scans: Sequence[Scan],
        pairs: Sequence[NearDuplicate],
        size: tuple[int, int],
        resize: Resize,
    ) -> None:
        """Keep the scans of all files.

        Args:
            images: The files.
            scans: Their scans.
            pairs: The near duplicates among the readable ones, by position among these.
            size: `(height, width)` in pixels that the files were scanned at.
            resize: How they were brought to that size.

        Examples:
            >>> ScanCache().keep([], [], [], (32, 32), "squash")
        """
        if len(images) <= MAX_IMAGES:
            self._setting = (size, resize)
            self._scans = dict(zip(images, scans, strict=True))
            self._readable = tuple(image for image, result in zip(images, scans, strict=True) if not result.error)
            self._pairs = pairs

    def scan(self, images: Sequence[ImageFile], size: tuple[int, int], resize: Resize) -> Iterator[Scan]:
        """Scan files; those that are known and have not changed are not read again.

        Args:
            images: The files.
            size: `(height, width)` in pixels that they are scanned at.
            resize: How they are brought to that size.

        Yields:
            One scan a file, in order.

        Examples:
            >>> list(ScanCache().scan([], (32, 32), "squash"))
            []
        """
        known = [self._find(image, size, resize) for image in images]
        unknown = [image for image, result in zip(images, known, strict=True) if result is None]
        fresh = scan(unknown, size, resize)
        for result in known:
            yield next(fresh) if result is None else result

    def fingerprint_of(self, image: ImageFile) -> Fingerprint | None:
        """Return the perceptual hashes of a file as it was scanned, without looking at the file.

        Args:
            image: The file.

        Returns:
            The hashes; None for a file that was not scanned, cannot be read, or shows one even colour.

        Examples:
            >>> ScanCache().fingerprint_of(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg") is None
            True
        """
        kept = self._scans.get(image)
        return kept.fingerprint if kept else None

    def near_duplicates(
        self, images: Sequence[ImageFile], fingerprints: Sequence[Fingerprint | None]
    ) -> list[NearDuplicate]:
        """Find the near duplicates among files; among all files that were kept, they are known.

        Args:
            images: The readable files.
            fingerprints: The hashes of each.

        Returns:
            Pairs by position in `images`, each once, in order.

        Examples:
            >>> ScanCache().near_duplicates([], [])
            []
        """
        position = {image: index for index, image in enumerate(images)}
        same_files = len(images) == len(position) == len(self._readable) and position.keys() == set(self._readable)
        unchanged = all(
            image in self._scans and self._scans[image].fingerprint is fingerprint
            for image, fingerprint in zip(images, fingerprints, strict=True)
        )
        if not (same_files and unchanged):
            describe_stage("comparing images")
            return find_near_duplicates([Path(image) for image in images], fingerprints)
        pairs = []
        for pair in self._pairs:
            first, second = sorted((position[self._readable[pair.first]], position[self._readable[pair.second]]))
            pairs.append(NearDuplicate(first, second, pair.bits, pair.kind))
        return sorted(pairs, key=lambda pair: (pair.first, pair.second))

    def _find(self, image: ImageFile, size: tuple[int, int], resize: Resize) -> Scan | None:
        kept = self._scans.get(image) if self._setting == (size, resize) else None
        return kept if kept and kept.stamp is not None and kept.stamp == file_stamp(image) else None


def _pixel_key(image: ImageFile, result: Scan) -> str:
    return pixel_key(result.digest, image.aspect if isinstance(image, StretchedImage) else None)
