"""The detector as one page: a self-contained HTML file that runs it in a browser. NumPy and Pillow only."""

from melanoma_detect.page.exporter import html, write_page

__all__ = ["html", "write_page"]
