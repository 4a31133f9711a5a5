"""The archive's table, and that no two meanings share a spelling."""

import hashlib
import importlib.util
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from melanoma_detect import taxonomy
from melanoma_detect.taxonomy import vocabulary
from melanoma_detect.taxonomy.spelling import letters
from melanoma_detect.taxonomy.vocabulary import look_up

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "src" / "melanoma_detect" / "taxonomy" / "archive.tsv"
VALUES = [line.partition("\t")[0] for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]


def load_script():
    spec = importlib.util.spec_from_file_location("isic_taxonomy", ROOT / "scripts" / "isic_taxonomy.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_table_is_that_of_the_installed_package():
    enum = pytest.importorskip(
        "isic_metadata.diagnosis_hierarchical", reason="isic-metadata is not installed; it needs Python 3.12 or newer"
    ).DiagnosisEnum
    assert load_script().table(str(value) for value in enum) == TABLE.read_text(encoding="utf-8")


def test_the_table_is_what_the_script_writes():
    """With the values of the committed table: the rules and the table belong together, on every Python."""
    script = load_script()
    assert script.table(VALUES) == TABLE.read_text(encoding="utf-8")
    assert script.TABLE == TABLE
    assert set(script.RULES) <= {level for value in VALUES for level in value.split(":")}


def test_the_values_are_those_of_isic_metadata_6():
    assert len(VALUES) == len(set(VALUES)) == 418
    assert Counter(value.partition(":")[0] for value in VALUES) == {
        "Benign": 233,
        "Malignant": 165,
        "Indeterminate": 20,
    }
    assert (
        hashlib.sha256("\n".join(VALUES).encode()).hexdigest()
        == "bf8cc8e510f950e565885a788f631e373160bef8a89b3dd310dc79cd414d624e"
    )


def test_every_value_is_known_by_its_last_level_and_by_all():
    for value in VALUES:
        last = value.rpartition(":")[2]
        assert taxonomy.is_known(value)
        assert taxonomy.meaning(last) == taxonomy.meaning(value) == taxonomy.meaning(value.replace(":", "::"))
        assert taxonomy.malignancy(value) == value.partition(":")[0].lower()


def test_every_parent_covers_what_stands_below_it():
    for value in VALUES:
        parent = value.rpartition(":")[0]
        # A collision is coarse by itself: it may be anything of its malignancy.
        if parent:
            assert taxonomy.covers(parent, value)


def test_every_melanoma_and_nothing_else_is_melanoma():
    found = {value for value in VALUES if taxonomy.meaning(value) == {"MEL"}}
    assert found == {
        value for value in VALUES if value.startswith("Malignant:Malignant melanocytic proliferations (Melanoma)")
    }
    assert len(found) == 29


def test_every_nevus_of_the_archive_is_a_nevus():
    below = {value for value in VALUES if ":Nevus:" in value or value.endswith(":Nevus")}
    assert {taxonomy.find(value).code for value in below} == {"NV"}
    assert len(below) == 32


def test_counts_of_the_values_by_diagnosis():
    found = Counter(taxonomy.find(value).code for value in VALUES if taxonomy.find(value))
    assert found == {"AK": 8, "BCC": 11, "BKL": 10, "DF": 6, "MEL": 29, "NV": 33, "SCC": 40, "SK": 2, "VASC": 31}


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ("Benign:Benign epidermal proliferations", {"BKL", "SK", "epidermal nevus", "porokeratosis"}),
        ("Malignant:Malignant epidermal proliferations", {"SCC", "bowenoid papulosis"}),
        ("Malignant epidermal proliferations", {"SCC", "bowenoid papulosis"}),
        ("Indeterminate epidermal proliferations", {"AK"}),
        ("Benign:Exogenous", {"foreign body granuloma", "tattoo"}),
        ("Merkel cell proliferation", {"merkel cell carcinoma"}),
        ("Nevus of Ota", {"dermal melanocytosis"}),
        ("Scar, Keloid", {"scar"}),
        ("Baso-squamous carcinoma", {"BCC"}),
        ("Actinic keratosis, Bowenoid", {"AK"}),
    ],
)
def test_values_that_could_be_taken_for_something_else(value, codes):
    assert taxonomy.meaning(value) == codes


def test_any_spelling_of_a_value_means_the_same():
    random_ = random.Random(7)
    separators = [" ", "_", "-", ", ", "  ", " - ", ""]
    for value in VALUES:
        last = value.rpartition(":")[2]
        parts = last.replace(",", " ").replace("-", " ").split()
        written = random_.choice(separators).join(
            random_.choice([str.upper, str.lower, str.title])(part) for part in parts
        )
        assert (written, taxonomy.meaning(written)) == (written, taxonomy.meaning(last))


def test_a_word_more_makes_a_label_unknown():
    for value in VALUES:
        last = value.rpartition(":")[2]
        for changed in (f"{last}?", f"suspected {last}", f"{last} excluded", f"no evidence of {last}", f"not {last}"):
            meaning = taxonomy.meaning(changed)
            assert meaning.isdisjoint({"MEL"}) or changed.lower() == "not benign", changed


def test_no_two_meanings_share_a_spelling():
    rows = vocabulary._read_rows()
    malignancies = vocabulary._malignancies(rows)
    named = vocabulary._named_terms(rows, malignancies)
    names = {}
    for spelling, term in (*vocabulary._hand_written(rows, named), *vocabulary._of_archive(rows, named, malignancies)):
        names.setdefault(vocabulary.letters(spelling), set()).add(term.name)
    # ISIC's code BKL is the name of a coarse label and the code of one of the nine.
    both = {"bkl", "pigmented benign keratosis"}
    doubled = {key: found for key, found in names.items() if len(found) > 1}
    assert doubled == dict.fromkeys(("bkl", "benignkeratosis", "benignkeratosislikelesion"), both)


def test_levels_in_one_label():
    assert look_up("Benign > Benign melanocytic proliferations > Nevus").name == "nevus"
    assert look_up("Benign|Nevus").name == "nevus"
    assert look_up("NV - Nevus, Acral").name == "nevus"
    assert look_up("Nevus (benign)") is look_up("nevus")
    assert look_up("Malignant: Nevus") is None
    assert look_up("diagnosis: nevus") is None
    assert look_up("Nevus:") is look_up("nevus")
    assert look_up(":") is None
    assert look_up("()") is None


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("2. Melanoma 15.75k", "melanoma"),
        ("4. Basal Cell Carcinoma (BCC) 3323", "basal cell carcinoma"),
        ("5. Melanocytic Nevi (NV) - 7970", "nevus"),
        ("01_nevus", "nevus"),
        ("not melanoma 3000", "not melanoma"),
        ("Healthy", "normal skin"),
        ("melanoma, superficial spreading type", "melanoma"),
        ("BCC superficial", "basal cell carcinoma"),
    ],
)
def test_numbers_around_a_label_do_not_matter(label, name):
    assert look_up(label).name == name


@pytest.mark.parametrize("label", ["0", "15.75k", "3323", "1.", "melanoma 2?", "banana 3000"])
def test_numbers_alone_are_no_label(label):
    assert look_up(label) is None


def test_the_usual_labels_mean_what_the_whole_table_says():
    """They are looked up in a table of their own, because the whole one takes a tenth of a second to build."""
    whole = vocabulary._vocabulary()
    for diagnosis in taxonomy.DIAGNOSES:
        assert {letters(diagnosis.name), letters(diagnosis.code)} <= vocabulary._USUAL.keys()
    for key, term in vocabulary._USUAL.items():
        assert whole.terms[key] is term


def test_a_prediction_builds_no_table_of_spellings(detector, lesions, tmp_path):
    detector.save(tmp_path / "mine.detector")
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    code = (
        "import melanoma_detect as md; from melanoma_detect.taxonomy import vocabulary; "
        f"md.Detector.load({str(tmp_path / 'mine.detector')!r}).predict({str(image)!r}); "
        "print(vocabulary._vocabulary.cache_info().currsize)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["0"]
