"""Derive ``resources/words.json`` from WordNet: names as people say them, and more general words for groups of classes.

    apt-get install wordnet-base && python tools/derive_words.py

The 1,000 classes of ImageNet are synsets of WordNet 3.0 (``label_ids`` of the described model ``vgg16-imagenet``).
Which classes lie under a word is WordNet's hierarchy of hypernyms (``/usr/share/wordnet/data.noun``, format wndb(5WN));
which of its words people say, and what they call a class, was chosen by hand: ``word_groups.py`` and ``word_names.py``.
WordNet 3.0 is Copyright 2006 by Princeton University; its licence is in ``resources/licences/WordNet-3.0.txt``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from word_groups import LESS, MORE, WORDS
from word_names import NAMES

ROOT = Path(__file__).resolve().parents[1]
NOUNS = Path("/usr/share/wordnet/data.noun")


def synsets() -> dict[str, tuple[list[str], list[str]]]:
    """Words and hypernyms of every noun synset, by id (``n`` and eight digits)."""
    found = {}
    for line in NOUNS.read_text(encoding="latin-1").splitlines():
        if line.startswith("  "):
            continue
        facts = line.split(" | ", 1)[0].split()
        count = int(facts[3], 16)
        lemmas = [facts[4 + 2 * i].replace("_", " ") for i in range(count)]
        at = 4 + 2 * count
        above = []
        for i in range(int(facts[at])):
            symbol, offset, part, _ = facts[at + 1 + 4 * i : at + 5 + 4 * i]
            if symbol in ("@", "@i") and part == "n":
                above.append(f"n{offset}")
        found[f"n{facts[0]}"] = (lemmas, above)
    return found


def ancestors(of: str, known: dict[str, tuple[list[str], list[str]]]) -> set[str]:
    """Every synset above ``of``."""
    found: set[str] = set()
    waiting = [of]
    while waiting:
        for above in known[waiting.pop()][1]:
            if above not in found:
                found.add(above)
                waiting.append(above)
    return found


def lines(text: str) -> Iterator[tuple[str, str]]:
    """The pairs of one of the tables above."""
    for line in text.strip().splitlines():
        name, _, value = line.partition(": ")
        yield name, value


def main(target: str = str(ROOT / "resources" / "words.json")) -> int:
    """Write the table; prints which classes no word holds. Returns the exit status."""
    known = synsets()
    described = json.loads((ROOT / "model_store" / "vgg16-imagenet" / "model.json").read_text(encoding="utf-8"))
    ids, labels = described["label_ids"], described["labels"]
    said = dict(lines(NAMES))
    if unknown := said.keys() - set(labels):
        print("no such class:", sorted(unknown), file=sys.stderr)
        return 1
    names = {each: said.get(label, label) for each, label in zip(ids, labels, strict=True)}
    if len(set(names.values())) != len(names):
        print("two names are alike", file=sys.stderr)
        return 1
    above = {each: ancestors(each, known) for each in ids}
    by_name = {name: each for each, name in names.items()}
    words: dict[str, set[str]] = {}
    for word, listed in lines(WORDS):
        wanted = {f"n{offset}" for offset in listed.split()}
        if unknown := wanted - known.keys():
            print("no such synset:", word, sorted(unknown), file=sys.stderr)
            return 1
        words[word] = {each for each in ids if above[each] & wanted}
    for word, listed in lines(MORE):
        words.setdefault(word, set()).update(by_name[name] for name in listed.split(", "))
    for word, listed in lines(LESS):
        for name in listed.split(", "):
            gone = words[name[1:]] if name.startswith("*") else {by_name[name]}
            if not words[word] & gone:
                print("nothing to leave out:", word, name, file=sys.stderr)
                return 1
            words[word] -= gone
    if small := [word for word, held in words.items() if len(held) < 2]:
        print("words for fewer than two classes:", small, file=sys.stderr)
        return 1
    document = {
        "schema": 1,
        "source": "WordNet 3.0, Copyright 2006 by Princeton University; hypernyms of the 1,000 synsets of ILSVRC-2012",
        "names": names,
        "words": {word: sorted(held) for word, held in words.items()},
    }
    text = json.dumps(document, indent=None, separators=(",", ":"), ensure_ascii=False)
    text = text.replace('},"words":{', '},\n"words":{').replace('],"', '],\n"') + "\n"
    Path(target).write_text(text, encoding="utf-8", newline="\n")
    alone = [names[each] for each in ids if not any(each in held for held in words.values())]
    print(f"{len(words)} words, {len(alone)} classes without one: {', '.join(alone)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
