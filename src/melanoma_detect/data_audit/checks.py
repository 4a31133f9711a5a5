"""The kinds of things that an audit finds, each with what it does to a result and what to do."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from melanoma_detect import taxonomy
from melanoma_detect.data.cleaning import contradicting_labels, say_conflicts
from melanoma_detect.data.lineage import parent_name
from melanoma_detect.data.near_duplicates import Alike
from melanoma_detect.data.record import SPLITS, Record, SetAside
from melanoma_detect.data.sources.table import GROUP_COLUMNS, TRUTH_COLUMNS
from melanoma_detect.data_audit.augmented_copies import Copies
from melanoma_detect.data_audit.quality import Quality

Case = tuple[Record, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: What it is, in a few words.
        count: How many images, pairs or classes; the summary says of what.
        effect: What it does to a result.
        advice: What to do.
        cases: The records, those that belong together in one case.
        summary: The finding in one sentence, with its figures.
        values: Further figures by name.
    """

    kind: str
    count: int
    effect: str
    advice: str
    cases: tuple[Case, ...]
    summary: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values.

        Returns:
            Values that `json` takes.

        Examples:
            >>> Finding("tiny", 1, "", "", ((data.records[0],),)).to_dict()["count"]
            1
        """
        cases = [
            [{"id": r.id, "label": r.label, "split": r.split, "path": str(r.path)} for r in case] for case in self.cases
        ]
        return {
            "kind": self.kind,
            "count": self.count,
            "summary": self.summary,
            "effect": self.effect,
            "advice": self.advice,
            "values": dict(self.values),
            "cases": cases,
        }


@dataclass(frozen=True)
class Evidence:
    """What an audit has gathered about the images.

    Attributes:
        records: The readable records, as they came.
        groups: For the id of each record its group.
        images: For the id of each record which image it shows.
        alike: Which records look the same, by position.
        qualities: What was measured on each.
        unreadable: The records that cannot be read.
        other_files: Files that take no part.
        classes: The classes.
        copies: Copies of the images, among them or outside the class folders.
    """

    records: Sequence[Record]
    groups: Mapping[str, str]
    images: Mapping[str, str]
    alike: Sequence[Alike]
    qualities: Sequence[Quality]
    unreadable: Sequence[SetAside]
    other_files: Sequence[Path]
    classes: Sequence[str]
    copies: Copies = field(default_factory=Copies)


def find_all(evidence: Evidence) -> Iterator[Finding]:
    """Yield everything that is wrong, the gravest first.

    Args:
        evidence: What was gathered.

    Yields:
        Findings with a count over 0.

    Examples:
        >>> list(find_all(Evidence((), {}, {}, (), (), (), (), ())))
        []
    """
    kinds: list[Callable[[Evidence], Finding]] = [
        _unreadable,
        _two_labels,
        _against_table,
        _images_across_splits,
        _lesions_across_splits,
        _source_tells,
        _copies,
        _same_bytes,
        _same_images,
        _lesions_seen_again,
        _poor,
        _imbalance,
        _others,
    ]
    yield from (found for kind in kinds if (found := kind(evidence)).count)


def _unreadable(evidence: Evidence) -> Finding:
    return Finding(
        "unreadable",
        len(evidence.unreadable),
        "They take no part; if one class has most of them, its figures rest on fewer images than it seems.",
        "Copy them again, convert them, or take them out.",
        tuple((entry.record,) for entry in evidence.unreadable),
        f"{len(evidence.unreadable)} files cannot be read",
        {"reasons": [entry.reason for entry in evidence.unreadable]},
    )


def _two_labels(evidence: Evidence) -> Finding:
    found = contradicting_labels(evidence.records, evidence.images)
    return Finding(
        "two labels",
        len(found),
        "No model can get both right: training learns noise, and accuracy has a ceiling that nobody sees.",
        "load_dataset sets them aside; conflicts='resolve' keeps those that a table of authoritative labels agrees with.",
        _cases(evidence.records, evidence.images, found),
        say_conflicts(list(found.values())),
        {"pairs": dict(Counter(" / ".join(sorted(labels)) for labels in found.values()))},
    )


def _against_table(evidence: Evidence) -> Finding:
    twice = contradicting_labels(evidence.records, evidence.images)
    wrong: list[tuple[Record, str]] = []
    for record in evidence.records:
        said = next((record.metadata[name] for name in TRUTH_COLUMNS if name in record.metadata), "")
        mine, theirs = taxonomy.meaning(record.label), taxonomy.meaning(said) if said else frozenset()
        if theirs and not (mine <= theirs or theirs <= mine) and evidence.images[record.id] not in twice:
            wrong.append((record, said))
    pairs = Counter(f"{record.label}, in the table {said}" for record, said in wrong)
    return Finding(
        "label against the table",
        len(wrong),
        "The label is wrong, or the table is.",
        "Look at them; conflicts='resolve' sets them aside.",
        tuple((record,) for record, _ in wrong),
        "; ".join(f"{count} {pair}" for pair, count in pairs.most_common()),
    )


def _images_across_splits(evidence: Evidence) -> Finding:
    late = _shown_before(evidence.records, lambda record: [evidence.images[record.id]])
    labels = defaultdict(set)
    for record in evidence.records:
        labels[record.digest].add((record.split, record.label))
    other_class = sum(
        any(split != record.split and label != record.label for split, label in labels[record.digest])
        for record, _ in late
    )
    bytes_too = sum(any(split != record.split for split, _ in labels[record.digest]) for record, _ in late)
    return Finding(
        "image in two splits",
        len(late),
        "The model is tested on what it was trained on: every figure is too good.",
        "load_dataset sets the later ones aside; evaluate does the same for what a detector has seen.",
        tuple(late),
        f"{len(late)} images of a later split stand in an earlier one too, {bytes_too} byte for byte, {other_class} of these "
        "under another class",
        {"same bytes": bytes_too, "same bytes, another class": other_class},
    )


def _lesions_across_splits(evidence: Evidence) -> Finding:
    def keys(record: Record) -> list[str]:
        return [f"{name} {record.metadata[name]}" for name in GROUP_COLUMNS if name in record.metadata]

    late = _shown_before(evidence.records, keys)
    known = {record.id for record, _ in late}
    again = [
        (late_one, early)
        for pair in evidence.alike
        if pair.kind == "lesion"
        for early, late_one in [_in_order(evidence.records[pair.first], evidence.records[pair.second])]
        if early.split != late_one.split and late_one.id not in known
    ]
    return Finding(
        "lesion in two splits",
        len(late) + len({record.id for record, _ in again}),
        "Two images of one lesion are nearly one image: a model remembers the lesion, and figures are too good.",
        "load_dataset keeps a lesion in one split and sets the given Test's others aside.",
        (*late, *again),
        f"{len(late)} images of a later split show a lesion or patient of an earlier one by the table, "
        f"{len({record.id for record, _ in again})} more by their looks",
        {"by table": len(late), "by looks": len({record.id for record, _ in again})},
    )


def _source_tells(evidence: Evidence) -> Finding:
    from melanoma_detect.data_audit.confounding import tell_by_source  # noqa: PLC0415 - imports scikit-learn's forests

    twice = contradicting_labels(evidence.records, evidence.images)
    chosen = [
        at
        for at, record in enumerate(evidence.records)
        if record.split == "train" and not record.parent and evidence.images[record.id] not in twice
    ]
    records = [evidence.records[at] for at in chosen]
    found = tell_by_source(records, [evidence.qualities[at] for at in chosen])
    if found is None or not found.telling:
        return Finding("class told by source", 0, "", "", ())
    best = max(found.markers, key=lambda name: found.markers[name])
    parted = ""
    if found.threshold is not None and best == "file-name number":
        parted = (
            f"; whether the number in the file's name is over {found.threshold:.0f} parts "
            f"{{{', '.join(found.above)}}} from {{{', '.join(found.below)}}} in {found.parted} of {found.images}"
        )
    return Finding(
        "class told by source",
        found.images,
        "A network can score well by recognising where an image comes from; in a clinic that is worth nothing.",
        "Merge sources so that each class comes from several; test on another source than the one trained on.",
        (),
        f"without a look at the lesion, image size, camera, compression, file name and dark corners tell the class with a "
        f"balanced accuracy of {found.balanced_accuracy} (chance {found.chance:.2f}); most telling: {best} alone "
        f"{found.markers[best]:.2f}{parted}",
        {
            "balanced accuracy": found.balanced_accuracy._asdict(),
            "melanoma AUC": found.melanoma_auc._asdict(),
            "chance": found.chance,
            "markers": found.markers,
            "parted": found.parted,
            "images": found.images,
            "below": list(found.below),
            "above": list(found.above),
        },
    )


def _copies(evidence: Evidence) -> Finding:
    known = evidence.copies
    inside = {record.id for record in evidence.records}
    cases = (*known.by_name, *known.by_content)
    orphans = [record for record in evidence.records if parent_name(record.path) and not record.parent]
    among = sum(copy.id in inside for _, copy in cases) + len(orphans)
    outside = sum(copy.id not in inside for _, copy in cases)
    return Finding(
        "copies made by Augmentor",
        among + outside,
        "A turned copy in validation or test is no new image: this is how 78 % accuracy on validation came about.",
        "Delete them and balance after the split, with md.balance; load_dataset keeps copies beside their parents.",
        (*cases, *((record,) for record in orphans)),
        f"{among} copies stand among the images, {outside} outside the class folders; {len(known.by_name)} known by name "
        f"({known.agreeing} of {known.looked_at} that were laid over their parents show them), {len(known.by_content)} by "
        "what they show",
        {
            "among the images": among,
            "outside": outside,
            "by name": len(known.by_name),
            "by content": len(known.by_content),
            "looked at": known.looked_at,
            "agreeing": known.agreeing,
        },
    )


def _same_bytes(evidence: Evidence) -> Finding:
    cases = _together(evidence.records, lambda record: record.digest)
    cases = tuple(case for case in cases if len({record.label for record in case}) == 1)
    return Finding(
        "same file twice",
        len(cases),
        "One image counts as several; on its own it does no harm while all stay in one split.",
        "Keep one of each; load_dataset keeps them in one split.",
        cases,
        f"{len(cases)} files stand more than once within their class",
    )


def _same_images(evidence: Evidence) -> Finding:
    cases = tuple(pair for pair in _pairs(evidence, "image") if pair[0].digest != pair[1].digest)
    return Finding(
        "same image, other bytes",
        len(cases),
        "No hash of bytes finds them: they slip through every check for duplicates.",
        "Keep one of each; load_dataset keeps them in one split.",
        cases,
        f"{len(cases)} pairs show one image, turned, mirrored, cropped, rescaled or compressed again",
    )


def _lesions_seen_again(evidence: Evidence) -> Finding:
    cases = _pairs(evidence, "lesion")
    return Finding(
        "lesion seen twice",
        len(cases),
        "Images of one lesion are not independent: split apart, they leak.",
        "Give the lesions in a metadata.csv (image_id, lesion_id); load_dataset groups these pairs already.",
        cases,
        f"{len(cases)} pairs show one lesion from nearly the same view",
    )


def _poor(evidence: Evidence) -> Finding:
    poor = [
        (record, quality.complaint)
        for record, quality in zip(evidence.records, evidence.qualities, strict=True)
        if quality.complaint
    ]
    kinds = Counter(complaint for _, complaint in poor)
    return Finding(
        "poor images",
        len(poor),
        "What cannot be seen cannot be learned; in a test they measure the camera.",
        "ModelInput at them, and take out what a dermatologist could not read either.",
        tuple((record,) for record, _ in poor),
        ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()),
        dict(kinds),
    )


def _imbalance(evidence: Evidence) -> Finding:
    counts = Counter(record.label for record in evidence.records if record.split == "train" and not record.parent)
    counts = counts or Counter(record.label for record in evidence.records)
    if not counts:
        return Finding("class imbalance", 0, "", "", ())
    (most, largest), (least, smallest) = counts.most_common()[0], counts.most_common()[-1]
    ratio = largest / smallest
    return Finding(
        "class imbalance",
        len(counts) if ratio >= 3 else 0,
        "A model that always answers the largest class looks good in accuracy; rare classes are not learned.",
        "Read balanced accuracy; md.balance makes more of the rare classes.",
        (),
        f"{largest} training images of {most}, {smallest} of {least}: {ratio:.1f} to 1",
        {"largest": largest, "smallest": smallest, "counts": dict(counts)},
    )


def _others(evidence: Evidence) -> Finding:
    copies = {copy.path for _, copy in (*evidence.copies.by_name, *evidence.copies.by_content)}
    others = [path for path in evidence.other_files if path not in copies]
    names = ", ".join(path.name for path in others[:3]) + (", ..." if len(others) > 3 else "")
    return Finding(
        "other files",
        len(others),
        "They take no part.",
        "Move images into a class folder; the rest does no harm.",
        (),
        f"{len(others)} files outside the class folders, or no images ({names})",
        {"files": [str(path) for path in others]},
    )


def _cases(records: Sequence[Record], keys: Mapping[str, str], chosen: Iterable[str]) -> tuple[Case, ...]:
    wanted = set(chosen)
    return _together([record for record in records if keys[record.id] in wanted], lambda record: keys[record.id])


def _together(records: Sequence[Record], key: Callable[[Record], str]) -> tuple[Case, ...]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[key(record)].append(record)
    return tuple(tuple(case) for case in found.values() if len(case) > 1)


def _shown_before(records: Sequence[Record], keys: Callable[[Record], list[str]]) -> list[tuple[Record, Record]]:
    """Return the records of later splits that share a key with an earlier split, each with the first that does."""
    first: dict[str, Record] = {}
    late: list[tuple[Record, Record]] = []
    for record in sorted(records, key=lambda record: SPLITS.index(record.split)):
        earlier = [first.setdefault(key, record) for key in keys(record)]
        shown = next((other for other in earlier if other.split != record.split), None)
        if shown:
            late.append((record, shown))
    return late


def _in_order(one: Record, other: Record) -> tuple[Record, Record]:
    return (one, other) if SPLITS.index(one.split) <= SPLITS.index(other.split) else (other, one)


def _pairs(evidence: Evidence, kind: str) -> tuple[Case, ...]:
    """Return the pairs of a kind; files with the same bytes count once."""
    found: dict[frozenset[str], Case] = {}
    for pair in evidence.alike:
        if pair.kind == kind:
            case = (evidence.records[pair.first], evidence.records[pair.second])
            found.setdefault(frozenset(record.digest for record in case), case)
    return tuple(found.values())
