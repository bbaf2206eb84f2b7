"""Declare the grids of tag recommendation: Table 2, Figures 3b and 5, and controls."""

from typing import Any

from kdgan_lib.experiments import Run, declare
from kdgan_lib.names import ADVERSARIAL, TAGGERS
from kdgan_lib.variations import axes, changed, compared, distinct, varied

TAG_CONTROLS: dict[str, dict[str, Any]] = {
    "T is one network, as in the paper": {"variant": "single_teacher"},
    "β = 0: C does not learn from T": {"hyper": {"beta": 0.0}},
    "γ = 0: T does not learn from C": {"hyper": {"gamma": 0.0}},
    "without D": {"hyper": {"adversarial": 0.0}},
    "with the labels' cross-entropy": {"hyper": {"supervision": 1.0}},
    "three times the updates": {"updates": 3},
    "cross-entropy and three times the updates": {
        "hyper": {"supervision": 1.0},
        "updates": 3,
    },
    "D cross-fitted, as T is": {"variant": "cross_fitted_discriminator"},
    "one network for T, and the labels' cross-entropy": {
        "variant": "single_teacher",
        "hyper": {"supervision": 1.0},
    },
    "one network, cross-entropy, three times the updates": {
        "variant": "single_teacher",
        "hyper": {"supervision": 1.0},
        "updates": 3,
    },
}
"""What the table of controls on the popular tags changes in KDGAN. With three times
the updates C has as many as in a method that trains C alone."""


LOOKED_AT = ("supervised", "mimic", "distn", "nagan", "kdgan")
"""Methods that are run again where features or parts are others."""


def table2(profile: str = "paper") -> list[Run]:
    """Return Table 2's neural methods on both vocabularies, and what explains them."""
    return [
        *compared(TAGGERS, 10, data="openclipart", profile=profile),
        *compared(TAGGERS, 10, data="openclipart_random", profile=profile),
        *compared(TAGGERS, 5, data="openclipart_unnamed", profile=profile),
    ]


def tag_controls(profile: str = "paper") -> list[Run]:
    """Return KDGAN and its changes on the popular tags, beside C alone."""
    return distinct(
        run
        for seed in range(5)
        for run in (
            declare("supervised", data="openclipart", seed=seed, profile=profile),
            declare("kdgan", data="openclipart", seed=seed, profile=profile),
            *(tag_control(name, seed, profile) for name in TAG_CONTROLS),
        )
    )


def tag_control(name: str, seed: int, profile: str = "paper") -> Run:
    """Return a run of the table of controls on the popular tags."""
    change = TAG_CONTROLS[name]
    where = {"data": "openclipart", "variant": change.get("variant", "default")}
    run = declare("kdgan", seed=seed, profile=profile, **where)
    return changed(run, change)


def vgg16(profile: str = "paper") -> list[Run]:
    """Return methods on features of the paper's backbone, popular tags."""
    return compared(LOOKED_AT, 5, data="openclipart_vgg16", profile=profile)


def ungrouped(profile: str = "paper") -> list[Run]:
    """Return methods where near-duplicates are in all parts, popular tags."""
    return compared(LOOKED_AT, 3, data="openclipart_ungrouped", profile=profile)


def table2_yfcc100m(profile: str = "paper") -> list[Run]:
    """Return Table 2's neural methods on the paper's photographs, once prepared."""
    return [
        run
        for data in ("yfcc100m", "yfcc100m_random")
        for run in compared(TAGGERS, 10, data=data, profile=profile)
    ]


def teachers(profile: str = "paper") -> list[Run]:
    """Return what C learns on the popular tags from other kinds of teachers."""
    methods, data = ("mimic", "distn", "kdgan"), "openclipart"
    return [
        run
        for variant in ("default", "single_teacher", "concatenation", "text_only")
        for run in compared(methods, 5, data=data, variant=variant, profile=profile)
    ]


def figure3b(profile: str = "paper") -> list[Run]:
    """Return the curves of P@3 for the adversarial methods."""
    return compared(ADVERSARIAL, 10, data="openclipart", profile=profile)


def figure5(profile: str = "paper") -> list[Run]:
    """Return KDGAN over alpha, beta and gamma on the popular tags."""
    return varied(profile, *axes(), seeds=3, data="openclipart")
