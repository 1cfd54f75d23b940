"""Uppy, from npm: one file of a package, pinned by the digest of all of it."""

import tarfile
from hashlib import sha512
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.engines.servers.daemon import ROOT, EngineError, apt_install, run

VERSION = "5.2.4"
SHA512 = (
    "d5bb6000651bed3bbb1b29a9980f5793219c5c148cf77775140dfa27aa58e25a"
    "fa6b48cc5dfbc5520eba0db9e6fd76aaeac16f9bc2b048f245e3a77c360d04f1"
)
BUNDLE = "package/dist/uppy.min.mjs"
CACHED = ROOT / "var" / f"uppy-{VERSION}.min.mjs"


def uppy() -> Path:
    """Return Uppy as one ES module, fetched if it is not there yet; raises EngineError."""
    if not CACHED.exists():
        CACHED.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=CACHED.parent) as folder:
            fetched = Path(folder) / "fetched"
            fetched.write_bytes(_bundle(Path(folder)))
            fetched.replace(CACHED)
    return CACHED


def _bundle(folder: Path) -> bytes:
    _install_npm()
    run("npm", "pack", f"uppy@{VERSION}", "--ignore-scripts", "--pack-destination", folder)
    [package] = folder.glob("*.tgz")
    if sha512(package.read_bytes()).hexdigest() != SHA512:
        raise EngineError(f"uppy {VERSION} from npm is not what it was")
    with tarfile.open(package) as archive:
        content = archive.extractfile(BUNDLE)
        assert content
        return content.read()


def _install_npm() -> None:
    try:
        run("npm", "--version")
    except EngineError:
        apt_install("nodejs", "npm")
