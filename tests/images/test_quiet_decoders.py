"""What decoders say of damaged files reaches no user: not as a warning, not in a log, not on the standard error stream."""

import io
import logging
import subprocess
import sys
import threading
import warnings

import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.images.quiet_decoders import quiet_decoders, silence_libtiff
from melanoma_detect.images.reader import read_pixels

LESION = Image.fromarray(md.draw_lesion("melanoma", seed=5, size=64).pixels)


def tiff(**options):
    file = io.BytesIO()
    LESION.save(file, "TIFF", **options)
    return file.getvalue()


def damaged_tiff():
    """Return a TIFF file whose strips cannot be unpacked, of which libtiff says a word for each."""
    content = bytearray(tiff(compression="tiff_adobe_deflate"))
    content[200:260] = bytes(60)
    return bytes(content)


def odd_tiff():
    """Return a TIFF file with a tag that says that it holds more than the file does, of which Pillow warns."""
    content = bytearray(tiff(software="x" * 50))
    place = content.index(b"\x31\x01\x02\0\x33\0\0\0")
    content[place + 4 : place + 8] = b"\xff\xff\0\0"
    return bytes(content)


@pytest.mark.parametrize("content", [damaged_tiff(), odd_tiff()], ids=["damaged", "odd"])
def test_a_process_says_nothing(content, tmp_path):
    (tmp_path / "a.tif").write_bytes(content)
    code = (
        "import sys, warnings; warnings.simplefilter('always')\n"
        "from melanoma_detect.errors import ImageError\nfrom melanoma_detect.images.reader import read_pixels\n"
        "try: read_pixels(sys.argv[1])\nexcept ImageError: print('refused')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_pillow_alone_says_it():
    with pytest.warns(UserWarning, match="Tag data larger than file"):
        Image.open(io.BytesIO(odd_tiff()), formats=["TIFF"])


def test_warnings_that_are_errors_fail_nothing_and_others_stay():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        read_pixels(odd_tiff())
        before = list(warnings.filters)
        with quiet_decoders(), pytest.raises(UserWarning, match="mine"):
            warnings.warn("mine", UserWarning, stacklevel=1)
        assert warnings.filters == before
    assert caught == []


def test_the_filter_is_there_while_any_thread_reads():
    inside, done = threading.Event(), threading.Event()
    before = list(warnings.filters)

    def read():
        with quiet_decoders():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=read)
    thread.start()
    inside.wait(10)
    with quiet_decoders(), quiet_decoders():
        assert len(warnings.filters) == len(before) + 1
    assert len(warnings.filters) == len(before) + 1
    done.set()
    thread.join()
    assert warnings.filters == before


def test_a_warning_that_is_shown_once_is_not_shown_again():
    shown = []
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda *about: shown.append(about)
        for _ in range(3):
            read_pixels(odd_tiff())
            warnings.warn("of the caller", UserWarning, stacklevel=1)
    assert len(shown) == 1


def test_logs_of_others_stay(caplog):
    logger = logging.getLogger("PIL.TiffImagePlugin")
    with caplog.at_level(logging.DEBUG):
        with quiet_decoders():
            logger.error("of a file that is read")
        logger.error("of the user's own")
    assert [record.message for record in caplog.records] == ["of the user's own"]


def test_libtiff_is_silenced_once():
    silence_libtiff()
    silence_libtiff()
