"""Tables as text: the width, folded names, line breaks, Markdown."""

from melanoma_detect.utils.text_table import WIDTH, TextTable, render_markdown, render_text

LONG = "a_hospital_with_a_very_long_name"
TABLE = TextTable(
    "Sets",
    ("set", "images", "AUC"),
    (("ours", "1234", "0.912 [0.901, 0.923]"), (LONG, "5", "–")),
    (("worst set", "", LONG),),
)


def test_numbers_are_aligned_to_the_right_and_long_names_folded():
    lines = render_text(TABLE).splitlines()
    assert lines[0] == "Sets"
    assert lines[2] == "ours                  1234  0.912 [0.901, 0.923]"
    assert lines[3] == "a_hospital_with_a_       5  –"
    assert lines[4] == "very_long_name"
    assert "".join(line[28:].strip() for line in lines[5:]) == LONG


def test_no_line_is_longer_than_the_width():
    wide = TextTable("Sets", ("set", *["0123456789" * 2] * 8), (("ours", *["x" * 60] * 8),))
    assert max(map(len, render_text(wide).splitlines())) <= WIDTH
    assert render_text(wide).count("x") == 480


def test_line_breaks_and_markup_in_cells_are_kept():
    text = render_text(TextTable("Sets", ("set", "recall"), (("[bold]", "0.5\n(12)"),)))
    assert text.splitlines()[2:] == ["[bold]  0.5", "        (12)"]


def test_markdown_joins_tables_side_by_side():
    other = TextTable("More", ("set", "a|b"), (("ours", "x|y"),), (("worst set", "ours"),))
    lines = render_markdown([TABLE, other]).splitlines()
    assert lines[0] == r"| set | images | AUC | a\|b |"
    assert lines[1] == "|---|---|---|---|"
    assert lines[2].endswith(r"| x\|y |")
    assert lines[3] == f"| {LONG} | 5 | – |  |"
    assert lines[4] == f"| worst set |  | {LONG} | ours |"
