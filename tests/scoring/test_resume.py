"""What a run has done so far."""

import pytest

from melanoma_detect.errors import OutputError
from melanoma_detect.scoring.inputs import Item
from melanoma_detect.scoring.resume import Journal
from melanoma_detect.scoring.storage import store_of

ITEMS = [Item(f"{number}.jpg", f"/{number}.jpg") for number in range(7)]


@pytest.fixture
def store():
    return store_of("scores.csv")


def test_parts_are_cut_and_numbered(store):
    parts = list(Journal(store, {}).parts(ITEMS, 3))
    assert [(part.number, len(part.items)) for part in parts] == [(0, 3), (1, 3), (2, 1)]
    assert len({part.digest for part in parts}) == 3


def test_what_a_run_with_other_settings_still_writes_is_not_taken(store):
    first = Journal(store, {"detector": "one"})
    second = Journal(store, {"detector": "another"}, overwrite=True)
    [old], [new] = first.parts(ITEMS, 10), second.parts(ITEMS, 10)
    first.keep(old, [["of the first"]])
    again = Journal(store, {"detector": "another"})
    [part] = again.parts(ITEMS, 10)
    assert part.digest == new.digest
    with pytest.raises(OutputError, match="images have changed"):
        again.has(part)


def test_a_file_half_written_is_no_part(store):
    journal = Journal(store, {})
    [part] = journal.parts(ITEMS, 10)
    (store.folder / f"0000000-{part.digest}.csv.123").write_text("half")
    again = Journal(store, {})
    assert not again.has(part)
    again.keep(part, [["a,b", "c\r\nd"]])
    assert list(again.rows([part])) == [["a,b", "c\r\nd"]]
    assert Journal(store, {}).has(part)


@pytest.mark.parametrize(
    ("before", "now", "fits"),
    [
        ({"answers": [0.5, 0.25]}, {"answers": [0.5001, 0.25]}, True),
        ({"answers": [0.5, 0.25]}, {"answers": [0.52, 0.25]}, False),
        ({"answers": [0.5, 0.25]}, {"answers": [0.5]}, False),
        ({"batch size": 32}, {"batch size": 33}, False),
        ({}, {"batch size": 32}, False),
    ],
)
def test_answers_may_differ_a_little_and_settings_not_at_all(store, before, now, fits):
    journal = Journal(store, {"detector": before})
    [part] = journal.parts(ITEMS, 10)
    journal.keep(part, [])
    if fits:
        assert Journal(store, {"detector": now}).has(part)
        return
    with pytest.raises(OutputError, match="another detector"):
        Journal(store, {"detector": now})


def test_a_run_that_did_nothing_stands_in_nobodys_way(store):
    Journal(store, {"detector": "one"})
    Journal(store, {"detector": "another"})
    assert list(Journal(store, {"detector": "third"}).parts([], 10)) == []
