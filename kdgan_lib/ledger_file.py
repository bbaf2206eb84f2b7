"""Read the ledger's file, and say what is wrong with it in one sentence."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader in C, ten times as fast, where PyYAML was built with it."""
RESTORE = "correct it, or restore it with `git checkout -- claims.yml` in its folder"
RULED = ("reproduced", "partly")
"""Verdicts that a rule has a condition for; whatever meets none is not reproduced."""
PAIRS = ("between", "interval_within")
"""Operators whose bound is a pair of numbers, the lower one first."""


def entries(path: str) -> list[Mapping[str, Any]]:
    """Return the entries of the file's list `claims`.

    Raises ValueError for a file that is no YAML, or holds no such list.
    """
    try:
        document = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = " ".join(str(error).split())
        raise ValueError(f"{path} is no YAML ({where}): {RESTORE}.") from None
    found = document.get("claims") if isinstance(document, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(e, Mapping) for e in found):
        raise ValueError(f"{path} has no list `claims` of entries: {RESTORE}.")
    return found


@contextmanager
def told(path: str, entry: Mapping[str, Any]) -> Iterator[None]:
    """Name the file and the claim in what is wrong with an entry, as ValueError."""
    try:
        yield
    except KeyError as error:
        wrong = f"it lacks {error}"
    except (TypeError, ValueError, AttributeError) as error:
        wrong = str(error).replace("Claim.__init__() ", "")
    else:
        return
    raise ValueError(f"{path}, claim {entry.get('id')!r}: {wrong}; {RESTORE}.")


def check_fields(entry: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise ValueError for a field that no claim has, or a text without words."""
    for name, value in entry.items():
        if name not in known:
            raise ValueError(f"no field {name!r}; choose from {', '.join(known)}")
        if value == "":  # its words may have slipped below another field
            raise ValueError(f"its {name} is empty: fill it in, or leave it out")


def check_unique(path: str, names: Iterable[str]) -> None:
    """Raise ValueError for an identifier that two claims have."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{path} has the claim {twice[0]!r} twice; {RESTORE}.")


def check_rule(rule: object, operators: Collection[str]) -> None:
    """Raise ValueError for a rule that could not be applied as it is written."""
    if not isinstance(rule, Mapping):
        raise ValueError("its rule is no mapping of verdicts to conditions")
    for verdict, condition in rule.items():
        if verdict not in RULED:
            raise ValueError(
                f"its rule has {verdict!r}; choose from {', '.join(RULED)}"
            )
        _check_condition(condition, operators)


def _check_condition(condition: object, operators: Collection[str]) -> None:
    if not isinstance(condition, Mapping):
        raise ValueError(f"{condition!r} is no condition")
    for joint in ("all", "any"):
        if joint in condition:
            parts = condition[joint]
            if len(condition) > 1 or not isinstance(parts, list) or not parts:
                raise ValueError(f"`{joint}` takes a list of conditions, and no other")
            for part in parts:
                _check_condition(part, operators)
            return
    if not isinstance(condition.get("quantity"), str) or len(condition) < 2:
        raise ValueError(f"the condition {dict(condition)} names no quantity or test")
    for key, bound in condition.items():
        if key != "quantity":
            _check_test(key, bound, operators)


def _check_test(key: str, bound: object, operators: Collection[str]) -> None:
    if key not in operators:
        raise ValueError(f"no test {key!r}; choose from {', '.join(operators)}")
    ends = bound if key in PAIRS else [bound]
    size = 2 if key in PAIRS else 1
    if not isinstance(ends, list) or len(ends) != size or not all(map(_number, ends)):
        wanted = "two numbers" if size == 2 else "a number, such as 1.0e-9"
        raise ValueError(f"the bound of {key!r} is {bound!r}, not {wanted}")


def _number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
