"""Untrusted zips: what is read and what is rejected; declared sizes are not trusted."""

import io
import stat
import struct
import zipfile

import pytest

from profiles.imports.zip_reader import (
    MAX_DIRECTORY,
    MAX_ENTRIES,
    Archive,
    EntryRefused,
    NotAnArchive,
    TooManyBytes,
    TooManyEntries,
)

LIMIT = 10_000
TOTAL = 1_000_000


def zip_of(*files, kind=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as made:
        for name, content in files:
            made.writestr(name, content)
    return out.getvalue()


def opened(data, total=TOTAL, read_bytes=0):
    return Archive(io.BytesIO(data), total=total, read_bytes=read_bytes)


def refused(data):
    archive = opened(data)
    [entry] = archive.entries
    with pytest.raises(EntryRefused) as refusal:
        archive.read(entry, limit=LIMIT)
    return refusal.value.code


def end_with(data, *, entries=None, length=None):
    """Return a zip whose end record says something else."""
    at = data.rindex(b"PK\x05\x06")
    fields = list(struct.unpack_from("<4s4H2LH", data, at))
    if entries is not None:
        fields[3] = fields[4] = entries
    if length is not None:
        fields[5] = length
    return data[:at] + struct.pack("<4s4H2LH", *fields)


def entry_with(data, **changes):
    """Return a zip of one file whose directory says something else of it."""
    at = data.rindex(b"PK\x01\x02")
    places = {"flags": ("<H", 8), "method": ("<H", 10), "size": ("<L", 24), "offset": ("<L", 42)}
    changed = bytearray(data)
    for name, value in changes.items():
        shape, offset = places[name]
        struct.pack_into(shape, changed, at + offset, value)
    return bytes(changed)


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_are_read(kind):
    archive = opened(zip_of(("ada/1.jpg", b"one"), ("eve/2.jpg", b"two" * 1000), kind=kind))

    assert [one.path for one in archive.entries] == ["ada/1.jpg", "eve/2.jpg"]
    assert [archive.read(one, limit=LIMIT) for one in archive.entries] == [b"one", b"two" * 1000]
    assert archive.read_bytes == 3003


def test_what_computers_leave_in_folders_is_passed_over():
    names = [
        *("ada/", "ada/.DS_Store", "__MACOSX/ada/._1.jpg", "ada/Thumbs.db", ".git/config"),
        *("ada/desktop.ini", "ada/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", "ada/#recycle/2.jpg"),
        *("$RECYCLE.BIN/ada/3.jpg", "people/lost+found/4.jpg", "ada/.thumbnails/1.jpg"),
        *("ada\\@Recycle\\5.jpg", "ada/1.jpg"),
    ]

    assert [one.path for one in opened(zip_of(*[(n, b"") for n in names])).entries] == ["ada/1.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        *("../eve.jpg", "ada/../../eve.jpg", "/etc/passwd", "ada/..", "./ada/1.jpg", "ada//1.jpg"),
        *("ada\\1.jpg", "..\\eve.jpg", "C:/ada/1.jpg", "c:ada.jpg", "ada/\n.jpg", "ada/1\x7f.jpg"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name):
    assert refused(zip_of((name, b"photo"))) == "unsafe_name"


def test_a_name_with_a_null_byte_is_refused():
    data = zip_of(("ada/1.jpgX.exe", b"photo")).replace(b"1.jpgX.exe", b"1.jpg\0.exe")

    assert refused(data) == "unsafe_name"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_what_is_no_plain_file_is_refused(kind):
    info = zipfile.ZipInfo("ada/1.jpg")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16

    assert refused(zip_of((info, b"/etc/passwd"))) == "link"


def test_an_encrypted_file_is_refused():
    assert refused(entry_with(zip_of(("ada/1.jpg", b"photo")), flags=1)) == "encrypted"


def test_a_bomb_is_refused_before_it_is_read():
    data = zip_of(("ada/1.jpg", b"\0" * 50_000_000))
    archive = opened(data)

    assert len(data) < 100_000
    assert refused(data) == "too_many_bytes"
    assert archive.read_bytes == 0


def test_a_bomb_that_lies_about_its_size_yields_no_more_than_it_says():
    data = entry_with(zip_of(("ada/1.jpg", b"\0" * 50_000_000)), size=LIMIT)
    archive = opened(data)

    with pytest.raises(EntryRefused) as refusal:
        archive.read(archive.entries[0], limit=LIMIT)

    assert refusal.value.code == "unreadable_entry"
    assert archive.read_bytes <= LIMIT + 1


@pytest.mark.parametrize(
    "changes", [{"method": 14}, {"method": 99}, {"offset": 0x7FFFFFFF}, {"flags": 0x20}]
)
def test_a_file_that_cannot_be_unpacked_is_refused(changes):
    assert refused(entry_with(zip_of(("ada/1.jpg", b"photo")), **changes)) == "unreadable_entry"


def test_a_file_whose_content_is_torn_is_refused():
    data = zip_of(("ada/1.jpg", b"photo of ada"), kind=zipfile.ZIP_STORED)

    assert refused(data.replace(b"photo of ada", b"photo of eve")) == "unreadable_entry"


def test_a_file_before_the_beginning_of_the_zip_is_refused():
    assert refused(zip_of(("ada/1.jpg", b"photo"))[40:]) == "unreadable_entry"


def test_all_files_together_have_a_limit_that_lasts_over_an_interruption():
    data = zip_of(*[(f"ada/{n}.jpg", b"x" * 100) for n in range(5)])
    archive = opened(data, total=250)
    first, second, third = archive.entries[:3]
    archive.read(first, limit=LIMIT)
    archive.read(second, limit=LIMIT)

    with pytest.raises(TooManyBytes):
        archive.read(third, limit=LIMIT)
    with pytest.raises(TooManyBytes):
        opened(data, total=250, read_bytes=200).read(third, limit=LIMIT)


def test_the_most_entries_are_read_and_one_more_is_not():
    names = [(f"ada/{n}.jpg", b"") for n in range(MAX_ENTRIES + 1)]

    assert len(opened(zip_of(*names[:-1])).entries) == MAX_ENTRIES
    with pytest.raises(TooManyEntries):
        opened(zip_of(*names))


def many_entries(count):
    """Return a directory of empty files, and nothing else, as a zip."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *[0] * 11, 1, *[0] * 6) + b"a"
    directory = entry * count
    stated = min(count, 0xFFFF)
    return directory + struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, stated, stated, len(directory), 0, 0
    )


@pytest.fixture
def never_parsed(monkeypatch):
    def parse(*_args):
        raise AssertionError("zipfile was asked to read it")

    monkeypatch.setattr("profiles.imports.zip_reader.zipfile.ZipFile", parse)


def test_a_hundred_thousand_entries_never_reach_the_parser(never_parsed):
    with pytest.raises(TooManyEntries):
        opened(many_entries(100_000))


def test_a_count_that_lies_does_not_help(never_parsed):
    many = many_entries(20_000)
    assert len(many) < MAX_DIRECTORY

    with pytest.raises(TooManyEntries):
        opened(end_with(many, entries=1))
    with pytest.raises(NotAnArchive):
        opened(end_with(many_entries(3), entries=2))


def test_a_directory_that_is_too_long_never_reaches_the_parser(never_parsed):
    long = _long_directory(70, comment=65_000)
    assert len(long) > MAX_DIRECTORY

    with pytest.raises(TooManyEntries):
        opened(long)


def _long_directory(count, *, comment):
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *[0] * 11, 1, 0, comment, *[0] * 4)
    directory = (entry + b"a" + b"x" * comment) * count
    return directory + struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), 0, 0
    )


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"PK", b"no zip at all", b"PK\x05\x06", b"\xff\xd8\xff" * 100),
        zip_of(("ada/1.jpg", b"photo"))[:-1],
        end_with(zip_of(("ada/1.jpg", b"photo")), length=3_000_000),
        end_with(zip_of(("ada/1.jpg", b"photo")), length=10),
        b"PK\x06\x07" + b"\0" * 16 + end_with(zip_of(), entries=0),
    ],
)
def test_what_is_no_zip_is_refused(data):
    with pytest.raises(NotAnArchive):
        opened(data)


def test_an_empty_zip_has_no_files():
    assert opened(zip_of()).entries == []


def test_a_zip_behind_something_else_and_with_a_comment_is_read():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("ada/1.jpg", b"photo")
        made.comment = b"from the camera"
    archive = opened(b"#!/bin/sh\n" + out.getvalue())

    assert archive.read(archive.entries[0], limit=LIMIT) == b"photo"


@pytest.mark.parametrize("name", ["ada/Übung.jpg", "ada/写真.jpg", "ada/é.jpg", "ada/😀.jpg"])
@pytest.mark.parametrize("says_so", [True, False])
def test_names_are_unicode_whether_they_say_so_or_not(name, says_so):
    data = zip_of((name, b"photo"))
    if not says_so:
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = data.index(mark) + offset
            data = data[:at] + b"\0\0" + data[at + 2 :]
    archive = opened(data)

    assert [one.path for one in archive.entries] == [name]
    assert archive.read(archive.entries[0], limit=LIMIT) == b"photo"
