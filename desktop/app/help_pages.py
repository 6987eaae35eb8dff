"""The help: pages of Markdown that the window, the command line and the documentation's site show alike.

A page is a file ``docs/help/NAME.md``; its name is its topic, its first heading its title. A topic may name a heading
too: ``draw#several-digits``. What a page may hold is little, so that every reader of it shows it well: headings,
paragraphs, lists, tables, blocks of commands, **bold** for what stands in the window (a menu's command as
**File › Open Folder…**), ``code`` for keys and names, links to other pages of the help, pictures.

``docs/help/LANGUAGE/NAME.md`` is the same page in another language, heading by heading, so that every topic leads to
the same place; a page that is not there is shown in English and says so.
"""

from __future__ import annotations

import difflib
import functools
import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from desktop import paths
from desktop.core.types import FoveaError
from desktop.system.words import SOURCE, language, phrase, worded

START = "index"
"""The page that names all others."""

_HEADING = re.compile(r"(#{1,4}) +(.+?) *$")
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]*)\)")
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_ITEM = re.compile(r"( *)([-*]|\d+\.) +")
_RULE = re.compile(r"\|?[ :|-]+\|?")
_EXCERPT = 110


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it, up to the next. ``anchor`` is '' for a page's own title."""

    anchor: str
    title: str
    level: int
    text: str
    """Without marks, a line a paragraph, item or row of a table."""


@dataclass(frozen=True, slots=True)
class HelpPage:
    """One page. ``markdown`` is what is to be shown: without comments and pictures, which only the site shows."""

    id: str
    title: str
    markdown: str
    sections: tuple[Section, ...]
    language: str = "en"

    def section(self, anchor: str) -> Section | None:
        """The section of that anchor."""
        return next((section for section in self.sections if section.anchor == anchor), None)


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that holds all words looked for. ``marks`` are the places of the words in ``excerpt``."""

    page: HelpPage
    section: Section
    excerpt: str
    marks: tuple[tuple[int, int], ...]

    @property
    def topic(self) -> str:
        """Where it is, as a topic."""
        return f"{self.page.id}#{self.section.anchor}" if self.section.anchor else self.page.id


class Help:
    """All pages, in the order in which the first one names them."""

    def __init__(self, pages: Sequence[HelpPage]) -> None:
        self.pages = {page.id: page for page in pages}

    def at(self, topic: str) -> tuple[HelpPage, str]:
        """The page of a topic and the anchor in it ('' for its beginning).

        Raises :class:`FoveaError` of kind ``no-such-topic``, whose hint names what comes close.
        """
        name, _, anchor = topic.strip().casefold().removesuffix(".md").partition("#")
        page = self.pages.get(name)
        if page is None:
            near = difflib.get_close_matches(name, self.pages, 3, 0.5)
            known = (
                phrase("Did you mean {topics}?", topics=" / ".join(near))
                if near
                else phrase("Topics: {topics}.", topics=list(self.pages))
            )
            raise FoveaError("no-such-topic", phrase("the help has no topic '{topic}'", topic=topic), known)
        if anchor and page.section(anchor) is None:
            raise FoveaError(
                "no-such-topic",
                phrase("the page '{name}' has no part '{part}'", name=name, part=anchor),
                phrase("Parts: {parts}.", parts=[section.anchor for section in page.sections[1:]]),
            )
        return page, anchor

    def find(self, words: str, most: int = 40) -> list[Hit]:
        """The sections that hold every one of ``words`` (as beginnings of words, whatever their case and accents).

        Those whose title holds them come first, then those that hold them more often.
        """
        looked = terms(words)
        if not looked:
            return []
        found = []
        places = [(page, section) for page in self.pages.values() for section in page.sections]
        for number, (page, section) in enumerate(places):
            whole = f"{page.title}\n{section.title}\n{section.text}"
            if not all(marks_of(whole, [term]) for term in looked):
                continue
            rank = sum(
                (8 if marks_of(section.title, [term]) else 0)
                + (4 if marks_of(page.title, [term]) else 0)
                + min(3, len(marks_of(section.text, [term])))
                for term in looked
            )
            found.append((-rank, number, Hit(page, section, *_excerpt(section.text, looked))))
        return [hit for _, _, hit in sorted(found, key=lambda held: held[:2])][:most]


def the_help() -> Help:
    """The help that comes with this program in the language of this process, each read once. Raises
    :class:`FoveaError` of kind ``no-help``.

    Reads files: in the window for a thread.
    """
    return _help_in(language())


@functools.cache
def _help_in(spoken: str) -> Help:
    return read(paths.help_pages(), spoken)


_ENGLISH = phrase("This page is not translated yet; it is in English.")


def read(folder: Path, spoken: str = SOURCE) -> Help:
    """The help in ``folder``, in the language ``spoken`` where there is a translation of a page. Raises
    :class:`FoveaError` of kind ``no-help`` where it cannot be read."""
    try:
        texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}
        first = texts[START]
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise FoveaError("no-help", "the pages of the help are missing or damaged", "Install Fovea again.") from error
    named = [target.partition("#")[0].removesuffix(".md") for _, _, target in _LINK.findall(first)]
    order = dict.fromkeys([START, *(name for name in named if name in texts), *texts])
    pages = [parse(name, texts[name]) for name in order]
    return Help(pages if spoken == SOURCE else [_translated(page, folder / spoken, spoken) for page in pages])


def _translated(page: HelpPage, folder: Path, spoken: str) -> HelpPage:
    """``page`` from the folder of a language; the English one, which says so, where it is not there or is another."""
    try:
        text = (folder / f"{page.id}.md").read_text(encoding="utf-8")
        found = parse(page.id, text.replace("](../", "]("))  # to pages that are in English only
    except (OSError, UnicodeDecodeError):
        found = None
    if found is None or [part.level for part in found.sections] != [part.level for part in page.sections]:
        head, _, rest = page.markdown.partition("\n")
        return replace(page, markdown=f"{head}\n\n_{worded(_ENGLISH)}_\n{rest}")
    parts = tuple(replace(own, anchor=part.anchor) for own, part in zip(found.sections, page.sections, strict=True))
    return replace(found, sections=parts, language=spoken)


def parse(name: str, text: str) -> HelpPage:
    """The page ``name`` from its file's text."""
    shown = _COMMENT.sub("", text)
    shown = re.sub(r"^!\[[^\]]*\]\([^)]*\)\n\n?", "", shown, flags=re.MULTILINE)
    sections: list[Section] = []
    head, lines = ("", 1), list[str]()

    def close() -> None:
        if head[0] or any(line.strip() for line in lines):
            body = "\n".join(_plain_lines(lines))
            sections.append(Section(anchor_of(head[0]) if sections else "", head[0], head[1], body))

    for line in shown.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        close()
        head, lines = (bare(heading[2]), len(heading[1])), []
    close()
    return HelpPage(name, sections[0].title if sections else name, shown.strip() + "\n", tuple(sections))


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site make it."""
    return re.sub(r"[^\w\- ]", "", bare(heading).lower()).replace(" ", "-")


def bare(text: str) -> str:
    """A line of Markdown without its marks."""
    text = _LINK.sub(lambda link: "" if link[1] else link[2], text)
    return re.sub(r"\*\*(.+?)\*\*", r"\1", re.sub(r"(?<!\w)_(.+?)_(?!\w)", r"\1", text.replace("`", "")))


def terms(words: str) -> list[str]:
    """What is looked for, folded: without case and accents."""
    return re.findall(r"[\w+]+", _folded(words))


def marks_of(text: str, looked: Sequence[str]) -> list[tuple[int, int]]:
    """Where words of ``text`` begin with one of the folded ``looked``: begin and end of each place, in order."""
    if not looked:
        return []
    either = "|".join(re.escape(term) for term in sorted(looked, key=len, reverse=True))
    return [match.span() for match in re.finditer(rf"(?<![^\W_])(?:{either})", _folded(text))]


@functools.lru_cache(maxsize=2048)
def _folded(text: str) -> str:
    """Without case and accents, and exactly as long, so that places in it are places in ``text``."""
    return "".join((unicodedata.normalize("NFKD", sign)[:1] or sign).casefold()[:1] or sign for sign in text)


def _excerpt(text: str, looked: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Words around the first place, and where in them the words looked for stand."""
    flat = " ".join(text.split())
    places = marks_of(flat, looked)
    first = places[0][0] if places else 0
    begin = max(0, first - _EXCERPT // 3)
    if begin:
        begin = flat.find(" ", begin, first) + 1 or first
    end = min(len(flat), begin + _EXCERPT)
    if end < len(flat):
        end = max(flat.rfind(" ", begin, end), begin + 1)
    cut = f"{'… ' if begin else ''}{flat[begin:end]}{' …' if end < len(flat) else ''}"
    return cut, tuple(marks_of(cut, looked))


# In a terminal


def in_terminal(page: HelpPage, anchor: str = "", width: int = 80) -> str:
    """A page, or the part of it below ``anchor``, as text of at most ``width`` columns (commands may be longer)."""
    lines = page.markdown.splitlines()
    if anchor:
        lines = list(_part(lines, [section.anchor for section in page.sections].index(anchor)))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_laid_out(lines, width))).strip("\n")


def _part(lines: Sequence[str], number: int) -> Iterator[str]:
    """What stands below the heading ``number``, the first of which is 0."""
    level, before = 0, -1
    for line in lines:
        heading = _HEADING.fullmatch(line)
        if heading is not None:
            before += 1
            if level and len(heading[1]) <= level:
                return
            if before == number:
                level = len(heading[1])
        if level:
            yield line


def _laid_out(lines: Sequence[str], width: int) -> Iterator[str]:
    table: list[list[str]] = []
    for kind, block in _blocks(lines):
        first = block[0]
        if kind == "row":
            table.append([_said(cell.strip()) for cell in _cells(first)])
            continue
        if table:
            yield from _listed(table, width)
            table = []
        if kind == "heading":
            title = bare(first.lstrip("# "))
            yield from ("", title, ("=" if first.startswith("# ") else "-") * min(len(title), width), "")
        elif kind == "code":
            yield from block
        elif kind == "item":
            mark = _ITEM.match(first)
            assert mark is not None
            text = _said(" ".join([first[mark.end() :], *(line.strip() for line in block[1:])]))
            yield from _wrapped(text, f"{mark[1]}{mark[2]} ", " " * mark.end(), width)
        elif kind == "text":
            yield from _wrapped(_said(" ".join(line.strip("> ") for line in block)), "", "", width)
        else:
            yield ""


def _listed(table: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """A table's rows: what its first column names, and the rest beside it, or below where the name is long."""
    head, *rows = table
    side = min(max((len(row[0]) for row in rows), default=0), width // 3) + 4
    for row in rows:
        cells = [f"{name}: {cell}" if cell and len(head) > 2 else cell for name, cell in zip(head, row, strict=False)]
        name, text = f"  {row[0]}", "; ".join(filter(None, cells[1:]))
        if len(name) + 2 > side:
            yield from _wrapped(row[0], "  ", "    ", width)
            name = ""
        yield from _wrapped(text, name.ljust(side), " " * side, width)


def _cells(row: str) -> list[str]:
    return re.split(r"(?<!\\)\|", row.strip().removeprefix("|").removesuffix("|"))


def _wrapped(text: str, first: str, rest: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _said(text: str) -> str:
    """A line without marks; a link to another page says how to read it."""

    def link(found: re.Match[str]) -> str:
        topic = found[3].replace(".md", "")
        return "" if found[1] else f"{found[2]} (fovea help {topic})" if not topic.startswith("#") else found[2]

    return bare(_LINK.sub(link, text)).replace("\\|", "|")


def _blocks(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The parts of a page: headings, paragraphs, items, rows of tables, commands; ``end`` for each empty line."""
    held: list[str] = []
    kind = ""
    for line in [*lines, ""]:
        now = _kind(line, kind)
        if held and (now != kind or now in ("heading", "row") or now == "item" and _ITEM.match(line)):
            yield kind, held
            held = []
        if now == "end":
            yield now, [line]
        elif now != "rule":
            held.append(line)
        kind = now


def _kind(line: str, before: str) -> str:
    if not line.strip():
        return "end"
    if _HEADING.fullmatch(line):
        return "heading"
    if line.startswith("|"):
        return "rule" if _RULE.fullmatch(line) else "row"
    if _ITEM.match(line):
        return "item"
    if line.startswith("    ") and before in ("end", "code", ""):
        return "code"
    return "item" if before == "item" else "text"


def _plain_lines(lines: Sequence[str]) -> Iterator[str]:
    for kind, block in _blocks(lines):
        if kind == "row":
            yield " ".join(bare(cell).strip() for cell in _cells(block[0]))
        elif kind == "code":
            yield from (line.strip() for line in block)
        elif kind != "end":
            text = " ".join(line.strip() for line in block)
            mark = _ITEM.match(text)
            yield bare(text[mark.end() :] if mark else text)
