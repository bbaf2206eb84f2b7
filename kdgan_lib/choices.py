"""Refuse a setting that its field does not list; say what identifies settings."""

from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

LATER = {"later": True}
"""Metadata of a field that runs were made without: at its default it is no part of a
run's identity, so that those runs keep theirs."""


def check_choices(settings: Any) -> None:
    """Raise ValueError, naming the allowed values, for a dataclass's wrong choice.

    Only fields of a Literal type are looked at.
    """
    hints = get_type_hints(type(settings))
    for field in fields(settings):
        hint, value = hints[field.name], getattr(settings, field.name)
        if get_origin(hint) is Literal and value not in get_args(hint):
            allowed = ", ".join(map(str, get_args(hint)))
            raise ValueError(f"No {field.name} '{value}'; choose from {allowed}.")


def identity(settings: Any) -> dict[str, Any]:
    """Return a dataclass's values by name, less its later fields at their defaults."""
    return {
        field.name: getattr(settings, field.name)
        for field in fields(settings)
        if not field.metadata.get("later")
        or getattr(settings, field.name) != field.default
    }
