import sys
import tomllib
from pathlib import Path

import lowest_versions
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.slow  # asks the package index
def test_the_lowest_versions_are_the_bounds_of_the_project():
    listed = lowest_versions.compile_versions(lowest_versions.find_uv(), [], which="lowest", python=sys.executable)
    found = {requirement.name: requirement for requirement in map(Requirement, listed.split())}
    for text in PROJECT["dependencies"]:
        bound = Requirement(text)
        [version] = [each.version for each in found[bound.name].specifier]
        assert version in bound.specifier
        assert version.startswith(next(iter(bound.specifier)).version)


def test_every_extra_that_brings_steps_is_one_of_the_project():
    assert lowest_versions.PARTS.keys() <= PROJECT["optional-dependencies"].keys()
