"""Declare the runs beyond the paper: changes of KDGAN, more labels, a wider search."""

from typing import Any

from kdgan_lib.experiments import Run, settings
from kdgan_lib.names import COMPARED
from kdgan_lib.variations import changed, compared, with_change

BEYOND: dict[str, dict[str, Any]] = {
    "exact gradient": {"hyper": {"estimator": "exact"}},
    "leave-one-out baseline, 5 draws": {"hyper": {"estimator": "rloo", "draws": 5}},
    "nonsaturating reward": {"hyper": {"reward": "nonsaturating"}},
    "cross-entropy anchor": {"hyper": {"supervision": 1.0}},
    "constant temperature 0.5": {"hyper": {"tau_start": 0.5, "tau_end": 0.5}},
    "rising temperature, 0.1 to 1": {"hyper": {"tau_start": 0.1, "tau_end": 1.0}},
    "D's true labels smoothed by 0.1": {"hyper": {"label_smoothing": 0.1}},
    "learning rates fall along a cosine": {"budget": {"lr_schedule": "cosine"}},
    "three passes of C in a round": {"hyper": {"classifier_passes": 3}},
    "anchor, cosine and three passes": {
        "hyper": {"supervision": 1.0, "classifier_passes": 3},
        "budget": {"lr_schedule": "cosine"},
    },
}
"""What the chapter on the paper's limits changes: one thing at a time, then three."""
RATIOS = (1.0, 10.0, 100.0)
"""Ratios of the adaptive weights."""


def beyond(profile: str = "paper") -> list[Run]:
    """Return the tuned KDGAN at n = 100, its changes, and its adaptive weights."""
    tuned = compared(("kdgan",), 5, profile=profile)
    adaptive = compared(("kdgan_adaptive",), 5, profile=profile)
    ratios = [{"hyper": {"ratio": ratio}} for ratio in RATIOS]
    return [
        *(changed(run, change) for run in tuned for change in ({}, *BEYOND.values())),
        *(changed(run, change) for run in adaptive for change in ratios),
    ]


MANY = 10_000
"""Training images of the search for what C lacks where labels are many."""
LONGER: dict[str, Any] = {
    "budget": {"lr_schedule": "cosine", "pretraining_schedule": "cosine"},
    "pretraining": {"teacher": 4},
    "updates": 2,
}
"""Rates that fall, T pretrained four times as long, and twice the player updates."""
BENT: dict[str, Any] = {
    **LONGER,
    "budget": {
        **LONGER["budget"],
        "augmentation": "elastic",
        "pretraining_augmentation": "elastic",
    },
}
"""The same for players that see images bent, and less moved and turned than usual."""
MOVED: dict[str, Any] = {
    **BENT,
    "budget": {**BENT["budget"], "augmentation": "elastic_or_affine"},
}
"""The same, where a coin decides for each batch: bent, or moved and turned as usual."""
UNDROPPED = {"variant": "undropped"}
"""A C without dropout."""
MANY_LABELS: dict[str, dict[str, Any]] = {
    "kdgan as prescribed": {"method": "kdgan"},
    "kdgan with ten passes of C and a cosine": {
        "method": "kdgan",
        "hyper": {"classifier_passes": 10},
        "budget": {"lr_schedule": "cosine"},
    },
    "kdgan with ten passes of C and a cosine, for longer": {
        "method": "kdgan",
        "hyper": {"classifier_passes": 10},
        **LONGER,
    },
    "kdgan with ten passes of C, a cosine and the anchor, for longer, on bent images": {
        "method": "kdgan",
        "hyper": {"classifier_passes": 10, "supervision": 1.0},
        **BENT,
    },
    "kdgan with ten passes of C, a cosine and the anchor, for longer, on bent and on "
    "moved images, without dropout in C": {
        "method": "kdgan",
        "hyper": {"classifier_passes": 10, "supervision": 1.0},
        **MOVED,
        **UNDROPPED,
    },
    "distn as prescribed": {"method": "distn"},
    "distn for longer": {"method": "distn", **LONGER},
    "distn for longer, on bent images": {"method": "distn", **BENT},
    "distn for longer, on bent images, without dropout in C": {
        "method": "distn",
        **BENT,
        **UNDROPPED,
    },
    "distn for longer, on bent and on moved images": {"method": "distn", **MOVED},
    "distn for longer, on bent and on moved images, without dropout in C": {
        "method": "distn",
        **MOVED,
        **UNDROPPED,
    },
    "codis as prescribed": {"method": "codis"},
    "codis for longer": {"method": "codis", **LONGER},
    "codis for longer, on bent images": {"method": "codis", **BENT},
    "codis for longer, on bent and on moved images, without dropout in C": {
        "method": "codis",
        **MOVED,
        **UNDROPPED,
    },
    "nagan as prescribed": {"method": "nagan"},
    "nagan with C pretrained ten times as long": {
        "method": "nagan",
        "pretraining": {"classifier": 10},
    },
}
"""KDGAN and its rivals at n = 10,000: the method, and what differs."""


def many_labels(profile: str = "paper") -> list[Run]:
    """Return KDGAN at n = 10,000 with more passes of C, and longer, as are rivals."""
    return [
        with_change(change, MANY, seed, profile)
        for seed in range(3)
        for change in MANY_LABELS.values()
    ]


def wider(profile: str = "paper") -> list[Run]:
    """Return every method at n = 100 with what the wider search found for it.

    Empty before that search, whose settings `kdgan tune --wider --freeze` writes.
    """
    found = settings("wider")
    return [
        _with(run, found[run.method.name])
        for run in compared(COMPARED, 5, profile=profile)
        if run.method.name in found
    ]


def _with(run: Run, setting: dict[str, dict]) -> Run:
    hyper, budget = setting["hyperparameters"], setting["budget"]
    return changed(run, {"hyper": hyper, "budget": budget})
