import json

from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.data.known_images.index_file import read_index


def run(*arguments):
    return CliRunner().invoke(app, ["fingerprint", *map(str, arguments)])


def test_fingerprint(lesions, tmp_path):
    result = run(lesions, "--name", "Our hospital / 2024")
    assert result.exit_code == 0, result.output
    index = read_index("Our-hospital-2024.known")
    assert index.sets == ("Our hospital / 2024",)
    assert f"{len(index)} entries of Our hospital / 2024" in result.output
    assert run(lesions, "--name", "Our hospital / 2024").exit_code == 1  # exists
    found = json.loads(run(lesions, "--name", "b", "--out", tmp_path / "x.known", "--names", "--json").stdout)
    assert found["entries"] == len(index)
    assert found["written"] == [str(tmp_path / "x.known")]
    assert all(read_index(tmp_path / "x.known").ids)


def test_missing_folder():
    result = run("nowhere", "--name", "a")
    assert result.exit_code == 1
