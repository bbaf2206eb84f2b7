"""Refuse a setting that its field does not list; say what identifies settings."""

from dataclasses import fields
from math import inf, isfinite
from numbers import Integral, Real
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


def check_counts(settings: Any) -> None:
    """Raise ValueError for a value of a dataclass's int field that is not whole."""
    hints = get_type_hints(type(settings))
    for field in fields(settings):
        value = getattr(settings, field.name)
        # The loop counts in ones: it would pass 7.5 epochs by and never end.
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if hints[field.name] is int and not whole:
            raise ValueError(f"{field.name} must be a whole number, not {value}.")


def check_range(
    settings: Any,
    *names: str,
    least: float = 0,
    above: float | None = None,
    to: float = inf,
    below: float = inf,
) -> None:
    """Raise ValueError for a value not from `least` on, or above a bound; or too large.

    to, below: the last value of the range, or the first after it. Infinity and NaN are
    in no range.
    """
    start = f"at least {least:g}" if above is None else f"above {above:g}"
    end = "" if to == inf else f" and at most {to:g}"
    end += "" if below == inf else f" and below {below:g}"
    for name in names:
        value = getattr(settings, name)
        _check_number(name, value)
        started = value >= least if above is None else value > above
        if not (started and value <= to and value < below and isfinite(value)):
            finite = "" if isfinite(value) else " and finite"
            raise ValueError(f"{name} must be {start}{end or finite}, not {value}.")


def _check_number(name: str, value: object) -> None:
    if not isinstance(value, Real):
        raise ValueError(f"{name} must be a number, not {value!r}.")


def identity(settings: Any) -> dict[str, Any]:
    """Return a dataclass's values by name, less its later fields at their defaults."""
    return {
        field.name: getattr(settings, field.name)
        for field in fields(settings)
        if not field.metadata.get("later")
        or getattr(settings, field.name) != field.default
    }
