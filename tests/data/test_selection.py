"""`Dataset.only` and `Dataset.where`: parts of a dataset."""

import warnings
from collections import Counter
from dataclasses import replace

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DataWarning


@pytest.fixture(scope="module")
def table(data):
    """Return the lesions as if a table had come with them: sex, age with gaps, and a column whose name is no keyword."""

    def row(number):
        age = {} if number % 5 == 0 else {"age": f"{40 + number % 3}.0"}
        return {"sex": ("female", "Male")[number % 2], "anatomical site": ("back", "arm")[number % 4 // 2], **age}

    records = [
        replace(record, metadata=row(number), source=("a", "b")[number % 2])
        for number, record in enumerate(data.records)
    ]
    return data.with_records(records)


@pytest.fixture(scope="module")
def balanced(table):
    return md.balance(table, to=25, progress=False)


def quiet(select):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # some classes have few images
        return select()


def test_only_keeps_classes_in_the_order_of_the_dataset(data):
    two = data.only(classes=["nevus", "melanoma"])
    assert two.classes == ("melanoma", "nevus")
    assert len(two) == sum(record.label in two.classes for record in data.records)
    assert set(two.train.labels) == {0, 1}
    assert data.only("melanoma").classes == ("melanoma",)
    assert {record.id: record.split for record in two.records}.items() <= {r.id: r.split for r in data.records}.items()


def test_only_keeps_a_label_group_whose_classes_all_stay(data):
    groups = {"akiec": ("actinic keratosis", "squamous cell carcinoma")}
    first = next(record for record in data.train if record.label == "actinic keratosis")
    records = [replace(record, label="akiec") if record is first else record for record in data.records]
    coarse = replace(data, label_groups=groups, records=tuple(records))
    assert "akiec" in {record.label for record in coarse.only("akiec").records}
    assert coarse.only("akiec").classes == ("actinic keratosis", "squamous cell carcinoma")
    alone = coarse.only("actinic keratosis")
    assert alone.label_groups == {}
    assert "akiec" not in {record.label for record in alone.records}


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("nevs", "class 'nevs'; did you mean 'nevus'"),
        (["nevus", 3], "class 3; expected one of actinic"),
        ([], r"classes=\[\]; expected one or more of actinic"),
    ],
)
def test_unknown_classes_raise(data, classes, message):
    with pytest.raises(DatasetError, match=message):
        data.only(classes)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"sex": "female"}, lambda record: record.metadata["sex"] == "female"),
        ({"sex": "FEMALE", "source": "a"}, lambda record: record.metadata["sex"] == "female" and record.source == "a"),
        ({"sex": ["female", "male"]}, lambda record: True),
        ({"age": 41}, lambda record: record.metadata.get("age") == "41.0"),
        ({"age": range(41, 43)}, lambda record: record.metadata.get("age") in ("41.0", "42.0")),
        ({"age": None}, lambda record: "age" not in record.metadata),
        ({"age": lambda age: age > 40}, lambda record: record.metadata.get("age", "40.0") != "40.0"),
        ({"split": "test"}, lambda record: record.split == "test"),
        ({"label": lambda label: label.startswith("mel")}, lambda record: record.label == "melanoma"),
        ({"anatomical_site": "back"}, lambda record: record.metadata["anatomical site"] == "back"),
    ],
)
def test_where_takes_values_by_column(table, columns, expected):
    left = quiet(lambda: table.where(**columns))
    assert [record.id for record in left.records] == [record.id for record in table.records if expected(record)]
    assert left.classes == tuple(label for label in table.classes if label in {record.label for record in left.records})


def test_a_name_with_an_underscore_is_no_number(data):
    """Python reads "1_1" as 11; as a lesion's name it is another one."""
    names = ("1_1", "11", "011")
    records = [
        replace(record, metadata={"lesion": names[number % len(names)]}) for number, record in enumerate(data.records)
    ]
    found = quiet(lambda: data.with_records(records).where(lesion="11"))
    assert {record.metadata["lesion"] for record in found.records} == {"11", "011"}


def test_where_takes_a_function_and_columns_whose_names_are_no_keywords(table):
    back = quiet(lambda: table.where({"anatomical site": "back"}, sex="female"))
    same = quiet(
        lambda: table.where(
            lambda record: (record.metadata["anatomical site"], record.metadata["sex"]) == ("back", "female")
        )
    )
    assert back.records == same.records
    assert 0 < len(back) < len(table)


@pytest.mark.parametrize(
    ("condition", "columns", "message"),
    [
        (None, {"sx": "female"}, "column 'sx'; did you mean 'sex'.*expected one of id, path, label"),
        (
            None,
            {"sex": "femal"},
            r"sex='femal': no image has it; did you mean 'female'\? there are female \(\d+\), Male",
        ),
        (None, {"sex": ["female", "other"]}, "sex='other': no image has it"),
        (None, {"age": 45}, r"age=45: no image has it; there are .*none \(\d+\)"),
        (None, {"id": "x"}, "and .* other values"),
        (None, {}, "without a condition"),
        (3, {}, r"where\(3\): the condition is a int"),
        (lambda record: False, {}, r"no image is left of \d+ images"),
    ],
)
def test_what_is_not_there_is_named(table, condition, columns, message):
    with pytest.raises(DatasetError, match=message):
        table.where(condition, **columns)


def test_an_error_of_a_condition_names_the_image(table):
    with pytest.raises(KeyError) as caught:
        table.where(lambda record: record.metadata["skin"])
    assert table.records[0].id in caught.value.__notes__[0]


def test_copies_stay_with_their_parents_and_only_with_them(balanced):
    female = quiet(lambda: balanced.where(sex="female"))
    parents = {record.id for record in female.records}
    copies = [record for record in female.records if record.parent]
    assert copies
    assert {copy.parent for copy in copies} <= parents
    missing = [record for record in balanced.records if record.parent in parents and record.id not in parents]
    assert missing == []
    assert all(record.parent is None for record in balanced.where(lambda record: record.parent is None).records)
    counts = Counter(record.label for record in balanced.only(["nevus", "melanoma"]).train)
    assert min(counts.values()) == 25


def test_a_class_that_cannot_be_learnt_any_more_is_named(table):
    with pytest.warns(DataWarning, match="no training image of melanoma is left"):
        left = table.where(lambda record: record.label != "melanoma" or record.split == "test")
    assert "melanoma" in left.classes


def test_what_was_set_aside_is_narrowed_too(tree):
    data = quiet(
        lambda: md.load_dataset(tree({"nevus": 8, "melanoma": 8, "scar": 8}), label_map={"scar": None}, test=0)
    )
    assert len(data.set_aside) == 8
    assert len(data.only("nevus").set_aside) == 0
    assert len(data.where(lambda record: True).set_aside) == 8


def test_a_part_can_be_trained_and_audited(data):
    two = data.only(["melanoma", "nevus"])
    assert md.audit(two, progress=False).images == len(two)
    images, labels = two.train.batches((32, 32))[0]
    assert len(images) == len(labels)
    assert labels.max() == 1


def test_several_classes_may_be_named_one_after_the_other(data):
    assert data.only("nevus", "melanoma").classes == ("melanoma", "nevus")
    assert repr(data.only("nevus")).startswith("<Dataset of 1 class: ")
