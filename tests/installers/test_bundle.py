"""What the frozen program's folder holds."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from installers import bundle, icons, macos

ROOT = Path(__file__).resolve().parents[2]
# What needs one of them says so where it is not there.
_OPTIONAL = ("torch", "onnx", "onnxruntime", "tf2onnx", "pyarrow")


def test_nothing_of_fovea_is_left_out() -> None:
    for folder in ("desktop", "resources", "model_store"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".ts":
                assert bundle.is_wanted(path.relative_to(ROOT).as_posix()), path
    assert all(bundle.is_wanted(f"resources/dicom/{name}") for name in bundle.DICOM_SAMPLES)


@pytest.mark.parametrize(
    "name",
    [
        "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
        "PySide6/Qt/translations/qtbase_fi.qm",
        "PySide6/Qt/translations/qtwebengine_de.qm",
        "resources/translations/fovea_de.ts",
        "tensorflow/include/xla/array.h",
        "numpy/_core/tests/data/a.npy",
        "desktop/__pycache__/x.pyc",
        "libgtk-3.so.0",
    ],
)
def test_what_no_user_needs_is_left_out(name: str) -> None:
    assert not bundle.is_wanted(name)


def test_the_words_of_every_language_of_fovea_are_kept() -> None:
    for source in (ROOT / "resources" / "translations").glob("fovea_*.ts"):
        language = source.stem.removeprefix("fovea_")
        assert bundle.is_wanted(f"PySide6/Qt/translations/qtbase_{language}.qm"), language
        assert bundle.is_wanted(f"resources/translations/fovea_{language}.mo")


def test_what_fovea_imports_is_never_excluded() -> None:
    used = bundle.imported_by_fovea()
    assert {"sklearn.metrics", "scipy.ndimage", "PySide6.QtWidgets"} <= used
    for name in bundle.excludes("full"):
        assert not [module for module in used if f"{module}.".startswith(f"{name}.")] or name in _OPTIONAL, name


def test_a_seldom_used_part_comes_back_when_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sklearn.svm" in bundle.excludes("viewer")
    monkeypatch.setattr(bundle, "imported_by_fovea", lambda: {"sklearn.svm.SVC"})
    assert "sklearn.svm" not in bundle.excludes("viewer")


def folder(tmp_path: Path, megabytes: int) -> Path:
    made = tmp_path / "Fovea-viewer"
    (made / "_internal/numpy").mkdir(parents=True)
    with (made / "_internal/numpy/big.bin").open("wb") as stream:
        stream.truncate(megabytes * bundle.MB)
    (made / "fovea").write_bytes(b"x" * 1000)
    (made / "Fovea Window").symlink_to("fovea")
    return made


def test_sizes_are_printed_and_the_ceiling_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle.finish(folder(tmp_path, 300), "viewer")
    said = capsys.readouterr().out
    assert "300.0 MB" in said and "numpy" in said and "fovea" in said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the ceilings are Linux'")
def test_above_the_ceiling_the_build_fails(tmp_path: Path) -> None:
    made = folder(tmp_path, 366)
    with pytest.raises(SystemExit, match="at most 365 MB"):
        bundle.finish(made, "viewer")
    bundle.finish(made, "viewer", extra=2 * bundle.MB)  # models that were asked for do not count


def test_a_program_says_which_commit_it_was_built_of(tmp_path: Path) -> None:
    name, source, _ = bundle.build_facts("viewer", tmp_path / "work")
    made = folder(tmp_path, 1)
    assert bundle.built(made) == {}
    shutil.copy(source, made / "_internal" / name)
    held = bundle.built(made)
    assert held["flavour"] == "viewer" and len(held["commit"]) == 40


def test_unknown_models_end_the_build() -> None:
    with pytest.raises(SystemExit, match="not among your installed models"):
        bundle.extra_models(["no-such-model"])


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not all(map(shutil.which, ("cc", "strip", "readelf"))),
    reason="needs a compiler, strip and readelf",
)
def test_libraries_are_stripped_linked_and_dropped(tmp_path: Path) -> None:
    inside = tmp_path / "_internal"
    for name in ("one.libs", "two.libs"):
        (inside / name).mkdir(parents=True)
    source = tmp_path / "a.c"
    source.write_text(
        "static char pad[300000] = {1};\nstatic int hidden(void) { return pad[7]; }\nint f(void) { return hidden(); }\n"
    )
    build = ["cc", "-g", "-shared", "-fPIC"]
    kept = inside / "one.libs" / "libkept.so"
    subprocess.run([*build, "-Wl,-soname,libkept.so", "-o", kept, source], check=True)
    shutil.copy(kept, inside / "two.libs" / "libkept.so")
    subprocess.run([*build, "-Wl,-soname,libidle.so", "-o", inside / "libidle.so", source], check=True)
    subprocess.run([*build, "-Wl,-soname,libused.so", "-o", inside / "libused.so", source], check=True)
    user = inside / "one.libs" / "libuser.so"
    subprocess.run([*build, "-Wl,--no-as-needed", "-o", user, source, f"-L{inside}", "-lused"], check=True)
    entries = [(str(path.relative_to(inside)), str(path), "BINARY") for path in inside.rglob("*.so")]
    entries.append(("a.txt", "a.txt", "DATA"))
    names = {name for name, _, _ in bundle.only_needed(entries)}
    assert {name for name, _, _ in entries} - names == {"libidle.so"}
    before = kept.stat().st_size
    bundle.finish(tmp_path, "viewer")
    assert kept.stat().st_size < before
    assert (inside / "two.libs" / "libkept.so").is_symlink()
    code = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).f())"
    for library in (kept, inside / "two.libs" / "libkept.so", inside / "libused.so"):
        done = subprocess.run([sys.executable, "-c", code, library], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "0"


def test_windows_version_resource_is_what_pyinstaller_reads() -> None:
    pytest.importorskip("PyInstaller")
    text = icons.version_text("fovea", "1.2.3")
    assert "filevers=(1, 2, 3, 0)" in text
    compile(text.strip(), "version", "eval")


# macOS


def test_info_plist_is_valid_and_complete() -> None:
    held = plistlib.loads(plistlib.dumps(macos.info_plist("1.2.3")))
    assert held["CFBundleShortVersionString"] == "1.2.3"
    assert held["CFBundleExecutable"] == bundle.WINDOW_PROGRAM and held["LSBackgroundOnly"] is False
    assert held["LSArchitecturePriority"] == ["arm64"] and held["LSMinimumSystemVersion"] == macos.MINIMUM_SYSTEM
    kinds = {kind for document in held["CFBundleDocumentTypes"] for kind in document["LSItemContentTypes"]}
    assert {"public.image", "org.nema.dicom", "public.folder"} == kinds
    # Fovea offers itself and takes no file away from another program.
    assert {document["LSHandlerRank"] for document in held["CFBundleDocumentTypes"]} == {"Alternate"}


def test_entitlements_begin_with_none() -> None:
    assert plistlib.loads(macos.ENTITLEMENTS.read_bytes()) == {}


def app(tmp_path: Path) -> Path:
    made = tmp_path / "Fovea.app"
    for name in ("Contents/MacOS/fovea", "Contents/Frameworks/a.dylib", "Contents/Resources/b.txt"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("x")
    (made / "Contents/MacOS/fovea").chmod(0o755)
    return made


def test_without_credentials_nothing_is_signed_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FOVEA_SIGN_AS", "FOVEA_NOTARY"):
        monkeypatch.delenv(name, raising=False)
    assert macos.main(["--app", str(app(tmp_path)), "--out", str(tmp_path), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "not signed" in said and "not notarised" in said
    assert "codesign" not in said and "notarytool" not in said
    assert "hdiutil create" in said and "-unsigned.dmg" in said


def test_with_credentials_everything_is_signed_from_the_inside_out(tmp_path: Path) -> None:
    steps = macos.recipe(app(tmp_path), tmp_path / "a.dmg", {"FOVEA_SIGN_AS": "Me", "FOVEA_NOTARY": "profile"})
    signed = [step[-1] for step in steps if step[0] == "codesign" and "--sign" in step]
    names = [Path(name).name for name in signed]
    assert names == ["a.dylib", "fovea", "Fovea.app", "a.dmg"]
    words = [" ".join(step) for step in steps]
    assert any("notarytool submit" in line for line in words) and any("stapler staple" in line for line in words)
    assert not macos.left_out({"FOVEA_SIGN_AS": "Me", "FOVEA_NOTARY": "profile"})
