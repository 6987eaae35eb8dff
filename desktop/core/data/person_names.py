"""Whether the name of a file or folder reads like a person's name: no list of names, the ways of writing them.

Better one name hidden that is none than one shown that is: a hidden one becomes a number and can be asked for.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_WORDS = re.compile(r"[^\W\d_]+")
_HUMPS = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_BORN = re.compile(r"(?<![^\W\d_])(?:born|birth|birthdate|dob|geb|geboren|né|née|nacido|patient\W?name)", re.IGNORECASE)
_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d[-_. ]?(?:0[1-9]|1[0-2])[-_. ]?(?:0[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?<!\d)(?:0?[1-9]|[12]\d|3[01])[-_. ](?:0?[1-9]|1[0-2])[-_. ](?:19|20)\d\d(?!\d)"
)
_SHORTEST = 3  # letters of a word in small letters, or in capitals, that may be part of a name
# Words that cameras, scanners, data sets and their makers put into names; none of them names a person.
_THING_WORDS = """
app whats
abdomen acr adc adult all am and ankle anterior ap apex apr archive at aug axial backup bacteria batch benign
black blue bone brain bright brown by camera capture cardiac case cat category cell cells chest child cifar
class clean clip color colour control copy cor coronal covid cr crop cropped ct cut dark data dataset day dcm
dec dicom digit digital dog dr drawing dsc dscf dscn dx edited elbow exam example export face fake feb femur
file film final flair flip folder foot for frame from front frontal full gif gray green grey group hand head
heart hip id ilsvrc im image image_no imagenet images img in index info input ischemic jan jpeg jpg jul jun knee
label large lat lateral left legacy light localizer lung lungs male mammo map mar mask may median medium mip
mnist model mov movie mr mri negative new night no normal nov nrm number object ocr oct of old on original other
out output pa page pano part pat patient pct person phone photo pic picture pid pixel pm pneumonia png portable
positive post posterior pre preview print prob processed pxl random raw ray red render resized rgb right rot
rotated row sagittal sample scan scanned screen screenshot segment selfie sep series set shot shoulder side
signal site size slice small snapshot spine split sq square std stem step study subject supine synthetic table
temp test the thorax thumb thumbnail tif tiff time tmp to topogram train training tumor tumour type ultrasound
unknown unnamed untitled upload upright us val valid validation vid video view viral virus viruses volume web
whatsapp white with wrist xr xray yellow zoom
"""
_THINGS = frozenset(_THING_WORDS.split())


def may_name_a_person(text: str) -> bool:
    """Whether ``text``, the name of one file or folder, may be or hold a person's name.

    So are read: two words side by side that begin with a capital (``Surname_Forename``, ``Doe, Jane``, ``HansMüller``)
    or are all capitals (``DOE^JANE``), words beside a date or a word of birth (``mueller_hans_1961-03-02``,
    ``doe born 1961``), and words of scripts without capitals. Words of cameras, scanners and data sets (``IMG``,
    ``Chest``, ``Screenshot``) name nobody.
    """
    text = unicodedata.normalize("NFC", _SUFFIX.sub("", text.strip()))
    words = _WORDS.findall(_HUMPS.sub(" ", text))
    persons = [word for word in words if len(word) > 1 and word.casefold() not in _THINGS and not _BORN.match(word)]
    if _BORN.search(text) and persons:
        return True
    if any(_has_no_case(word) for word in persons):
        return True
    dated = bool(_DATE.search(text))
    if dated and sum(len(word) >= _SHORTEST for word in persons) >= 2:
        return True
    if dated and any(len(word) >= _SHORTEST and word[0].isupper() for word in persons):
        return True
    return any(_capital(a) and _capital(b) for a, b in _neighbours(words))


def is_no_name(word: str) -> bool:
    """Whether ``word`` is one of cameras, scanners, data sets or medicine, which names nobody."""
    return word.casefold() in _THINGS


def _neighbours(words: list[str]) -> list[tuple[str, str]]:
    """Words side by side, leaving out those that name nobody and single letters between them (``Jane A. Doe``)."""
    kept = [word for word in words if len(word) > 1]
    pairs = pairwise(kept)
    return [(a, b) for a, b in pairs if a.casefold() not in _THINGS and b.casefold() not in _THINGS]


def _capital(word: str) -> bool:
    if word.isupper():
        return len(word) >= _SHORTEST or len(word) == 2 and not word.isascii()
    return word[0].isupper() and word[1:].islower() and len(word) >= 2


def _has_no_case(word: str) -> bool:
    """A word of a script without capitals (Chinese, Arabic, Hebrew …), two letters or more."""
    return word.upper() == word.lower() and len(word) >= 2
