#!/usr/bin/env python3
# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
"""Files on a Triphase site from the command line: put, get, ls, share, rm.

It needs nothing but Python. The key of the site's API comes from TRIPHASE_KEY, or from the file
"triphase/key" in the configuration directory, which nobody else may read; the site from --site or
TRIPHASE_URL. Large files go to the bucket in parts, four at a time; a "put" or "get" that was cut
goes on where it was when it is run again.

Exit status: 0 done, 1 something failed, 2 wrong arguments, 130 interrupted.
"""

import argparse
import getpass
import hashlib
import http.client
import ipaddress
import json
import os
import re
import ssl
import stat
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, unquote, urlencode, urlsplit

SITE = "http://localhost:8000"
TRIES, TIMEOUT, PIECE, AT_ONCE = 6, 60, 256 * 1024, 4
AGAIN = {408, 425, 429, 500, 502, 503, 504}


class Failure(Exception):
    """Something that the user is told; ``code`` is the site's."""

    def __init__(self, message, code=""):
        super().__init__(message)
        self.code = code


# --- Requests ---


def opened(url, method="GET", headers=None, body=None):
    """Send one request; return the answer, whose body is still to be read."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT, context=context)
    elif parts.scheme == "http":
        connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
    else:
        raise Failure("This is no address of a site: " + url)
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    connection.request(method, path, body=body, headers=headers or {})
    return connection.getresponse()


def tried(attempt):
    """Return what ``attempt`` returns; try again after a broken connection or a 5xx."""
    for number in range(TRIES):
        try:
            answer = attempt()
        except (OSError, http.client.HTTPException) as error:
            if number == TRIES - 1:
                raise Failure(f"The connection failed: {error or type(error).__name__}") from error
            wait = 2**number / 4
        else:
            if answer.status not in AGAIN or number == TRIES - 1:
                return answer
            answer.read()
            told = answer.getheader("Retry-After", "")
            wait = int(told) if told.isdigit() else 2**number / 4
        time.sleep(min(wait, 60))
    raise AssertionError


class Site:
    """The API of a site, asked with a key."""

    def __init__(self, url, key):
        self.url, self.key = url.rstrip("/"), key

    def call(self, method, path, content=None):
        """Return what the site answers to a call; raises Failure in the site's words."""
        headers = {"Authorization": "Bearer " + self.key, "Accept": "application/json"}
        body = None
        if content is not None:
            headers["Content-Type"], body = "application/json", json.dumps(content).encode()
        answer = tried(lambda: opened(self.url + path, method, headers, body))
        try:
            told = json.loads(answer.read())
        except ValueError as error:
            raise Failure(f"The site answered {answer.status} and no JSON.") from error
        if answer.status < 300:
            return told
        problem = told.get("error") or {}
        text = problem.get("message", f"The site answered {answer.status}.")
        failure = Failure(text, problem.get("code", ""))
        failure.missing = problem.get("missing", [])
        raise failure


# --- put ---


class Slice:
    """A part of a file, read by http.client; ``passed`` hears of the bytes."""

    def __init__(self, path, start, length, passed):
        self.file, self.left, self.passed = path.open("rb"), length, passed
        self.file.seek(start)

    def read(self, size=-1):
        """Return the next bytes."""
        piece = self.file.read(min(PIECE, self.left))
        self.left -= len(piece)
        self.passed(len(piece))
        return piece

    def close(self):
        """Close the file."""
        self.file.close()


def send(url, headers, path, start, length, passed):
    """Put a part of a file to a presigned URL; sent again, the bytes are counted once."""

    def attempt():
        sent = [0]

        def count(number):
            sent[0] += number
            passed(number)

        body = Slice(path, start, length, count)
        try:
            answer = opened(url, "PUT", dict(headers, **{"Content-Length": str(length)}), body)
        except (OSError, http.client.HTTPException):
            passed(-sent[0])
            raise
        finally:
            body.close()
        if answer.status in AGAIN:
            passed(-sent[0])
        return answer

    answer = tried(attempt)
    text = answer.read().decode(errors="replace")
    if answer.status >= 300 and answer.status != 412:  # 412: it is there already
        code = re.search("<Code>(.*?)</Code>", text)
        raise Failure(f"The bucket refused it: {code[1] if code else answer.status}.")


def put(site, path, name, progress):
    """Upload a file straight to the bucket; return it as the site tells of it."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise Failure(f"{path} is no file.")
        path.open("rb").close()
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
    memory = remembered(site, path, facts)
    upload = resumed(site, memory)
    if upload is None:
        wanted = {"name": name or path.name, "size": facts.st_size, "content_type": ""}
        upload = site.call("POST", "/files/uploads/", wanted)
        upload["arrived"] = []
    bar = Bar(path.name, facts.st_size, progress)
    if upload["mode"] == "put":
        send(upload["url"], upload["headers"], path, 0, facts.st_size, bar.add)
    else:
        kept = {name: upload[name] for name in ("upload_token", "mode", "part_size", "parts")}
        memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        memory.write_text(json.dumps(kept))
        memory.chmod(0o600)
        send_parts(site, upload, path, facts.st_size, bar)
    file = confirmed(site, upload, path, facts.st_size, bar)
    bar.end()
    if memory.exists():
        memory.unlink()
    return file


def remembered(site, path, facts):
    """Return where the upload of just this file to this site is remembered."""
    told = [site.url, str(path.resolve()), facts.st_size, facts.st_mtime_ns]
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "triphase" / digest


def resumed(site, memory):
    """Return the upload that was begun before, with what has arrived; None if it is over."""
    try:
        upload = json.loads(memory.read_text())
        told = site.call("POST", "/files/uploads/state/", {"upload_token": upload["upload_token"]})
    except (OSError, ValueError, KeyError, Failure):
        return None
    if told["state"] in ("refused", "deleted"):
        return None
    upload["arrived"] = [part["number"] for part in told["parts"]]
    if told["state"] == "ready":
        upload["arrived"] = list(range(1, upload["parts"] + 1))
    return upload


def send_parts(site, upload, path, size, bar, numbers=None):
    """Send the parts that have not arrived, four at a time."""
    part_size, token = upload["part_size"], upload["upload_token"]

    def length(number):
        return min(part_size, size - (number - 1) * part_size)

    every = range(1, upload["parts"] + 1)
    missing = numbers or [number for number in every if number not in set(upload["arrived"])]
    if numbers is None:
        bar.add(sum(length(number) for number in upload["arrived"]))
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for start in range(0, len(missing), 20):
            asked = {"upload_token": token, "numbers": missing[start : start + 20]}
            signed = site.call("POST", "/files/uploads/parts/", asked)["parts"]
            sending = [
                threads.submit(
                    *(send, part["url"], part["headers"], path),
                    *((part["number"] - 1) * part_size, length(part["number"]), bar.add),
                )
                for part in signed
            ]
            for one in sending:
                one.result()


def confirmed(site, upload, path, size, bar):
    """Complete the upload; parts that have not arrived after all are sent again."""
    token = {"upload_token": upload["upload_token"]}
    for number in range(TRIES):
        try:
            return site.call("POST", "/files/uploads/confirm/", token)["file"]
        except Failure as failure:
            if failure.code == "incomplete" and failure.missing:
                send_parts(site, upload, path, size, bar, failure.missing)
            elif failure.code not in ("not_uploaded", "conflict") or number == TRIES - 1:
                raise
            else:
                time.sleep(2**number / 4)
    raise Failure("The upload does not come to an end. Run it again to go on.")


# --- get ---


def get(site, wanted, target, force, progress):
    """Download a file by its id, its name or a link; return where it is."""
    url, headers = address(site, wanted)
    cookies = {}
    head = tried(lambda: opened(url, "HEAD", headers))
    head.read()
    if head.status != 200:
        raise Failure(f"There is nothing to be had: {wanted}")
    etag, size = head.getheader("ETag", ""), int(head.getheader("Content-Length", "0"))
    target = Path(target) if target else Path(file_name(head.getheader("Content-Disposition", "")))
    if target.is_dir():
        target = target / file_name(head.getheader("Content-Disposition", ""))
    if target.exists() and not force:
        raise Failure(f"{target} is there already; --force writes over it.")
    begun = target.with_name(
        f".{target.name[:100]}.{hashlib.sha256(etag.encode()).hexdigest()[:12]}.part"
    )
    bar = Bar(target.name, size, progress)
    for number in range(TRIES):
        have = begun.stat().st_size if begun.exists() else 0
        bar.add(have - bar.done)
        if have >= size:
            break
        try:
            fetch(url, headers, cookies, begun, have, etag, bar)
        except (OSError, http.client.HTTPException) as error:
            if number == TRIES - 1:
                raise Failure(f"The connection failed: {error}. Run it again.") from error
            time.sleep(2**number / 4)
    if begun.stat().st_size != size:
        raise Failure("Not all of it has come. Run it again to go on.")
    begun.replace(target)
    bar.end()
    return target


def address(site, wanted):
    """Return URL and headers of what is to be downloaded."""
    link = re.fullmatch(r"(https?://[^/]+)/(?:s|asset-token)/([^/?#]+)/?", wanted)
    if link:
        return "{}/asset-token/{}".format(*link.groups()), {}
    if not re.fullmatch("[0-9a-f]{32}", wanted):
        found = [file for file in listed(site, wanted) if file["name"] == wanted]
        if not found:
            raise Failure(f"You have no file of this name: {wanted}")
        wanted = found[0]["id"]
    return f"{site.url}/asset/{wanted}", {"Authorization": "Bearer " + site.key}


def fetch(url, headers, cookies, begun, have, etag, bar):
    """Fetch what is missing, at the end of what is there."""
    asked = dict(headers)
    if have:
        asked.update({"Range": f"bytes={have}-", "If-Range": etag})
    if cookies:
        asked["Cookie"] = "; ".join("{}={}".format(*pair) for pair in cookies.items())
    answer = tried(lambda: opened(url, "GET", asked))
    if answer.status not in (200, 206):
        raise Failure(f"It cannot be had any more ({answer.status}).")
    for header in answer.headers.get_all("Set-Cookie") or []:
        name, _, value = header.partition(";")[0].partition("=")
        cookies[name] = value
    with begun.open("ab" if answer.status == 206 else "wb") as file:
        if answer.status == 200:
            bar.add(-bar.done)
        while True:
            piece = answer.read(PIECE)
            if not piece:
                return
            file.write(piece)
            bar.add(len(piece))


def file_name(disposition):
    """Return the name under which a download is saved, without any folder."""
    exact = re.search(r"filename\*=UTF-8''([^;]+)", disposition)
    plain = re.search(r'filename="?([^";]+)"?', disposition)
    name = unquote(exact[1]) if exact else plain[1] if plain else "download"
    return re.split(r"[/\\]", name)[-1].strip(". ") or "download"


# --- The others ---


def listed(site, query):
    """Yield the files whose names hold ``query``."""
    after = ""
    while True:
        page = site.call("GET", "/files/?" + urlencode({"q": query, "after": after}))
        yield from page["files"]
        after = page["next"]
        if not after:
            return


def shared(site, file_id, minutes, most, password):
    """Make a link; return its URL."""
    wishes = {"minutes": minutes, "max_downloads": most, "password": password}
    given = {name: value for name, value in wishes.items() if value}
    return site.call("POST", "/files/{}/links/".format(quote(file_id, safe="")), given)["url"]


class Bar:
    """Tells how far a file is, on a terminal only."""

    def __init__(self, name, size, shown):
        self.name, self.size, self.done = name, size, 0
        self.shown, self.lock, self.drawn = shown, threading.Lock(), 0.0

    def add(self, count):
        """Count some bytes."""
        with self.lock:
            self.done += count
            if self.shown and time.monotonic() - self.drawn > 0.1:
                self.draw()

    def draw(self):
        """Draw it."""
        self.drawn = time.monotonic()
        percent = 100 * self.done // self.size if self.size else 100
        line = "\r{:>3} % {:<24} {}".format(percent, "#" * (percent * 24 // 100), self.name[:40])
        sys.stderr.write(line)
        sys.stderr.flush()

    def end(self):
        """Finish it."""
        if self.shown:
            self.draw()
            sys.stderr.write("\n")


def parser():
    """Return the parser of the arguments."""
    every = argparse.ArgumentParser(prog="triphase", description=__doc__.split("\n\n")[0])
    every.add_argument("--site", default=os.environ.get("TRIPHASE_URL", SITE), help="its address")
    every.add_argument("--insecure", action="store_true", help="send the key over plain HTTP, too")
    commands = every.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser("put", help="upload files")
    one.add_argument("files", nargs="+", metavar="FILE")
    one.add_argument("--name", help="the name on the site, for one file")
    one.add_argument("--link", action="store_true", help="print a link to each in place of its id")
    one.add_argument("--minutes", type=int, help="how long the link works")
    one = commands.add_parser("get", help="download a file")
    one.add_argument("file", metavar="ID|NAME|LINK")
    one.add_argument("-o", "--output", metavar="FILE")
    one.add_argument("--force", action="store_true", help="write over a file that is there")
    one = commands.add_parser("ls", help="list files, the newest first")
    one.add_argument("query", nargs="?", default="", help="what their names hold")
    one.add_argument("--json", action="store_true", help="a line of JSON for each")
    one = commands.add_parser("share", help="make a link to a file")
    one.add_argument("file", metavar="ID")
    one.add_argument("--minutes", type=int, help="how long it works")
    one.add_argument("--max-downloads", type=int, help="how often it may be used")
    one.add_argument("--password", action="store_true", help="ask for a password of the link")
    one = commands.add_parser("rm", help="delete files with all their versions")
    one.add_argument("files", nargs="+", metavar="ID")
    return every


def key_of_user():
    """Return the key; raises Failure without one."""
    if os.environ.get("TRIPHASE_KEY"):
        return os.environ["TRIPHASE_KEY"].strip()
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    path = Path(home) / "triphase" / "key"
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise Failure(f"Others may read your key: chmod 600 {path}")
        return path.read_text().strip()
    except OSError as error:
        raise Failure(f"Set TRIPHASE_KEY, or write your key to {path}") from error


def check_site(url, insecure):
    """Raise Failure for an address that a key must not be sent to."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Failure(f"This is no address of a site: {url}")
    try:
        is_here = ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        is_here = parts.hostname == "localhost"
    if parts.scheme == "http" and not is_here and not insecure:
        raise Failure("Others could read your key on the way: use https, or --insecure.")


def run(asked):
    """Do what the arguments say."""
    check_site(asked.site, asked.insecure)
    is_link = asked.command == "get" and "://" in asked.file
    site = Site(asked.site, "" if is_link else key_of_user())
    progress = sys.stderr.isatty()
    if asked.command == "put":
        if asked.name and len(asked.files) > 1:
            raise Failure("--name is for one file.")
        for path in asked.files:
            file = put(site, Path(path), asked.name, progress)
            print(shared(site, file["id"], asked.minutes, None, "") if asked.link else file["id"])
    elif asked.command == "get":
        print(get(site, asked.file, asked.output, asked.force, progress))
    elif asked.command == "ls":
        for file in listed(site, asked.query):
            line = json.dumps(file, ensure_ascii=False)
            plain = "{id}  {size:>13}  {created_at:.16}  {name}".format(**file)
            print(line if asked.json else plain)
    elif asked.command == "share":
        password = getpass.getpass("Password of the link: ") if asked.password else ""
        print(shared(site, asked.file, asked.minutes, asked.max_downloads, password))
    else:
        for file_id in asked.files:
            site.call("POST", "/files/{}/delete/".format(quote(file_id, safe="")), {})


def main():
    """Run, and say in a line what failed."""
    try:
        run(parser().parse_args())
    except Failure as failure:
        sys.exit(f"triphase: {failure}")
    except BrokenPipeError:
        os._exit(1)
    except OSError as error:
        sys.exit(f"triphase: {error}")
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
