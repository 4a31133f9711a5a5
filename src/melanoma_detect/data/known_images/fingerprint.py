"""md.fingerprint: an index of the images of a folder, by which others recognise them without having them."""

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from melanoma_detect.data.known_images.index import (
    DIGEST_BYTES,
    Facts,
    KnownImage,
    KnownImages,
    Membership,
    archive_id,
)
from melanoma_detect.data.known_images.index_file import KNOWN_FILE, write_index
from melanoma_detect.data.sources.aspect_ratio import AspectRatios, find_aspect_ratios
from melanoma_detect.data.sources.folders import Contents, SourceImage
from melanoma_detect.data.sources.layout import open_source, read_layout
from melanoma_detect.data.sources.read import PathLike
from melanoma_detect.data.sources.table import image_name
from melanoma_detect.errors import DatasetError, DataWarning, ImageError
from melanoma_detect.images.formats import SUFFIXES
from melanoma_detect.images.perceptual_hash import THUMBNAIL, hamming_distance
from melanoma_detect.images.perceptual_hash import fingerprint as perceptual_hash
from melanoma_detect.images.reader import load_rgb, stretch
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.progress import progress_bar, stage
from melanoma_detect.utils.regular_files import open_regular
from melanoma_detect.utils.user_warning import warn_user

_SIDE = 4 * THUMBNAIL  # pixels: what a perceptual hash needs at least
_ALIKE = 8  # bits: an image whose centre crop looks like the whole takes one entry


class _Hashes(NamedTuple):
    """What was read of a file."""

    codes: tuple[bytes, ...]
    digest: bytes


def fingerprint(
    source: PathLike,
    *,
    name: str,
    out: PathLike | None = None,
    squashed: AspectRatios | None = None,
    names: bool = False,
    progress: bool = True,
    overwrite: bool = False,
) -> KnownImages:
    """Make an index of the images of a folder, by which `KnownImages.find` recognises copies of them.

    An entry holds the perceptual hash, 8 bytes of the SHA-256 of the file, the label and the split that the folder gives, and
    the ISIC id in the file's name. No image can be made from it again, so that an index may be given to others. Copies are
    found that were compressed again, rescaled, turned by right angles, mirrored, or cropped to the centre square.

    Args:
        source: A folder or a zip file, with labels as `load_dataset` reads them, or without any.
        name: The name of the set, as `"Our hospital 2024"`.
        out: A file to write the index to; its name ends in `.known`. None to write none.
        squashed: The aspect ratio that square images had before they were squashed, as `"4:3"`.
        names: Keep the names of all files as ids, and not ISIC ids alone. The names of a clinic's files may name patients.
        progress: Draw a progress bar.
        overwrite: Replace a file that exists.

    Returns:
        The index.

    Raises:
        DatasetError: The source is missing, holds no image that can be read and shows more than one even colour, or the name is
            no text, or empty.
        OutputError: The file cannot be written.

    Warns:
        DataWarning: Images cannot be read, or show one even colour, and have no entry.

    Examples:
        >>> fingerprint(isic9, name="ours", progress=False).sets
        ('ours',)
    """
    if not isinstance(name, str) or not name.strip():
        raise DatasetError(f"name={name!r}; expected the name of the set, such as 'Our hospital 2024'")
    root = expand_path(source).absolute()
    if out is not None:
        KNOWN_FILE.check_output(out, overwrite=overwrite, inputs=[root])
    images = _list_images(root)
    (aspect,) = find_aspect_ratios([root], squashed)
    with progress_bar("fingerprinting", shown=progress):
        results = list(stage(_read_all([image.path for image in images], aspect), "reading images", len(images)))
    read = [(image, result) for image, result in zip(images, results, strict=True) if result is not None]
    if not read:
        raise DatasetError(
            f"{root}: none of its {count_noun(len(images), 'image')} can be read and shows more than one even colour; expected "
            "one or more"
        )
    if left_out := len(images) - len(read):
        warn_user(
            f"{root}: {count_noun(left_out, 'image')} cannot be read, or show{'s' * (left_out == 1)} one even colour, and "
            f"{'is' if left_out == 1 else 'are'} not in the index",
            DataWarning,
        )
    has_splits = len({image.split for image in images}) > 1
    index = KnownImages.of(
        KnownImage(code, result.digest, _id_of(image.path, names=names), _facts_of(image, name.strip(), has_splits))
        for image, result in read
        for code in result.codes
    )
    if out is not None:
        write_index(index, out, overwrite=overwrite)
    return index


def image_codes(image: Image.Image) -> tuple[bytes, ...]:
    """Return the perceptual hashes by which an image is known: of the whole, and of its centre crop if that looks different.

    Args:
        image: An upright RGB image.

    Returns:
        One or two hashes of 32 bytes; none for an image of one even colour.

    Examples:
        >>> len(image_codes(Image.fromarray(draw_lesion("nevus", seed=1).pixels)))
        1
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    crops = [image] if image.width == image.height else [image, image.crop((left, top, left + side, top + side))]
    codes = [found.code for crop in crops if (found := perceptual_hash(crop)) is not None]
    if len(codes) == 2 and hamming_distance(*codes) <= _ALIKE:
        del codes[1]
    return tuple(code.tobytes() for code in codes)


def _list_images(root: Path) -> Sequence[SourceImage]:
    """Return the images of a source, with their labels where it gives any."""
    if not root.exists():
        raise DatasetError(f"{root}: no such folder or file; expected a folder of images, or a zip of one")
    tree = open_source(root)
    try:
        contents = read_layout(tree)
    except DatasetError:
        if not tree.images:
            raise
        contents = Contents(tree.root, [], (), tree.images, frozenset(), outward=frozenset(tree.outward))
    listed = [*contents.images, *contents.unlabelled]
    others = [
        SourceImage(path.name, path, "", "train")
        for path in contents.other_files
        if path.suffix.lower() in SUFFIXES and path not in {image.path for image in listed}
    ]
    # A link that leads out of the folder is not followed, as everywhere.
    return [image for image in [*listed, *others] if image.path not in contents.outward]


def _read_all(paths: Sequence[Path], aspect: float | None) -> Iterator[_Hashes | None]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda path: _read(path, aspect), paths)


def _read(path: Path, aspect: float | None) -> _Hashes | None:
    try:
        with open_regular(path, ImageError) as file:
            content = file.read()
        image = load_rgb(io.BytesIO(content), (_SIDE, _SIDE))
    except (OSError, ImageError):
        return None
    codes = image_codes(stretch(image, aspect) if aspect else image)
    return _Hashes(codes, hashlib.sha256(content).digest()[:DIGEST_BYTES]) if codes else None


def _id_of(path: Path, *, names: bool) -> str:
    return archive_id(path.name) or (image_name(path).replace("\n", " ") if names else "")


def _facts_of(image: SourceImage, name: str, has_splits: bool) -> Facts:
    split = image.split if has_splits else ""
    labels = dict.fromkeys([image.label, *image.other_labels])
    return Facts(tuple(Membership(name, label, split) for label in labels))
