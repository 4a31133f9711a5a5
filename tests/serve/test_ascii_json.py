import json

from melanoma_detect.serve.ascii_json import AsciiJSONResponse


def test_a_program_reads_the_same_and_a_terminal_obeys_nothing():
    names = ["\x1b[2J", "\x9b31m", "\u202egnp.exe", "naïve 母斑 👩‍⚕️", "\ud800"]
    body = AsciiJSONResponse({"files": names}).body
    assert json.loads(body) == {"files": names}
    assert all(0x20 <= byte < 0x7F for byte in body)
