"""Zip archives from every system; damaged and hostile ones are refused."""

import shutil
import tarfile
import zipfile

import pytest

import melanoma_detect as md
from melanoma_detect.data.sources.archives import unpack
from melanoma_detect.errors import DatasetError, DataWarning


def write_zip(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("./set/a.jpg", ["set/a.jpg"]),
        ("set//a.jpg", ["set/a.jpg"]),
        ("set\\nevus\\a.jpg", ["set/nevus/a.jpg"]),
        (".", []),
        ("__MACOSX/set/._a.jpg", []),
        ("set/.DS_Store", []),
        ("set/Thumbs.db", []),
        ("n\u00e4vus/a.jpg", ["n\u00e4vus/a.jpg"]),
    ],
)
def test_member_names_become_paths(tmp_path, member, expected):
    archive = write_zip(tmp_path / "a.zip", [("x/x.jpg", b"x"), (member, b"y")])
    assert names(unpack(archive)) == sorted(["x/x.jpg", *expected])


def test_names_in_utf8_without_the_flag_are_read(tmp_path):
    archive = write_zip(tmp_path / "a.zip", [("n\u00e4vus/a.jpg", b"x")])
    data = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset + 1] &= ~0x08
    archive.write_bytes(data)
    assert names(unpack(archive)) == ["n\u00e4vus/a.jpg"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name(tmp_path):
    assert names(unpack(write_zip(tmp_path / "same.zip", [("a.jpg", b"x"), ("./a.jpg", b"x")]))) == ["a.jpg"]
    with pytest.raises(DatasetError, match=r"two different files named a\.jpg"):
        unpack(write_zip(tmp_path / "two.zip", [("a.jpg", b"x"), ("a.jpg", b"y")]))
    with pytest.raises(DatasetError, match="a is both a file and a folder"):
        unpack(write_zip(tmp_path / "both.zip", [("a", b"x"), ("a/b.jpg", b"y")]))


@pytest.mark.parametrize(
    "name", ["../outside.jpg", "/etc/outside.jpg", "a/../../outside.jpg", "C:\\outside.jpg", "..\\x"]
)
def test_archives_that_reach_outside_are_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="lies outside the archive"):
        unpack(write_zip(tmp_path / "evil.zip", [(name, b"x")]))


def test_archives_that_fill_a_disk_or_link_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="times the archive's size"):
        unpack(write_zip(tmp_path / "bomb.zip", [("big.jpg", bytes(20 * 2**20))], compression=zipfile.ZIP_DEFLATED))
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    with pytest.raises(DatasetError, match="is a link"):
        unpack(write_zip(tmp_path / "link.zip", [(link, "/etc/passwd")]))


def test_a_damaged_archive_is_named(tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DatasetError, match=r"broken\.zip: cannot be unpacked"):
        md.load_dataset(tmp_path / "broken.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_members_are_an_error_of_the_data(tmp_path, method):
    archive = write_zip(tmp_path / "a.zip", [("a.jpg", bytes(range(256)) * 40)], compression=method)
    data = bytearray(archive.read_bytes())
    for at in range(60, 110):
        data[at] ^= 0xFF
    archive.write_bytes(data)
    with pytest.raises(DatasetError, match=r"a\.zip: cannot be unpacked"):
        unpack(archive)


def test_an_encrypted_archive_is_refused(tmp_path):
    archive = write_zip(tmp_path / "a.zip", [("a.jpg", b"x")])
    data = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    archive.write_bytes(data)
    with pytest.raises(DatasetError, match="unencrypted"):
        unpack(archive)


def test_a_zip_is_read_like_its_folder(lesions, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "isic9"), "zip", lesions.parent, lesions.name)
    data, folder = md.load_dataset(archive), md.load_dataset(lesions)
    assert [(r.id, r.label, r.digest) for r in data.records] == [(r.id, r.label, r.digest) for r in folder.records]


def test_other_archives_are_refused_with_what_to_do(tree, tmp_path):
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        archive.add(tree({"nevus": 1}), "set")
    (tmp_path / "set.7z").write_bytes(b"7z\xbc\xaf\x27\x1c")
    for name in ("set.tar.gz", "set.7z"):
        with pytest.raises(DatasetError, match="only zip archives are read; unpack it"):
            md.load_dataset(tmp_path / name)


def test_archives_inside_are_named(tree):
    root = tree({"nevus": 8, "melanoma": 8})
    write_zip(root / "more.zip", [("nevus/x.jpg", b"x")])
    with pytest.warns(DataWarning, match=r"1 archive inside is not unpacked \(more\.zip\)"):
        md.load_dataset(root, image_size=(32, 32))


@pytest.mark.parametrize("name", ["n" * 300 + ".jpg", "d/" * 1500 + "a.jpg", ""])
def test_a_member_whose_name_no_file_can_have_is_an_error(tmp_path, name):
    write_zip(tmp_path / "a.zip", [("x.jpg", b"x"), (zipfile.ZipInfo(name or "?"), b"y")])
    if not name:  # zipfile writes no such member
        content = (tmp_path / "a.zip").read_bytes().replace(b"?", b"")
        places = [content.index(b"PK\3\4", 4), content.rindex(b"PK\1\2")]
        content = bytearray(content)
        for place, offset in zip(places, (26, 28), strict=True):
            content[place + offset] = 0
        end = content.index(b"PK\5\6")
        content[end + 12] -= 1
        content[end + 16] -= 1
        (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DatasetError, match=r"without a name, or with one that is too long"):
        unpack(tmp_path / "a.zip")
