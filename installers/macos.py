"""macOS: what Info.plist states, and the disk image's recipe (`python -m installers.macos`).

Signing and notarising need a developer's credentials. Without them both steps are left out, said so, and the file's
name carries `-unsigned`; macOS then asks its user before the first start.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from installers import bundle, names

IDENTIFIER = "org.fovea.Fovea"
# The lowest that all wheels of constraints.txt run on (Apple silicon): Qt's and OpenCV's ask for it.
MINIMUM_SYSTEM = "13.0"
ENTITLEMENTS = Path(__file__).parent / "mac" / "entitlements.plist"


def info_plist(version: str) -> dict[str, Any]:
    """The keys of Info.plist beyond those that PyInstaller writes itself."""
    return {
        "CFBundleDisplayName": "Fovea",
        # Of the two programs the one with the window; PyInstaller would take the first, and hide it from the Dock.
        "CFBundleExecutable": bundle.WINDOW_PROGRAM,
        "LSBackgroundOnly": False,
        # What the system says when it asks whether Fovea may use the camera.
        "NSCameraUsageDescription": "Fovea classifies what the camera sees. Nothing is stored unless you keep it.",
        "CFBundleName": "Fovea",
        "CFBundleShortVersionString": version,
        "CFBundleVersion": version,
        "CFBundleDocumentTypes": [
            _document("Image", ["public.image"]),
            _document("DICOM image", ["org.nema.dicom"]),
            _document("Folder", ["public.folder"]),
        ],
        "UTImportedTypeDeclarations": [
            {
                "UTTypeIdentifier": "org.nema.dicom",
                "UTTypeDescription": "DICOM image",
                "UTTypeConformsTo": ["public.data", "public.image"],
                "UTTypeTagSpecification": {
                    "public.filename-extension": ["dcm", "dicom"],
                    "public.mime-type": ["application/dicom"],
                },
            }
        ],
        "LSApplicationCategoryType": "public.app-category.photography",
        "LSArchitecturePriority": ["arm64"],
        "LSMinimumSystemVersion": MINIMUM_SYSTEM,
        "NSHighResolutionCapable": True,
        # The window follows the system's light and dark.
        "NSRequiresAquaSystemAppearance": False,
        "NSHumanReadableCopyright": "Apache License 2.0",
    }


def _document(name: str, types: list[str]) -> dict[str, Any]:
    # Alternate: Fovea offers itself and never takes a picture away from the program that opens it by default.
    return {
        "CFBundleTypeName": name,
        "CFBundleTypeRole": "Viewer",
        "LSHandlerRank": "Alternate",
        "LSItemContentTypes": types,
    }


def recipe(app: Path, image: Path, environment: dict[str, str]) -> list[list[str]]:
    """The commands that make ``image`` of ``app``; with ``FOVEA_SIGN_AS`` signed, with ``FOVEA_NOTARY`` notarised.

    ``FOVEA_SIGN_AS`` is the identity in the keychain, ``FOVEA_NOTARY`` a profile that `notarytool store-credentials`
    wrote there: no secret passes through here.
    """
    identity, profile = environment.get("FOVEA_SIGN_AS", ""), environment.get("FOVEA_NOTARY", "")
    steps: list[list[str]] = []
    if identity:
        sign = ["codesign", "--force", "--timestamp", "--options", "runtime", "--sign", identity]
        # From the inside out: the libraries first, the application, which seals them, last.
        steps += [[*sign, str(file)] for file in libraries(app)]
        steps.append([*sign, "--entitlements", str(ENTITLEMENTS), str(app)])
        steps.append(["codesign", "--verify", "--deep", "--strict", str(app)])
    stage = image.parent / "dmg"
    steps += [
        ["rm", "-rf", str(stage)],
        ["mkdir", "-p", str(stage)],
        ["ditto", str(app), str(stage / app.name)],
        ["ln", "-s", "/Applications", str(stage / "Applications")],
        ["hdiutil", "create", "-volname", "Fovea", "-fs", "HFS+", "-format", "UDZO"],
        ["rm", "-rf", str(stage)],
    ]
    steps[-2] += ["-srcfolder", str(stage), "-ov", str(image)]
    if identity:
        steps.append(["codesign", "--timestamp", "--sign", identity, str(image)])
        if profile:
            steps.append(["xcrun", "notarytool", "submit", str(image), "--keychain-profile", profile, "--wait"])
            steps.append(["xcrun", "stapler", "staple", str(image)])
    return steps


def libraries(app: Path) -> list[Path]:
    """Everything in ``app`` that must be signed on its own."""
    files = [path for path in app.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(path for path in files if path.suffix in (".dylib", ".so") or os.access(path, os.X_OK))


def left_out(environment: dict[str, str]) -> list[str]:
    """What is not done, and why, in words."""
    said = []
    if not environment.get("FOVEA_SIGN_AS"):
        said.append("not signed: FOVEA_SIGN_AS names no identity")
    if not environment.get("FOVEA_SIGN_AS") or not environment.get("FOVEA_NOTARY"):
        said.append("not notarised: that needs FOVEA_SIGN_AS and FOVEA_NOTARY")
    return said


def main(argv: list[str]) -> int:
    """Make the disk image, or with ``--dry-run`` print its commands; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m installers.macos", description="A disk image of Fovea.app.")
    parser.add_argument("--app", type=Path, default=Path("dist/Fovea.app"))
    parser.add_argument("--out", type=Path, default=Path("dist"), help="the folder for the image (default: dist)")
    parser.add_argument("--flavour", default="full", choices=("full", "viewer"))
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    options = parser.parse_args(argv)
    environment = dict(os.environ)
    signed = bool(environment.get("FOVEA_SIGN_AS"))
    image = options.out / names.artefact(options.flavour, "macos-arm64", "dmg", signed)
    for line in left_out(environment):
        print(line)
    if not options.dry_run and shutil.which("hdiutil") is None:
        print("hdiutil is not here: a disk image is made on macOS", file=sys.stderr)
        return 1
    for step in recipe(options.app, image, environment):
        print(" ".join(step))
        if not options.dry_run:
            subprocess.run(step, check=True)
    print(image)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
