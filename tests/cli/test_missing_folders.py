"""A note on folders that are made for an output."""

from melanoma_detect.cli.missing_folders import note_missing_folder


def test_only_a_missing_folder_is_noted(tmp_path, capsys):
    note_missing_folder(tmp_path / "scores.csv", None)
    assert capsys.readouterr().err == ""
    note_missing_folder(tmp_path / "slip" / "scores.csv")
    assert capsys.readouterr().err == f"Note: {tmp_path / 'slip'}: no such folder; it will be made for scores.csv\n"
