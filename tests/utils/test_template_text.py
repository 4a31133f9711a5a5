"""What every template does with the texts that it shows."""

from jinja2 import Environment

from melanoma_detect.utils.template_text import finalize_text


def test_a_template_shows_names_escaped_twice_over():
    environment = Environment(autoescape=True, finalize=finalize_text)
    template = environment.from_string("<p title=\"{{ name }}\">{{ name }}{{ ' class' | safe }}{{ none }}{{ 3 }}</p>")
    shown = template.render(name="<b>\"\x1b\u202e'")
    assert shown == r"<p title=\"&lt;b&gt;&#34;\x1b\u202e&#39;\">&lt;b&gt;&#34;\x1b\u202e&#39; classNone3</p>".replace(
        r"\"", '"'
    )
