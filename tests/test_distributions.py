"""The two distributions agree: melanoma-detect asks for melanoma-detect-core of the same version, and passes its extras on."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

import melanoma_detect as md

ROOT = Path(__file__).parents[1]
CORE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WHOLE = tomllib.loads((ROOT / "packages" / "melanoma-detect" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TAKEN_IN = {"tensorflow", "training"}


def test_the_names():
    assert (CORE["name"], WHOLE["name"]) == ("melanoma-detect-core", "melanoma-detect")


def test_one_version():
    (requirement,) = map(Requirement, WHOLE["dependencies"])
    assert WHOLE["version"] == md.__version__
    assert (requirement.name, str(requirement.specifier)) == (CORE["name"], f"=={md.__version__}")
    assert requirement.extras == TAKEN_IN


def test_every_extra_for_users_is_passed_on():
    passed_on = WHOLE["optional-dependencies"]
    assert set(passed_on) == set(CORE["optional-dependencies"]) - TAKEN_IN - {"tensorflow-cpu", "docs", "dev"}
    assert passed_on == {extra: [f"{CORE['name']}[{extra}]"] for extra in passed_on}


def test_both_say_the_same_of_the_project():
    for key in ("license", "authors", "requires-python", "keywords", "classifiers"):
        assert WHOLE[key] == CORE[key]


def test_either_tensorflow_will_do():
    extras = CORE["optional-dependencies"]
    plain, cpu = (Requirement(extras[name][0]) for name in ("tensorflow", "tensorflow-cpu"))
    assert (plain.name, cpu.name) == ("tensorflow", "tensorflow-cpu")
    assert plain.specifier == cpu.specifier
    assert not any(Requirement(text).name.startswith("tensorflow") for text in extras["training"])
