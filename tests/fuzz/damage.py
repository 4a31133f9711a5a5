"""Ways to damage a file: blindly, and with its checksums made right again, so that what lies behind them is reached.

A damage takes the content, the largest length, a source of chance, and what changes bytes blindly: `blindly` here, or the
mutator of libFuzzer, which knows what the program has looked at.
"""

import gzip
import io
import json
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from melanoma_detect.inference.members import DIGESTS, SIGNATURE, digests_to_bytes

Blindly = Callable[[bytes, int], bytes]
Damage = Callable[[bytes, int, random.Random, Blindly], bytes]

Members = list[tuple[str, bytes]]
Finish = Callable[[Members], Members]

_PNG_MARK = b"\x89PNG\r\n\x1a\n"
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_ODD_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**63,
        10**400,
        -0.0,
        1e-320,
        1e308,
        float("nan"),
        float("inf"),
        -float("inf"),
    ),
    *(
        "",
        "0",
        "melanoma",
        "\u202e",
        "\ud800",
        "a" * 3000,
        "=1+1",
        "\x1b[31m",
        "../x",
        [],
        [[]],
        {},
        {"": None},
        [0] * 500,
    ),
)


def blind(chance: random.Random) -> Blindly:
    """Return what damages bytes blindly: bits and bytes change, parts go, come twice, or become a telling number."""

    def damage(content: bytes, max_length: int) -> bytes:
        changed = bytearray(content)
        for _ in range(chance.randint(1, 5)):
            place, length = chance.randrange(len(changed) + 1), chance.randint(1, 16)
            way = chance.randrange(6)
            if way == 0:
                del changed[place : place + chance.choice((1, length, len(changed)))]
            elif way == 1:
                changed[place:place] = chance.randbytes(length)
            elif way == 2:
                changed[place:place] = changed[place : place + 4 * length]
            elif way == 3:
                number = chance.choice(_NUMBERS)
                width = chance.choice((1, 2, 4))
                order = chance.choice(("little", "big"))
                changed[place : place + width] = (number & (2 ** (8 * width) - 1)).to_bytes(width, order)
            elif place < len(changed):
                changed[place] = changed[place] ^ (1 << chance.randrange(8)) if way == 4 else chance.randrange(256)
        return bytes(changed[:max_length])

    return damage


def plain(content: bytes, max_length: int, _: random.Random, blindly: Blindly) -> bytes:
    """Damage a file of any format."""
    return blindly(content, max_length)


def png(content: bytes, max_length: int, chance: random.Random, blindly: Blindly) -> bytes:
    """Damage a PNG file, mostly with right checksums, and now and then behind its compression."""
    if chance.random() < 0.2 or not content.startswith(_PNG_MARK):
        return blindly(content, max_length)
    chunks = list(_chunks(content))
    if not chunks:
        return blindly(content, max_length)
    at = chance.randrange(len(chunks))
    name, data = chunks[at]
    if name == b"IDAT" and chance.random() < 0.7:
        data = zlib.compress(blindly(_inflated(data), 4 * max_length), 1)
    elif chance.random() < 0.1:
        name = blindly(name, 4).ljust(4, b"\0")
    else:
        data = blindly(data, max_length)
    chunks[at] = (name, data)
    if chance.random() < 0.1:
        chunks.insert(chance.randrange(len(chunks) + 1), chance.choice(chunks))
    made = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return (_PNG_MARK + b"".join(made))[:max_length]


def _chunks(content: bytes) -> Any:
    place = len(_PNG_MARK)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        yield content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        place += 12 + length


def _inflated(data: bytes, window: int = zlib.MAX_WBITS) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(data, 2**16)
    except zlib.error:
        return b""


def json_text(content: bytes, max_length: int, chance: random.Random, blindly: Blindly) -> bytes:
    """Damage JSON: mostly one value becomes an odd one."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        values = None
    if chance.random() < 0.15 or not isinstance(values, dict | list):
        return blindly(content, max_length)
    for _ in range(chance.randint(1, 2)):
        _change_value(values, chance)
    return json.dumps(values).encode()[:max_length]


def _change_value(values: Any, chance: random.Random) -> None:
    """Change a value somewhere in dictionaries and lists."""
    while True:
        if not values:
            return
        key = chance.choice(list(values)) if isinstance(values, dict) else chance.randrange(len(values))
        value = values[key]
        if isinstance(value, dict | list) and value and chance.random() < 0.85:
            values = value
            continue
        way = chance.random()
        if way < 0.15:
            del values[key]
        elif way < 0.3 and isinstance(value, int | float) and abs(value) < 2**60:
            values[key] = value * chance.choice((-1, 0.5, 2, 1000, 1e-9)) + chance.choice((0, 1, -1, 1e-12))
        elif way < 0.4 and isinstance(values, dict):
            values[str(chance.choice(_ODD_VALUES))[:20]] = value
        else:
            values[key] = chance.choice(_ODD_VALUES)
        return


def archive(
    content: bytes, max_length: int, chance: random.Random, blindly: Blindly, finish: Finish = lambda members: members
) -> bytes:
    """Damage a zip: mostly one of its members, which then has the right checksum; or its name, or the directory."""
    try:
        members = _members(content)
    except Exception:  # noqa: BLE001 - it was damaged before
        members = []
    if chance.random() < 0.15 or not members:
        return blindly(content, max_length)
    at = chance.randrange(len(members))
    name, inside = members[at]
    way = chance.random()
    if way < 0.04:
        del members[at]
    elif way < 0.08:
        members.append((name, inside))
    elif way < 0.16:
        changed = blindly(name.encode(errors="replace"), 200).decode(errors="replace")
        members[at] = (changed.replace("\0", "") or "x", inside)
    else:
        members[at] = (name, _by_name(name)(inside, max_length, chance, blindly))
    return _zipped(finish(members))[:max_length]


def detector(content: bytes, max_length: int, chance: random.Random, blindly: Blindly) -> bytes:
    """Damage a detector's file; its digests mostly fit what was changed, as those of a forger would."""
    forge = chance.random() < 0.85
    return archive(content, max_length, chance, blindly, _with_digests if forge else lambda members: members)


def _with_digests(members: Members) -> Members:
    """Return the members of a detector's file with the digests that they have now."""
    others = {name: inside for name, inside in members if name not in (DIGESTS, SIGNATURE)}
    digests = digests_to_bytes(others)
    return [(name, digests if name == DIGESTS else inside) for name, inside in members]


def compressed(content: bytes, max_length: int, chance: random.Random, blindly: Blindly) -> bytes:
    """Damage text that may be compressed by gzip."""
    if content.startswith(b"\x1f\x8b") and chance.random() < 0.8:
        return gzip.compress(blindly(_inflated(content, 16 + zlib.MAX_WBITS), max_length), mtime=0)[:max_length]
    return blindly(content, max_length)


def journal(content: bytes, max_length: int, chance: random.Random, blindly: Blindly) -> bytes:
    """Damage a file of an unfinished run: its first byte says which file the rest is."""
    way: Damage = json_text if content[1:2] in b"{[" and content[1:2] else plain
    return content[:1] + way(content[1:], max_length - 1, chance, blindly)


def reserve_zip(content: bytes) -> bytes:
    """Return a zip with the same members, without the times of its making."""
    return _zipped(_members(content))


def _by_name(name: str) -> Damage:
    ways: dict[str, Damage] = {".json": json_text, ".png": png, ".npz": archive, ".keras": archive}
    return next((way for suffix, way in ways.items() if name.endswith(suffix)), plain)


def _members(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        listed = opened.infolist()
        if sum(member.file_size for member in listed) > 2**22:
            raise ValueError("too large to be taken apart")
        return [(member.filename, opened.read(member)) for member in listed]


def _zipped(members: Members) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, inside in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of two members of one name
                opened.writestr(info, inside)
    return file.getvalue()


DAMAGES: dict[str, Damage] = {
    "png": png,
    "detector": detector,
    "card": json_text,
    "workbook": archive,
    "zip": archive,
    "table": compressed,
    "scored-table": compressed,
    "journal": journal,
}


def damage_of(door: str) -> Damage:
    """Return the way to damage the inputs of a door."""
    from index_files import sealed_known, sealed_similar  # which needs this module

    further: dict[str, Damage] = {"known": sealed_known, "similar": sealed_similar, "sketch": json_text}
    return (DAMAGES | further).get(door, plain)
