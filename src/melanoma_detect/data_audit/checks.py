"""The checks of an audit: each looks for one kind of problem."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from melanoma_detect import taxonomy
from melanoma_detect.data.cleaning import contradicting_labels, describe_conflicts
from melanoma_detect.data.groups import parent_name, scoped_keys
from melanoma_detect.data.record import SPLITS, Record
from melanoma_detect.data.sources.columns import find_truth_columns
from melanoma_detect.data.sources.table import group_keys
from melanoma_detect.data_audit.confounding import source_confounding
from melanoma_detect.data_audit.finding import AuditInputs, Case, Finding
from melanoma_detect.inference.image_types import recorded_type
from melanoma_detect.utils.counts import count_noun, is_or_are

_IMBALANCE = 3  # largest class over smallest: from there on, accuracy is mostly that of the largest class


def run_checks(inputs: AuditInputs) -> Iterator[Finding]:
    """Run all checks, the most serious first.

    Args:
        inputs: What the checks work on.

    Yields:
        Findings with a count over 0.

    Examples:
        >>> list(run_checks(AuditInputs()))
        []
    """
    checks: list[Callable[[AuditInputs], Finding]] = [
        _check_readable,
        _check_conflicts,
        _check_against_table,
        lambda inputs: inputs.labels,
        lambda inputs: inputs.strangers,
        _check_images_across_splits,
        _check_lesions_across_splits,
        _check_confounding,
        _check_augmented_copies,
        _check_same_bytes,
        _check_same_images,
        _check_same_lesions,
        _check_known_images,
        _check_quality,
        _check_image_types,
        _check_imbalance,
        _check_other_files,
    ]
    yield from (finding for check in checks if (finding := check(inputs)).count)


def _check_readable(inputs: AuditInputs) -> Finding:
    return Finding(
        kind="unreadable",
        count=len(inputs.unreadable),
        effect="They take no part; if one class has most of them, its figures rest on fewer images than it seems.",
        advice="Copy them again, convert them, or remove them.",
        cases=tuple((entry.record,) for entry in inputs.unreadable),
        summary=f"{count_noun(len(inputs.unreadable), 'file')} cannot be read",
        values={"reasons": [entry.reason for entry in inputs.unreadable]},
    )


def _check_conflicts(inputs: AuditInputs) -> Finding:
    conflicts = _conflicts(inputs)
    records = [
        (record, image) for record, image in zip(inputs.records, inputs.images, strict=True) if image in conflicts
    ]
    return Finding(
        kind="two labels",
        count=len(conflicts),
        effect="No model can get both right: training learns noise, and accuracy has a ceiling that nobody sees.",
        advice="load_dataset excludes them; conflicts='resolve' keeps those that a table of authoritative labels confirms.",
        cases=_cases([record for record, _ in records], [image for _, image in records]),
        summary=describe_conflicts(list(conflicts.values())),
        values={"pairs": dict(Counter(" / ".join(sorted(labels)) for labels in conflicts.values()))},
    )


def _check_against_table(inputs: AuditInputs) -> Finding:
    conflicts = _conflicts(inputs)
    wrong: list[tuple[Record, str]] = []
    for record, image in zip(inputs.records, inputs.images, strict=True):
        truth = next((record.metadata[name] for name in find_truth_columns(record.metadata)), "")
        label, diagnosis = taxonomy.meaning(record.label), taxonomy.meaning(truth) if truth else frozenset()
        if diagnosis and not (label <= diagnosis or diagnosis <= label) and image not in conflicts:
            wrong.append((record, truth))
    pairs = Counter(f"{record.label}, in the table {truth}" for record, truth in wrong)
    return Finding(
        kind="label against the table",
        count=len(wrong),
        effect="The label is wrong, or the table is.",
        advice="Look at them; conflicts='resolve' excludes them.",
        cases=tuple((record,) for record, _ in wrong),
        summary="; ".join(f"{count} {pair}" for pair, count in pairs.most_common()),
    )


def _check_images_across_splits(inputs: AuditInputs) -> Finding:
    leaks = _find_leaks(inputs.records, [[image] for image in inputs.images])
    occurrences = defaultdict(set)
    for record in inputs.records:
        occurrences[record.digest].add((record.split, record.label))
    same_bytes = [
        record for record, _ in leaks if any(split != record.split for split, _ in occurrences[record.digest])
    ]
    other_class = sum(
        any(split != record.split and label != record.label for split, label in occurrences[record.digest])
        for record in same_bytes
    )
    return Finding(
        kind="image in two splits",
        count=len(leaks),
        effect="The model is tested on what it was trained on: every figure is too good.",
        advice="load_dataset excludes the later ones; evaluate does the same for images that a detector was trained on.",
        cases=tuple(leaks),
        summary=f"{count_noun(len(leaks), 'image')} of a later split {is_or_are(len(leaks))} in an earlier one too, "
        f"{len(same_bytes)} byte for byte, "
        f"{other_class} of these under another class",
        values={"same bytes": len(same_bytes), "same bytes, another class": other_class},
    )


def _check_lesions_across_splits(inputs: AuditInputs) -> Finding:
    keys = [scoped_keys(group_keys(record.metadata), record.source) for record in inputs.records]
    by_table = _find_leaks(inputs.records, keys)
    known = {record.id for record, _ in by_table}
    by_looks = []
    for pair in inputs.pairs:
        images = inputs.records[pair.first], inputs.records[pair.second]
        early, late = sorted(images, key=lambda record: SPLITS.index(record.split))
        if pair.kind == "lesion" and early.split != late.split and late.id not in known:
            by_looks.append((late, early))
    more = len({record.id for record, _ in by_looks})
    return Finding(
        kind="lesion in two splits",
        count=len(by_table) + more,
        effect="Two images of one lesion are nearly one image: a model remembers the lesion, and figures are too good.",
        advice="load_dataset keeps a lesion in one split and excludes its images from a given Test.",
        cases=(*by_table, *by_looks),
        summary=f"{count_noun(len(by_table), 'image')} of a later split show{'s' * (len(by_table) == 1)} a lesion or "
        "patient of an earlier one by the table, "
        f"{more} more by their looks",
        values={"by table": len(by_table), "by looks": more},
    )


def _check_confounding(inputs: AuditInputs) -> Finding:
    kind, conflicts = "class told by source", _conflicts(inputs)
    chosen = [
        index
        for index, record in enumerate(inputs.records)
        if record.split == "train" and not record.parent and inputs.images[index] not in conflicts
    ]
    result = source_confounding(
        [inputs.records[index] for index in chosen], [inputs.properties[index] for index in chosen]
    )
    if result is None or not result.significant:
        return Finding(kind, 0)
    return Finding(
        kind=kind,
        count=result.images,
        effect="A network can score well by recognising where an image comes from; in a clinic that is worth nothing.",
        advice="Merge sources so that each class comes from several; test on another source than the one trained on.",
        summary=result.describe(),
        values=result.to_dict(),
    )


def _check_augmented_copies(inputs: AuditInputs) -> Finding:
    copies = inputs.copies
    cases = (*copies.by_name, *copies.by_content)
    ids = {record.id for record in inputs.records}
    orphans = [record for record in inputs.records if parent_name(record.path) and not record.parent]
    among = sum(copy.id in ids for _, copy in cases) + len(orphans)
    outside = sum(copy.id not in ids for _, copy in cases)
    return Finding(
        kind="copies made by Augmentor",
        count=among + outside,
        effect="A rotated copy in validation or test is no new image: this is how 78 % accuracy on validation came about.",
        advice="Delete them and balance after the split, with md.balance; load_dataset keeps copies beside their parents.",
        cases=(*cases, *((record,) for record in orphans)),
        summary=f"{count_noun(among, 'copy', 'copies')} {is_or_are(among)} among the images, {outside} outside the class "
        f"folders; {len(copies.by_name)} known by "
        f"name ({copies.confirmed} of {copies.compared} that were compared with their parents show them), "
        f"{len(copies.by_content)} by their content",
        values={
            "among the images": among,
            "outside": outside,
            "by name": len(copies.by_name),
            "by content": len(copies.by_content),
            "looked at": copies.compared,
            "agreeing": copies.confirmed,
        },
    )


def _check_same_bytes(inputs: AuditInputs) -> Finding:
    cases = _cases(inputs.records, [record.digest for record in inputs.records])
    cases = tuple(case for case in cases if len({record.label for record in case}) == 1)
    return Finding(
        kind="same file twice",
        count=len(cases),
        effect="One image counts as several; on its own it does no harm while all stay in one split.",
        advice="Keep one of each; load_dataset keeps them in one split.",
        cases=cases,
        summary=f"{count_noun(len(cases), 'file')} occur{'s' * (len(cases) == 1)} more than once within one class",
    )


def _check_same_images(inputs: AuditInputs) -> Finding:
    cases = tuple(pair for pair in _pairs(inputs, "image") if pair[0].digest != pair[1].digest)
    return Finding(
        kind="same image, other bytes",
        count=len(cases),
        effect="No hash of bytes finds them: they pass every check for identical files.",
        advice="Keep one of each; load_dataset keeps them in one split.",
        cases=cases,
        summary=f"{count_noun(len(cases), 'pair')} show{'s' * (len(cases) == 1)} one image, turned, mirrored, cropped, "
        "rescaled or compressed again",
    )


def _check_same_lesions(inputs: AuditInputs) -> Finding:
    cases = _pairs(inputs, "lesion")
    return Finding(
        kind="lesion seen twice",
        count=len(cases),
        effect="Images of one lesion are not independent: in two splits, they leak.",
        advice="Give the lesions in a metadata.csv (image_id, lesion_id); load_dataset groups these pairs already.",
        cases=cases,
        summary=f"{count_noun(len(cases), 'pair')} show{'s' * (len(cases) == 1)} one lesion from nearly the same view",
    )


def _check_known_images(inputs: AuditInputs) -> Finding:
    return inputs.known


def _check_quality(inputs: AuditInputs) -> Finding:
    poor = [
        (record, reason)
        for record, properties in zip(inputs.records, inputs.properties, strict=True)
        if (reason := properties.rejection_reason)
    ]
    reasons = Counter(reason for _, reason in poor)
    return Finding(
        kind="poor images",
        count=len(poor),
        effect="A model cannot learn what cannot be seen; in a test such images measure the camera.",
        advice="Look at them, and remove those that a dermatologist could not judge either.",
        cases=tuple((record,) for record, _ in poor),
        summary=", ".join(f"{count} {reason}" for reason, count in reasons.most_common()),
        values=dict(reasons),
    )


def _check_image_types(inputs: AuditInputs) -> Finding:
    types = [recorded_type(record.metadata) for record in inputs.records]
    counts = Counter(types)
    if not counts["dermoscopy"] or not counts["clinical"]:
        return Finding("two types of image", 0)
    return Finding(
        kind="two types of image",
        count=counts["clinical"],
        effect="A lesion looks different without a dermatoscope: one calibration does not fit both types.",
        advice=(
            "Keep the column image_type: Detector.fit then calibrates each type by itself, given 50 training and 20 "
            "validation images of it, and evaluation shows both."
        ),
        summary=f"{counts['clinical']:,} clinical photographs beside {counts['dermoscopy']:,} dermoscopy images",
        values={image_type or "not recorded": count for image_type, count in counts.items()},
    )


def _check_imbalance(inputs: AuditInputs) -> Finding:
    counts = Counter(record.label for record in inputs.records if record.split == "train" and not record.parent)
    counts = counts or Counter(record.label for record in inputs.records)
    if not counts:
        return Finding("class imbalance", 0)
    (most, largest), (least, smallest) = counts.most_common()[0], counts.most_common()[-1]
    ratio = largest / smallest
    return Finding(
        kind="class imbalance",
        count=len(counts) if ratio >= _IMBALANCE else 0,
        effect="A model that always answers the largest class looks good in accuracy; rare classes are not learned.",
        advice="Read balanced accuracy; md.balance makes more of the rare classes.",
        summary=f"{largest} training images of {most}, {smallest} of {least}: {ratio:.1f} to 1",
        values={"largest": largest, "smallest": smallest, "counts": dict(counts)},
    )


def _check_other_files(inputs: AuditInputs) -> Finding:
    copies = {copy.path for _, copy in (*inputs.copies.by_name, *inputs.copies.by_content)}
    others = [path for path in inputs.other_files if path not in copies]
    names = ", ".join(path.name for path in others[:3]) + (", ..." if len(others) > 3 else "")
    return Finding(
        kind="other files",
        count=len(others),
        effect="They take no part.",
        advice="Move images into a class folder; the rest does no harm.",
        summary=f"{count_noun(len(others), 'file')} outside the class folders, or no images ({names})",
        values={"files": [str(path) for path in others]},
    )


def _conflicts(inputs: AuditInputs) -> dict[str, frozenset[str]]:
    return contradicting_labels((record.label for record in inputs.records), inputs.images)


def _cases(records: Sequence[Record], keys: Sequence[str]) -> tuple[Case, ...]:
    """Return the records that share a key, two or more in each case."""
    by_key: dict[str, list[Record]] = defaultdict(list)
    for record, key in zip(records, keys, strict=True):
        by_key[key].append(record)
    return tuple(tuple(case) for case in by_key.values() if len(case) > 1)


def _find_leaks(records: Sequence[Record], keys: Sequence[Sequence[str]]) -> list[tuple[Record, Record]]:
    """Return the records of later splits that share a key with an earlier split, each with the first record that does."""
    first: dict[str, Record] = {}
    leaks: list[tuple[Record, Record]] = []
    order = sorted(range(len(records)), key=lambda index: SPLITS.index(records[index].split))
    for index in order:
        record = records[index]
        earlier = [first.setdefault(key, record) for key in keys[index]]
        leaked = next((other for other in earlier if other.split != record.split), None)
        if leaked:
            leaks.append((record, leaked))
    return leaks


def _pairs(inputs: AuditInputs, kind: str) -> tuple[Case, ...]:
    """Return the near duplicates of a kind; files with the same bytes count once."""
    by_digests: dict[frozenset[str], Case] = {}
    for pair in inputs.pairs:
        if pair.kind == kind:
            case = (inputs.records[pair.first], inputs.records[pair.second])
            by_digests.setdefault(frozenset(record.digest for record in case), case)
    return tuple(by_digests.values())
