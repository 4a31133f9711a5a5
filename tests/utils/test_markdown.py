"""Text that others wrote, in Markdown."""

import pytest

from melanoma_detect.utils.markdown import markdown_prose, markdown_text


@pytest.mark.parametrize("name", ["squamous cell carcinoma", "isic_2019 (test)", "ham10000-224", "naevus, 母斑", "a.b"])
def test_ordinary_names_stay(name):
    assert markdown_text(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("![x](https://a.b/c.png)", r"!\[x\](https:\//a.b/c.png)"),
        ("a|b", r"a\|b"),
        ("*a* _b_ `c`", r"\*a\* \_b\_ \`c\`"),
        ("# title", r"\# title"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("www.a.b", r"www\.a.b"),
        ("me@a.b", r"me\@a.b"),
        ("a\n\n# b", r"a\\n\\n# b"),
        ("\x1b[0m", r"\\x1b\[0m"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_a_name_is_no_markup(name, shown):
    assert markdown_text(name) == shown


def test_prose_keeps_emphasis_and_code_and_has_no_html_and_no_link():
    assert markdown_prose("*a* `b` [c](https://d) <e>\n") == r"*a* `b` \[c](https://d) &lt;e>\n"
