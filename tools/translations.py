"""Brings the translations up to date: ``python tools/translations.py [LANGUAGE ...]`` (``make translations``).

Collects every text of Fovea (:mod:`tools.texts`) into ``resources/translations/fovea_LANGUAGE.ts``, keeps what is
translated there, and makes the ``.mo`` file beside it that the program loads. Without a language: those that are there.
Qt Linguist (``pyside6-linguist``) edits ``.ts`` files; ``--worksheet`` writes what is still to translate, each text
once, as JSON, and ``--take`` reads it back. ``--check`` says what is wrong with the translations (exit status 1);
``--compile`` makes the ``.mo`` files alone. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import json
import re
import struct
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parent))
from text_comments import COMMENTS
from texts import BELOW, ROOT, Text, every

FOLDER = ROOT / "resources" / "translations"
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
LANGUAGES: dict[str, dict[str, str]] = json.loads((FOLDER / "languages.json").read_text(encoding="utf-8"))
"""What is known of a language: its decimal, group and list sign, as CLDR has them, its rule of plural forms as gettext
writes it, and NSIS' name of it. Of others the signs are English, with two forms."""
_UNKNOWN = {"decimal": ".", "group": ",", "separator": ", ", "plural": "nplurals=2; plural=(n != 1);"}


class Message(NamedTuple):
    """A translation: its forms by number (one where number makes no difference), all empty while unfinished."""

    forms: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether every form is there."""
        return bool(self.forms) and all(self.forms)


Key = tuple[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write, compile or check; exit status 1 for faults found, 2 for a language that is none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help="de, pt_BR … (without: all that are there)")
    parser.add_argument("--check", action="store_true", help="say what is wrong with the translations")
    parser.add_argument("--compile", action="store_true", help="make the .mo files of the .ts files as they are")
    parser.add_argument("--worksheet", type=Path, metavar="FILE", help="write what is still to translate, as JSON")
    parser.add_argument("--take", type=Path, metavar="FILE", help="read a filled-in worksheet back")
    options = parser.parse_args(arguments)
    for language in options.languages:
        if not _LANGUAGE.fullmatch(language):
            parser.error(f"'{language}' is no language; expected something like de or pt_BR")
    languages = options.languages or there()
    if (options.worksheet or options.take) and len(languages) != 1:
        parser.error("name one language")
    if options.compile:
        for language in languages:
            compile_ts(path_of(language))
        return 0
    texts = every()
    if options.check:
        faults = [fault for language in languages for fault in check(path_of(language), language, texts)]
        print("\n".join(faults) or f"{len(languages)} languages: nothing is wrong")
        return int(bool(faults))
    for language in languages:
        FOLDER.mkdir(exist_ok=True)
        if options.take:
            take(path_of(language), language, texts, options.take)
        done, count = write(path_of(language), language, texts)
        if options.worksheet:
            left = worksheet(path_of(language), language, texts, options.worksheet)
            print(f"{options.worksheet}: {left} texts to translate")
        compile_ts(path_of(language))
        print(f"{language}: {done} of {count} texts are translated")
    return 0


def there() -> list[str]:
    """The languages that are begun."""
    return sorted(path.stem.removeprefix("fovea_") for path in FOLDER.glob("fovea_*.ts"))


def path_of(language: str) -> Path:
    """Where a language's translation is kept."""
    return FOLDER / f"fovea_{language}.ts"


def forms_of(language: str) -> int:
    """How many forms by number a language has."""
    return int(_known(language)["plural"].removeprefix("nplurals=")[0])


def _known(language: str) -> dict[str, str]:
    base = language.partition("_")[0]
    of_base = (row for key, row in LANGUAGES.items() if key.partition("_")[0] == base)
    return LANGUAGES.get(language) or next(of_base, _UNKNOWN)


def about(text: Text) -> str:
    """What translators are told of a text."""
    keys = ((text.context, text.source), ("", text.source), (text.context, ""))
    own = next((COMMENTS[key] for key in keys if key in COMMENTS), text.comment)
    one = f"Where the count is one, English says: {text.one}" if text.one else ""
    return " ".join(part for part in (own, one) if part)


def write(path: Path, language: str, texts: Sequence[Text]) -> tuple[int, int]:
    """Bring ``path`` up to date with ``texts``; how many are translated, of how many.

    A text that is translated in one context serves in the others, where translators are told nothing special of it.
    Translations of texts that are gone are kept as vanished: the words may come back. The order and what is written
    depend on the texts and their translations alone, so that two people's changes can be merged.
    """
    held = read(path)
    known = {(text.context, text.source): text for text in texts}
    elsewhere = _elsewhere(held, known)
    count = forms_of(language)
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en")
    done = 0
    for context in sorted({*(key[0] for key in known), *(key[0] for key in held)}):
        part = ElementTree.SubElement(root, "context")
        ElementTree.SubElement(part, "name").text = context
        mine = {key for key in {**known, **held} if key[0] == context}
        for key in sorted(mine, key=lambda key: (key not in known, key[1])):
            text, message = known.get(key), held.get(key)
            if message is None or not message.done:
                message = elsewhere.get(key[1]) if text is not None and not about(text) else message
            if text is None and (message is None or not message.done):
                continue
            numerus = bool(text.one) if text is not None else bool(message and len(message.forms) > 1)
            if numerus and message is not None and message.done and len(message.forms) < count:
                message = Message((message.forms * count)[:count])
            done += _append(part, key, text, message, numerus, count)
    ElementTree.indent(root, " ")
    body = ElementTree.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', encoding="utf-8", newline="\n")
    return done, len(known)


def _elsewhere(held: dict[Key, Message], known: dict[Key, Text]) -> dict[str, Message]:
    """Translations by their source alone; the one that most contexts have."""
    found: dict[str, Counter[Message]] = {}
    for key, message in held.items():
        if message.done and key in known:
            found.setdefault(key[1], Counter())[message] += 1
    return {source: counted.most_common(1)[0][0] for source, counted in found.items()}


def _append(
    part: ElementTree.Element, key: Key, text: Text | None, message: Message | None, numerus: bool, count: int
) -> bool:
    """One message of the file; whether it is translated."""
    node = ElementTree.SubElement(part, "message", {"numerus": "yes"} if numerus else {})
    if text is not None:
        ElementTree.SubElement(node, "location", filename=f"../../{text.file}")
    ElementTree.SubElement(node, "source").text = key[1]
    told = about(text) if text is not None else ""
    if told:
        ElementTree.SubElement(node, "extracomment").text = told
    into = ElementTree.SubElement(node, "translation")
    done = message is not None and message.done
    forms = message.forms if message is not None and done else ("",) * (count if numerus else 1)
    if numerus:
        for form in forms[:count]:
            ElementTree.SubElement(into, "numerusform").text = form
    else:
        into.text = forms[0]
    if text is None:
        into.set("type", "vanished")
    elif not done:
        into.set("type", "unfinished")
    return done and text is not None


def read(path: Path) -> dict[Key, Message]:
    """What a ``.ts`` file holds; nothing where there is none."""
    if not path.is_file():
        return {}
    found = {}
    for context in ElementTree.parse(path).getroot().iter("context"):
        for node in context.iter("message"):
            into = node.find("translation")
            forms: tuple[str, ...] = ("",)
            if into is not None:
                several = tuple(form.text or "" for form in into.findall("numerusform"))
                forms = several or (into.text or "",)
            found[context.findtext("name") or "", node.findtext("source") or ""] = Message(forms)
    return found


def worksheet(path: Path, language: str, texts: Sequence[Text], target: Path) -> int:
    """Write what is still to translate, each text once, for a person or a program to fill in; how many there are.

    Each entry: ``source``; ``where``, the contexts that it stands in; ``about``, what translators are told; and
    ``translation``, empty: a text, or a list of as many as the language has forms where ``one`` is given.
    """
    held = read(path)
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for text in sorted(texts, key=lambda text: (text.file, text.source)):
        message = held.get((text.context, text.source))
        if message is not None and message.done:
            continue
        told = about(text)
        row = rows.setdefault((text.source, told), {"source": text.source})
        if text.one:
            row["one"] = text.one
        row.setdefault("where", [])
        row["where"].append(text.context)  # type: ignore[attr-defined]
        row["file"] = text.file
        if told:
            row["about"] = told
        row["translation"] = [""] * forms_of(language) if text.one else ""
    target.write_text(json.dumps(list(rows.values()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(rows)


def take(path: Path, language: str, texts: Sequence[Text], filled: Path) -> None:
    """Put the translations of a filled-in worksheet into ``path``."""
    held = read(path)
    for row in json.loads(filled.read_text("utf-8")):
        given = row.get("translation") or ""
        forms = tuple(given) if isinstance(given, list) else (given,)
        if not all(forms):
            continue
        for context in row["where"]:
            held[context, row["source"]] = Message(forms)
    known = {(text.context, text.source): text for text in texts}
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en")
    for context in sorted({key[0] for key in held}):
        part = ElementTree.SubElement(root, "context")
        ElementTree.SubElement(part, "name").text = context
        for key, message in held.items():
            if key[0] == context:
                text = known.get(key)
                numerus = bool(text.one) if text is not None else len(message.forms) > 1
                _append(part, key, text, message, numerus, forms_of(language))
    body = ElementTree.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', encoding="utf-8", newline="\n")


# --- what is wrong -------------------------------------------------------------------------------------------

_PLACES = re.compile(r"\{[^{}]*\}|%\([a-z_]+\)[a-z]|%(?:[0-9]+|n|s|L[0-9]+)")
_TAGS = re.compile(r"</?[a-z][^<>]*>")
_GLOBS = re.compile(r"\*\.\w+")
_COMMANDS = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*|\bfovea [a-z]+\b|\b[A-Z]{2,}(?:_[A-Z]+)+\b")
_ACCELERATOR = re.compile(r"&(?=\w)")


def check(path: Path, language: str, texts: Sequence[Text]) -> list[str]:
    """Every fault of a language's file, one a line."""
    held = read(path)
    faults = []
    for text in texts:
        message = held.get((text.context, text.source))
        where = f"{language}: {text.context}: {text.source[:60]!r}"
        if message is None or not message.done:
            faults.append(f"{where}: not translated")
            continue
        wanted = forms_of(language) if text.one else 1
        if len(message.forms) != wanted:
            faults.append(f"{where}: {len(message.forms)} forms found, {wanted} expected")
        for form in message.forms:
            faults += [f"{where}: {fault}" for fault in _faults(text, form)]
    return faults


def _faults(text: Text, form: str) -> Iterator[str]:
    source = text.source
    wanted, found = Counter(_PLACES.findall(source)), Counter(_PLACES.findall(form))
    missing, strange = wanted - found, found - wanted
    if text.one:  # 'one picture' may do without the number
        missing = Counter({place: n for place, n in missing.items() if not place.startswith("{count")})
    if set(missing) or set(strange) - set(wanted):
        faults = [f"{place} is missing" for place in missing] + [f"{place} is strange" for place in strange]
        yield ", ".join(faults)
    if text.context != BELOW and len(_ACCELERATOR.findall(source)) != len(_ACCELERATOR.findall(form)):
        yield "accelerators (&) differ"
    if Counter(_TAGS.findall(source)) != Counter(_TAGS.findall(form)):
        yield "tags differ"
    if Counter(_GLOBS.findall(source)) != Counter(_GLOBS.findall(form)):
        yield "patterns of file names differ"
    if set(_COMMANDS.findall(source)) - set(_COMMANDS.findall(form)):
        yield f"commands or options are missing: {', '.join(sorted(set(_COMMANDS.findall(source))))}"
    if source.count("\n") != form.count("\n"):
        yield "lines differ"
    if (source[:1].isspace(), source[-1:].isspace()) != (form[:1].isspace(), form[-1:].isspace()):
        yield "blanks at the ends differ"
    if source.endswith("…") != form.endswith(("…", "⋯")):
        yield "the ellipsis differs"
    if any(ord(c) < 32 and c != "\n" for c in form):
        yield "control characters"


# --- the file that the program loads -------------------------------------------------------------------------


def compile_ts(path: Path) -> Path:
    """The ``.mo`` file beside ``path``: GNU gettext's form, with a context for each text."""
    language = path.stem.removeprefix("fovea_")
    entries: dict[str, str] = {}
    for (context, source), message in read(path).items():
        if not message.done or not source:
            continue
        several = len(message.forms) > 1
        key = f"{context}\x04{source}"
        entries[key] = message.forms[0]
        if several:  # asked for with a count; without one the first form serves
            entries[f"{key}\0{source}"] = "\0".join(message.forms)
            del entries[key]
    known = _known(language)
    for name in ("decimal", "group", "separator"):
        entries[f"Numbers\x04{name}"] = known[name]
    rule = known["plural"]
    head = f"Language: {language}\nContent-Type: text/plain; charset=UTF-8\nPlural-Forms: {rule}\n"
    target = path.with_suffix(".mo")
    target.write_bytes(_mo({"": head, **entries}))
    return target


def _mo(entries: dict[str, str]) -> bytes:
    """The bytes of a ``.mo`` file (GNU gettext manual, section 'The Format of GNU MO Files'), without a hash table."""
    pairs = sorted((key.encode(), words.encode()) for key, words in entries.items())
    count, start = len(pairs), 28
    place = start + 16 * count
    tables: list[list[int]] = [[], []]
    bodies = []
    for column in (0, 1):
        for pair in pairs:
            tables[column] += [len(pair[column]), place]
            bodies.append(pair[column] + b"\0")
            place += len(pair[column]) + 1
    head = struct.pack("<7I", 0x950412DE, 0, count, start, start + 8 * count, 0, place)
    return head + b"".join(struct.pack(f"<{2 * count}I", *table) for table in tables) + b"".join(bodies)


if __name__ == "__main__":
    sys.exit(main())
