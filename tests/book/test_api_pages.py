"""Check that the library reference has every module, in a part that names it."""

import pytest

from kdgan_lib import api_pages
from kdgan_lib.paths import ROOT


def test_every_module_stands_in_one_part_of_the_reference():
    parts = api_pages.modules_by_part()
    listed = [module for modules in parts.values() for module in modules]
    assert len(listed) == len(set(listed))
    files = (ROOT / "kdgan_lib").rglob("*.py")
    names = [path.relative_to(ROOT).with_suffix("").parts for path in files]
    stored = {".".join(name).removesuffix(".__init__") for name in names}
    assert set(listed) == stored - {"kdgan_lib"}


def test_the_parts_name_each_module_once_and_only_modules_that_exist():
    named = " ".join(api_pages.PARTS.values()).split()
    assert len(named) == len(set(named))
    modules = api_pages.modules_by_part().values()
    tops = {module.split(".")[1] for part in modules for module in part}
    assert set(named) == tops


def test_a_module_of_no_part_is_refused(monkeypatch):
    left = {t: names for t, names in api_pages.PARTS.items() if t != "Commands"}
    monkeypatch.setattr(api_pages, "PARTS", left)
    with pytest.raises(ValueError, match="in no part of the reference"):
        api_pages.modules_by_part()
