"""Messages of the library in the words of the command line."""

import pytest

from melanoma_detect.cli.wording import name_options


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("with label_map={'label': 'class'} in load_dataset", "with --map label=class"),
        ('name them with label_map={"0": "nevus", ...}', "name them with --map 0=nevus"),
        ("rename or drop them with label_map=)", "rename or drop them with --map)"),
        ("label_map names 'mole', which is no label here", "--map names 'mole', which is no label here"),
        ("they stay in, as conflicts='keep' asks", "they stay in, as --conflicts keep asks"),
        ("sensitivity=95; expected over 0", "--sensitivity 95; expected over 0"),
        ("epochs=0; expected 1 or more", "--epochs 0; expected 1 or more"),
        ("image_size=(4, 4); expected", "--image-size (4, 4); expected"),
        ("resume it (resume=True), or delete it", "resume it (--resume), or delete it"),
        ("name one with labels=", "name one with --labels"),
        ("a.csv: already exists; (overwrite=True)", "a.csv: already exists; (--overwrite)"),
        (
            "a: no such detector; train one (Detector.fit) and save it",
            "a: no such detector; train one with 'melanoma-detect train'",
        ),
        ("views=8 rotates images: use views=4", "--views 8 rotates images: use --views 4"),
        ("/data/views=4/a.jpg: no such file", "/data/views=4/a.jpg: no such file"),
        ("See data.set_aside, and md.audit(data)", "See 'melanoma-detect audit'"),
        ("nothing to name here", "nothing to name here"),
    ],
)
def test_options_are_named_as_on_the_command_line(message, expected):
    assert name_options(message) == expected
