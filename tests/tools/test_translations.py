"""The tool that keeps translations: what it collects, keeps, fills, checks and compiles."""

from __future__ import annotations

import gettext
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import translations  # noqa: E402
from texts import BELOW, Text  # noqa: E402

from tests.program_texts import program_texts  # noqa: E402


def put(path: Path, source: str, *forms: str) -> None:
    """Translate ``source`` in the file."""
    text = path.read_text("utf-8")
    into = forms[0] if len(forms) == 1 else "".join(f"<numerusform>{form}</numerusform>" for form in forms)
    pattern = rf"(<source>{re.escape(source)}</source>.*?)<translation[^>]*?(?:/>|>.*?</translation>)"
    path.write_text(re.sub(pattern, rf"\1<translation>{into}</translation>", text, count=1, flags=re.DOTALL), "utf-8")


def test_what_is_translated_is_kept_and_what_is_gone_may_come_back(tmp_path: Path) -> None:
    path = tmp_path / "fovea_de.ts"
    one, two = (Text("Here", text, "desktop/x.py") for text in ("One", "Two & <three>"))
    assert translations.write(path, "de", [one, two]) == (0, 2)
    put(path, "One", "Eins")
    assert translations.write(path, "de", [two]) == (0, 1) and 'type="vanished"' in path.read_text("utf-8")
    assert translations.write(path, "de", [one, two]) == (1, 2)
    assert {key: message.forms for key, message in translations.read(path).items()} == {
        ("Here", "One"): ("Eins",),
        ("Here", "Two & <three>"): ("",),
    }


def test_the_file_depends_on_texts_and_translations_alone(tmp_path: Path) -> None:
    path = tmp_path / "fovea_de.ts"
    texts = [Text("B", "b", "desktop/x.py"), Text("A", "c", "desktop/y.py"), Text("A", "a", "desktop/y.py")]
    translations.write(path, "de", texts)
    before = path.read_bytes()
    translations.write(path, "de", texts[::-1])
    assert path.read_bytes() == before and b"line=" not in before
    assert before.index(b"<source>a<") < before.index(b"<source>c<") < before.index(b"<source>b<")


def test_a_text_is_translated_once_for_all_contexts_unless_it_means_something_else(tmp_path: Path) -> None:
    path = tmp_path / "fovea_de.ts"
    texts = [Text("A", "Open", "x"), Text("B", "Open", "x"), Text("C", "Open", "x", comment="Not closed.")]
    translations.write(path, "de", texts)
    put(path, "Open", "Öffnen")
    translations.write(path, "de", texts)
    assert [message.forms for message in translations.read(path).values()] == [("Öffnen",), ("Öffnen",), ("",)]


def test_a_worksheet_goes_out_and_comes_back(tmp_path: Path) -> None:
    path, sheet = tmp_path / "fovea_de.ts", tmp_path / "sheet.json"
    texts = [
        Text("A", "Open", "x"),
        Text("B", "Open", "x"),
        Text(BELOW, "{count:,} pictures", "x", one="{count:,} picture"),
    ]
    translations.write(path, "de", texts)
    assert translations.worksheet(path, "de", texts, sheet) == 2
    rows = json.loads(sheet.read_text("utf-8"))
    assert [row["translation"] for row in rows] == ["", ["", ""]] and rows[0]["where"] == ["A", "B"]
    rows[0]["translation"], rows[1]["translation"] = "Öffnen", ["{count:,} Bild", "{count:,} Bilder"]
    sheet.write_text(json.dumps(rows), "utf-8")
    translations.take(path, "de", texts, sheet)
    assert translations.write(path, "de", texts) == (3, 3) and translations.check(path, "de", texts) == []
    assert translations.worksheet(path, "de", texts, sheet) == 0


FAULTS = [
    ("{count:,} files", "{count} Dateien", "missing"),
    ("Open {0}", "Öffnen", "missing"),
    ("Open", "Öffnen {0}", "strange"),
    ("&Open", "Öffnen", "accelerators"),
    ("<b>Open</b>", "<i>Öffnen</i>", "tags"),
    ("Pictures (*.png *.jpg)", "Bilder (*.png)", "patterns"),
    ("Try 'fovea data inspect' with --layout", "Versuchen Sie es", "commands"),
    ("Open…", "Öffnen", "ellipsis"),
    (" of {0}", "von {0}", "blanks"),
    ("One\ntwo", "Eins zwei", "lines"),
]


@pytest.mark.parametrize(("source", "form", "fault"), FAULTS)
def test_the_check_finds(tmp_path: Path, source: str, form: str, fault: str) -> None:
    path, texts = tmp_path / "fovea_de.ts", [Text("Here", source, "x")]
    sheet = tmp_path / "sheet.json"
    translations.write(path, "de", texts)
    assert "not translated" in translations.check(path, "de", texts)[0]
    sheet.write_text(json.dumps([{"source": source, "where": ["Here"], "translation": form}]), "utf-8")
    translations.take(path, "de", texts, sheet)
    assert any(fault in line for line in translations.check(path, "de", texts))
    sheet.write_text(json.dumps([{"source": source, "where": ["Here"], "translation": source}]), "utf-8")
    translations.take(path, "de", texts, sheet)
    assert translations.check(path, "de", texts) == []


def test_the_check_counts_forms(tmp_path: Path) -> None:
    texts = [Text(BELOW, "{count} pictures", "x", one="{count} picture")]
    for language, forms in (("de", 2), ("fr", 2), ("ja", 1), ("zh_CN", 1)):
        path = tmp_path / f"fovea_{language}.ts"
        translations.write(path, language, texts)
        put(path, "{count} pictures", *["{count} x"] * (3 - forms))
        found = translations.check(path, language, texts)
        assert any("forms found" in line for line in found), (language, found)


def test_what_is_compiled_is_what_gettext_reads(tmp_path: Path) -> None:
    path, sheet = tmp_path / "fovea_fr.ts", tmp_path / "sheet.json"
    texts = [Text("A", "Open", "x"), Text(BELOW, "{count} pictures", "x", one="{count} picture")]
    translations.write(path, "fr", texts)
    rows = [
        {"source": "Open", "where": ["A"], "translation": "Ouvrir"},
        {"source": "{count} pictures", "where": [BELOW], "translation": ["{count} image", "{count} images"]},
    ]
    sheet.write_text(json.dumps(rows), "utf-8")
    translations.take(path, "fr", texts, sheet)
    with translations.compile_ts(path).open("rb") as file:
        read = gettext.GNUTranslations(file)
    assert read.pgettext("A", "Open") == "Ouvrir" and read.pgettext("B", "Open") == "Open"
    found = [read.npgettext(BELOW, "{count} pictures", "{count} pictures", n) for n in (0, 1, 2)]
    assert found == ["{count} image", "{count} image", "{count} images"]
    assert read.pgettext("Numbers", "decimal") == ","


def test_the_texts_of_every_room_are_collected() -> None:
    found = program_texts()
    contexts = {text.context for text in found}
    assert {"MainWindow", "Menus", "Evaluate", "Notices", "Metrics", "Cards", "Samples", "Table", BELOW} <= contexts
    below = {text.source for text in found if text.context == BELOW}
    for sentence in (
        "There is no file of this name any more.",  # a plain text of an error
        "This is {name}; expected {expected}.",  # a template
        "a PDF document",  # a value in one
        "Copy or download it again.",  # a constant
        "{count:,} classes hold no pictures: {names}",  # with forms by number
        "Classify pictures.",  # of the command line
    ):
        assert sentence in below, sentence
    assert len({(text.context, text.source) for text in found}) == len(found)


@pytest.mark.parametrize("language", translations.there())
def test_the_translations_that_come_with_fovea_have_no_fault(language: str) -> None:
    faults = translations.check(translations.path_of(language), language, program_texts())
    assert [fault for fault in faults if not fault.endswith(": not translated")] == []
