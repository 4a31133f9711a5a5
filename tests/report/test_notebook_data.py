"""Views of data: the counts are those of the data, the images those of its classes, exclusions are counted."""

from dataclasses import replace

import melanoma_detect as md
from melanoma_detect.data.record import SetAside
from melanoma_detect.data_audit.finding import Finding
from melanoma_detect.report.notebook_data import audit, dataset, finding, record, split


def test_a_dataset_shows_its_distribution(data, read_view):
    _, text = read_view(dataset(data))
    for label, row in data.distribution().iterrows():
        assert f"{label} {row['train']} {row['validation']} {row['test']}" in text
    assert f"{len(data)} images" in text


def test_a_dataset_shows_one_image_of_each_class(data, read_view):
    elements, _ = read_view(dataset(data))
    alts = [attributes["alt"] for tag, attributes in elements if tag == "img"]
    assert len(alts) == 9
    assert all(any(f"the class {label}," in alt for alt in alts) for label in data.classes)


def test_bars_are_shares_of_the_largest_class(data, read_view):
    elements, _ = read_view(dataset(data))
    widths = [float(attributes["style"][6:-1]) for tag, attributes in elements if tag == "i" and "style" in attributes]
    assert len(widths) == 27
    rows = [sum(widths[start : start + 3]) for start in range(0, 27, 3)]
    totals = data.distribution()["total"]
    assert [round(row) for row in rows] == [round(100 * total / totals.max()) for total in totals]


def test_what_was_excluded_is_counted_by_reason(data, read_view):
    aside = [SetAside(data.test[0], f"reason {number}", "conflict") for number in range(7)]
    aside.append(SetAside(data.test[1], "it cannot be read", "unreadable"))
    _, text = read_view(dataset(replace(data, set_aside=tuple(aside), other_files=(data.test[0].path,))))
    assert "8 images set aside" in text
    assert "7 contradicting labels" in text
    assert "reason 4" in text
    assert "reason 5" not in text
    assert "and 2 more: see data.set_aside" in text
    assert "1 unreadable" in text
    assert "1 other file in the folder, no part of the data" in text


def test_copies_of_balance_are_counted_and_not_shown_as_samples(data, read_view):
    balanced = md.balance(data, to=25, progress=False)
    copies = len(balanced) - len(data)
    _, text = read_view(dataset(balanced))
    assert f"{copies} of the images are copies" in text
    assert len(dataset(data.with_records([])).split("<img")) == 1


def test_many_classes_are_cut(data, read_view):
    many = replace(data, records=(), classes=tuple(f"class {number}" for number in range(60)))
    _, text = read_view(dataset(many))
    assert "class 39" in text
    assert "class 40" not in text
    assert "and 20 more classes" in text


def test_a_missing_file_is_a_reason_in_its_place(data, read_view, tmp_path):
    gone = replace(data.test[0], path=tmp_path / "gone.jpg")
    elements, text = read_view(record(gone))
    assert "gone.jpg" in text
    assert not [tag for tag, _ in elements if tag == "img"]
    assert any(
        attributes.get("role") == "img" and attributes["aria-label"].endswith("no image") for _, attributes in elements
    )


def test_a_split_shows_its_own_images_only(data, read_view):
    _, text = read_view(split(data.validation))
    assert f"Split validation: {len(data.validation)} images" in text
    assert "train" not in text


def test_a_record_shows_what_is_known(data, read_view):
    one = replace(data.test[0], metadata={"age": "45", "sex": "female"}, parent="another")
    _, text = read_view(record(one))
    assert "age 45" in text
    assert "made from another" in text
    assert one.group in text


def test_an_audit_shows_pairs_side_by_side(data, found, read_view):
    pair = (data.train[0], data.test[0])
    one = Finding("image in two splits", 2, "effect", "advice", (pair, pair, pair, pair, pair), "2 images")
    result = replace(found, findings=(one, replace(one, kind="another")))
    elements, text = read_view(audit(result))
    assert "Audit: 2 findings" in text
    cases = [attributes for _, attributes in elements if attributes.get("class") == "mdv-case"]
    assert len(cases) == 8
    assert sum(tag == "img" for tag, _ in elements) == 16
    opened = [("open" in attributes) for tag, attributes in elements if tag == "details"]
    assert opened == [True, False]
    assert "1 more case: " in text


def test_a_large_audit_stays_small(data, found, read_view):
    pair = (data.train[0], data.test[0])
    one = Finding("two labels", 99, cases=(pair,) * 99, summary="many")
    elements, _ = read_view(audit(replace(found, findings=(one,) * 14)))
    assert sum(tag == "img" for tag, _ in elements) == 40


def test_an_audit_without_findings_says_so(found, read_view):
    _, text = read_view(audit(replace(found, findings=())))
    assert "Nothing found." in text


def test_a_finding_shows_reasons(data, read_view):
    _, text = read_view(finding(Finding("unreadable", 1, summary="1 file", values={"reasons": ["truncated"]})))
    assert "truncated" in text
