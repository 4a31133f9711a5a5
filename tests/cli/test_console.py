"""What commands print, on any terminal."""

from melanoma_detect.cli.console import escape_markup, print_note, printable


def test_any_name_can_be_printed():
    assert printable("n\udce4vus \x1b[2J two\nlines nävus") == "n\\udce4vus \\x1b[2J two\\nlines nävus"


def test_square_brackets_are_no_markup():
    assert escape_markup("[red]a[/]") == r"\[red]a\[/]"


def test_a_note_is_one_line_on_standard_error(capsys):
    print_note("Error", "a[b].jpg: " + "long " * 60 + "\nend")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: a[b].jpg: long")
    assert shown.err.count("\n") == 1
