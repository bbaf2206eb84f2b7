"""Read the metadata of YFCC100M: a line per picture, columns separated by tabs.

The format (Thomee et al., "YFCC100M: the new data in multimedia research", 2016, and
the notes that come with the files): id, user id, user name, date taken, date uploaded,
device, title, description, user tags, machine tags, longitude, latitude, accuracy,
page, download address, licence, licence address, server, farm, secret, original
secret, extension, and 0 for a photograph or 1 for a video. These are the 23 columns of
the ten files `yfcc100m_dataset-0.bz2` to `-9.bz2`; the one file `yfcc100m_dataset.bz2`
has 25: a line number before the id and a hash after it. Free text is encoded as in
addresses (`+` is a space); tags are encoded one by one and separated by commas.
"""

import hashlib
import html
import re
from functools import lru_cache
from urllib.parse import unquote_plus

COLUMNS = 23
USER, TITLE, DESCRIPTION, TAGS, PAGE, DOWNLOAD, LICENCE, KIND = (
    1,
    6,
    7,
    8,
    13,
    14,
    15,
    22,
)
"""Columns that are used, counted from 0 at the id; the id itself is the first."""
MARKUP = re.compile(r"<[^<>]*>")
"""Descriptions may hold links and emphasis in HTML."""


class Photograph:
    """One line of the metadata; texts are decoded when they are asked for."""

    __slots__ = ("_columns", "tags")

    def __init__(self, columns: list[str], tags: tuple[str, ...]) -> None:
        self._columns = columns
        self.tags = tags
        """Decoded, in lower case, without repeats, in the user's order."""

    @property
    def identifier(self) -> str:
        """Return Flickr's number."""
        return self._columns[0]

    @property
    def user(self) -> str:
        """Return the id of who gave it."""
        return self._columns[USER]

    @property
    def title(self) -> str:
        """Return the title, decoded; may be empty if there is a description."""
        return plain(self._columns[TITLE])

    @property
    def description(self) -> str:
        """Return the description, decoded; may be empty if there is a title."""
        return plain(self._columns[DESCRIPTION])

    @property
    def url(self) -> str:
        """Return where the image was: of about 500 x 500 pixels."""
        return self._columns[DOWNLOAD]

    @property
    def page(self) -> str:
        """Return the page that says whose it is, and whether it is still public."""
        return self._columns[PAGE]

    @property
    def licence(self) -> str:
        """Return the name of its Creative Commons licence."""
        return decode(self._columns[LICENCE])


def parse_line(line: bytes) -> Photograph | str:
    """Return the photograph of a line, or the reason to leave it out."""
    try:
        columns = line.decode("utf-8").rstrip("\r\n").split("\t")
    except UnicodeDecodeError:
        return "broken line"
    if len(columns) == COLUMNS + 2:
        columns[:3] = columns[1:2]  # without line number and hash
    if len(columns) != COLUMNS or not columns[0].isdecimal():
        return "broken line"
    if columns[KIND] not in ("0", "1"):
        return "broken line"
    if columns[KIND] == "1":
        return "video"
    if _is_empty(columns[TITLE]) and _is_empty(columns[DESCRIPTION]):
        return "no title or description"
    tags = tuple(dict.fromkeys(filter(None, map(_tag, columns[TAGS].split(",")))))
    if not tags:
        return "no tag"
    if not columns[DOWNLOAD].startswith(("http://", "https://")):
        return "no address"
    return Photograph(columns, tags)


def decode(text: str) -> str:
    """Undo the encoding of a text field and collapse its white space."""
    if "%" in text:
        return " ".join(unquote_plus(text, errors="replace").split())
    return " ".join(text.replace("+", " ").split())


def plain(text: str) -> str:
    """Decode a text field and leave out its markup."""
    decoded = decode(text)
    if "<" in decoded:
        decoded = " ".join(MARKUP.sub(" ", decoded).split())
    return html.unescape(decoded) if "&" in decoded else decoded


def commons_path(url: str) -> str:
    """Return where the Multimedia Commons keep the image of a download address."""
    key = hashlib.md5(url.encode(), usedforsecurity=False).hexdigest()
    return f"{key[:3]}/{key[3:6]}/{key}.jpg"


def _is_empty(text: str) -> bool:
    """Tell whether nothing is left of a text; its first letter spares decoding it."""
    return not text[:1].isalnum() and not plain(text)


@lru_cache(maxsize=1 << 16)  # a few tags are on most photographs
def _tag(encoded: str) -> str:
    return decode(encoded).lower()
