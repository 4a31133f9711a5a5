"""Fetch ONNX Runtime for browsers, which `Detector.export("page")` puts into its page, into the package.

python scripts/fetch_web_runtime.py                  fetch what is missing or of another version
python scripts/fetch_web_runtime.py --if-possible    the same; where that fails, say why and go on without

The files come from the npm package onnxruntime-web, which `npm pack` fetches through npm's own settings, and each is compared
with a digest written here. They are kept compressed, since the page holds them so; the same files are written each time.
"""

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

VERSION = "1.30.0"
DIGESTS = {  # SHA-256 of the files in the npm package
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
WRITTEN = {"ort.wasm.bundle.min.mjs": "ort.mjs.gz", "ort-wasm-simd-threaded.wasm": "ort.wasm.gz"}
LICENCES = {"LICENSE": "LICENSE", "ThirdPartyNotices.txt": "ThirdPartyNotices.txt"}
MARK = "VERSION"  # written last: what is there is whole
FOLDER = Path(__file__).parents[1] / "src" / "melanoma_detect" / "page" / "runtime"


class FetchError(Exception):
    """The files cannot be had; the message says why and what to do."""


def fetch(folder: Path = FOLDER, package: Path | None = None) -> bool:
    """Write the runtime's files into a folder.

    Args:
        folder: Where to.
        package: The npm package as a file `*.tgz`, for machines without npm; None to fetch it.

    Returns:
        Whether files were written; False where the folder holds this version already.

    Raises:
        FetchError: npm is missing or fails, or a file is another than expected.
    """
    mark = folder / MARK
    if mark.is_file() and mark.read_text(encoding="utf-8").strip() == VERSION:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        archive = package or _pack(Path(scratch))
        contents = {name: _member(archive, name) for name in DIGESTS}
    folder.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    for name, content in contents.items():
        (folder / WRITTEN[name]).write_bytes(gzip.compress(content, 9, mtime=0))
    _copy_licences(folder)
    mark.write_text(VERSION + "\n", encoding="utf-8")
    return True


def _pack(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is not installed; install Node.js, or give the package by --package FILE.tgz")
    command = [npm, "pack", f"onnxruntime-web@{VERSION}", "--silent", "--pack-destination", str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    archives = list(folder.glob("*.tgz"))
    if found.returncode or len(archives) != 1:
        raise FetchError(f"npm pack onnxruntime-web@{VERSION} failed: {(found.stderr or found.stdout).strip()[-500:]}")
    return archives[0]


def _member(archive: Path, name: str) -> bytes:
    try:
        with tarfile.open(archive) as opened:
            file = opened.extractfile(f"package/dist/{name}")
            content = file.read() if file else b""
    except (KeyError, OSError, tarfile.TarError) as error:
        raise FetchError(f"{archive}: has no dist/{name} ({error}); expected onnxruntime-web {VERSION}") from error
    if (digest := hashlib.sha256(content).hexdigest()) != DIGESTS[name]:
        raise FetchError(
            f"{archive}: dist/{name} has the digest {digest}, expected {DIGESTS[name]}: not onnxruntime-web {VERSION}, or "
            "changed"
        )
    return content


def _copy_licences(folder: Path) -> None:
    """Copy the licence and the notices of ONNX Runtime, which its npm package lacks, from its Python package."""
    try:
        files = {Path(str(file)).name: file for file in metadata.files("onnxruntime") or ()}
    except metadata.PackageNotFoundError as error:
        raise FetchError("onnxruntime is not installed, whose licence belongs to the files; install it") from error
    for name, target in LICENCES.items():
        if name not in files or not Path(str(files[name].locate())).is_file():
            raise FetchError(f"the installed onnxruntime has no {name}; install onnxruntime from its wheel")
        shutil.copyfile(str(files[name].locate()), folder / target)


def main() -> int:
    """Fetch what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--if-possible", action="store_true", help="warn and go on where the files cannot be had")
    parser.add_argument("--package", type=Path, help="the npm package as a file, for machines without npm")
    options = parser.parse_args()
    try:
        written = fetch(package=options.package)
    except (FetchError, OSError, subprocess.TimeoutExpired) as error:
        print(f'export("page") will not work, since the runtime for browsers is missing: {error}', file=sys.stderr)
        return 0 if options.if_possible else 1
    print(f"onnxruntime-web {VERSION} {'written to' if written else 'is in'} {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
