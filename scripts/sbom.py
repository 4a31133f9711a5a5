"""Write what an installation brings with it, as a list for other programs (an SBOM, CycloneDX 1.6 in JSON), beside each wheel.

    python scripts/sbom.py [--dist dist]

Each wheel is installed into an environment of its own, which cyclonedx-py lists. Added to that list: the wheel's digest, ONNX
Runtime for browsers, which the wheel holds for `export("page")`, and the default detector. The same wheel and the same versions
give the same file: it has no date and no serial number.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from lowest_versions import find_uv

ROOT = Path(__file__).parents[1]
CORE = "melanoma-detect-core"
_RUNTIME = "melanoma_detect/page/runtime"
_DETECTOR = "melanoma_detect/shipped/default.detector"


def digest_of(content: bytes) -> str:
    """Return the SHA-256 digest of bytes."""
    return hashlib.sha256(content).hexdigest()


def install(uv: str, wheels: list[Path], folder: Path) -> Path:
    """Make an environment with these wheels and what they require; return its Python."""
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    own = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(own), *map(str, wheels)], check=True)
    return own


def list_environment(python: Path) -> dict[str, Any]:
    """Return what is installed in an environment, as CycloneDX."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--spec-version", "1.6"]
    done = subprocess.run([*command, "--of", "JSON", str(python)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"cyclonedx-py failed: {done.stderr.strip()[-500:]}")
    return dict(json.loads(done.stdout))


def contents_of(wheel: Path) -> list[dict[str, Any]]:
    """Return what the core wheel holds beside its own code: ONNX Runtime for browsers, and the default detector."""
    found = []
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        if f"{_RUNTIME}/VERSION" in names:
            version = archive.read(f"{_RUNTIME}/VERSION").decode().strip()
            reference = f"pkg:npm/onnxruntime-web@{version}"
            runtime = {"type": "library", "bom-ref": reference, "name": "onnxruntime-web", "version": version}
            licences = [{"license": {"id": "MIT", "acknowledgement": "declared"}}]
            found.append(runtime | {"purl": reference, "licenses": licences, "scope": "required"})
        digest = digest_of(archive.read(_DETECTOR))
    detector = {"type": "machine-learning-model", "bom-ref": "default.detector", "name": "default.detector"}
    licences = [{"license": {"id": "CC-BY-NC-4.0", "acknowledgement": "declared"}}]
    hashes = [{"alg": "SHA-256", "content": digest}]
    return [*found, detector | {"licenses": licences, "hashes": hashes}]


def complete(bom: dict[str, Any], wheel: Path, core: Path) -> dict[str, Any]:
    """Return the list with the wheel as what it is about, and with what the core wheel holds."""
    name = wheel.name.split("-", 1)[0].replace("_", "-")
    own = {component["name"]: component for component in bom["components"]}
    for path, component in ((wheel, own[name]), (core, own[CORE])):
        component["hashes"] = [{"alg": "SHA-256", "content": digest_of(path.read_bytes())}]
        # Where the wheel lay on the machine that made this list concerns nobody.
        component.pop("externalReferences", None)
        component["purl"] = f"pkg:pypi/{component['name']}@{component['version']}"
    inside = contents_of(core)
    reference = own[CORE]["bom-ref"]
    for entry in bom["dependencies"]:
        if entry["ref"] == reference:
            entry["dependsOn"] = sorted([*entry.get("dependsOn", []), *(part["bom-ref"] for part in inside)])
    bom["dependencies"] += [{"ref": part["bom-ref"]} for part in inside]
    bom["components"] = sorted(
        [*(component for component in bom["components"] if component["name"] != name), *inside],
        key=lambda component: str(component["bom-ref"]),
    )
    bom.setdefault("metadata", {})["component"] = own[name]
    for changing in ("serialNumber", "timestamp"):
        bom.pop(changing, None)
        bom["metadata"].pop(changing, None)
    return bom


def main() -> int:
    """Write a list for each wheel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where the wheels lie")
    parser.add_argument("--core-only", action="store_true", help="leave out the wheel that brings the training stack")
    chosen = parser.parse_args()
    uv = find_uv()
    [core] = chosen.dist.glob("melanoma_detect_core-*.whl")
    whole = [] if chosen.core_only else list(chosen.dist.glob("melanoma_detect-*.whl"))
    with tempfile.TemporaryDirectory() as scratch:
        for wheel in (core, *whole):
            python = install(uv, [core] if wheel == core else [core, wheel], Path(scratch, wheel.stem))
            bom = complete(list_environment(python), wheel, core)
            file = chosen.dist / f"{'-'.join(wheel.stem.split('-')[:2])}.cdx.json"
            file.write_text(json.dumps(bom, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(f"{file}: {len(bom['components'])} components")
    return 0


if __name__ == "__main__":
    sys.exit(main())
