"""Label the references as the text cites them: authors and year."""

from collections.abc import Iterable, Iterator
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style
from pybtex.style.labels import BaseLabelStyle

NAME = "author_year"


class AuthorYear(BaseLabelStyle):
    """`Wang et al., 2018`, or both names of two authors."""

    def format_labels(self, sorted_entries: Iterable[Any]) -> Iterator[str]:
        """Yield a label for each entry."""
        for entry in sorted_entries:
            people = [_last(person) for person in entry.persons["author"]]
            named = " and ".join(people) if len(people) < 3 else f"{people[0]} et al."
            yield f"{named}, {entry.fields['year']}"


def _last(person: Any) -> str:
    """Return an author's last name, with LaTeX's accents as letters."""
    words = [*person.rich_prelast_names, *person.rich_last_names]
    return str(Text(" ").join(words))


class AuthorYearStyle(Style):
    """The plain style, by author and year."""

    default_label_style = AuthorYear


def setup(app: Any) -> dict[str, bool]:
    """Make the style known to the bibliography."""
    register_plugin("pybtex.style.formatting", NAME, AuthorYearStyle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
