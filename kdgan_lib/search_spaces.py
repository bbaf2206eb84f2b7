"""Say what the search for settings may take: values by method, and its first trial."""

Suggested = dict[str, str | float | int]
RATE = ("float", 1e-4, 3e-3)
GAME_RATE = ("float", 3e-5, 1e-3)
WEIGHT = ("float", 1e-2, 1e1)

SEARCH_SPACES: dict[str, dict[str, tuple]] = {
    "supervised": {"weight_decay": ("float", 1e-6, 1e-2)},
    "mimic": {},
    "distn": {
        "distillation_weight": ("choice", 0.5, 0.7, 0.9),
        "distillation_temperature": ("choice", 1.0, 2.0, 3.0, 5.0),
    },
    "noisy": {"keep": ("choice", 0.8, 0.9, 0.95), "noise_scale": ("float", 0.03, 0.3)},
    "codis": {
        "teacher_lr": GAME_RATE,
        "distillation_weight": ("float", 0.1, 10.0),
        "distillation_temperature": ("choice", 1.0, 2.0, 3.0),
    },
    "nagan": {
        "discriminator_lr": GAME_RATE,
        "estimator": ("choice", "relaxed_score", "pathwise"),
        "draws": ("choice", 1, 5, 25),
        "tau_end": ("choice", 0.1, 0.5),
    },
    "kdgan_wo_gm": {
        "discriminator_lr": GAME_RATE,
        "teacher_lr": GAME_RATE,
        "alpha": ("choice", 0.1, 0.3, 0.5, 0.7),
        "beta": WEIGHT,
        "gamma": ("float", 1e-4, 1e-1),
        "draws": ("choice", 1, 5, 25),
    },
}
SEARCH_SPACES["kdgan"] = SEARCH_SPACES["kdgan_wo_gm"] | {
    "estimator": ("choice", "relaxed_score", "pathwise"),
    "tau_end": ("choice", 0.1, 0.5),
}
FORM = {"distillation": ("choice", "l2", "kl")}
TAG_SPACES = {"kdgan_wo_gm": FORM, "kdgan": FORM}
GAME_START: Suggested = {
    "discriminator_lr": 1e-4,
    "draws": 1,
    "estimator": "pathwise",
    "tau_end": 0.5,
}
STARTS: dict[str, Suggested] = {
    "supervised": {"weight_decay": 1e-5},
    "mimic": {},
    "distn": {"distillation_weight": 0.7, "distillation_temperature": 3.0},
    "noisy": {"keep": 0.9, "noise_scale": 0.1},
    "codis": {
        "teacher_lr": 1e-4,
        "distillation_weight": 1.0,
        "distillation_temperature": 1.0,
    },
    "nagan": GAME_START | {"classifier_lr": 1e-4},
    "kdgan_wo_gm": {
        "discriminator_lr": 1e-4,
        "teacher_lr": 1e-4,
        "draws": 1,
        "alpha": 0.5,
        "beta": 1.0,
        "gamma": 1e-4,
    },
    "kdgan": GAME_START
    | {"teacher_lr": 1e-4, "alpha": 0.5, "beta": 1.0, "gamma": 1e-4},
}
COMMON = {"lr_schedule": ("choice", "constant", "cosine")}
WIDER_COMMON = {
    "weight_decay": ("choice", 0.0, 1e-5, 1e-4, 1e-3),
    "classifier_pretraining": ("choice", 0, 50, 200),
}
WIDER_GAME = {
    "classifier_passes": ("choice", 1, 2, 3),
    "discriminator_passes": ("choice", 1, 2),
    "label_smoothing": ("choice", 0.0, 0.1),
    "reward": ("choice", "saturating", "nonsaturating"),
    "tau_start": ("choice", 1.0, 0.5),
}
WIDER_THREE = WIDER_GAME | {
    "teacher_passes": ("choice", 1, 2),
    "supervision": ("choice", 0.0, 0.3, 1.0),
}
WIDER_ESTIMATOR = {"estimator": ("choice", "relaxed_score", "pathwise", "exact")}
WIDER_SPACES = {
    "nagan": WIDER_GAME | WIDER_ESTIMATOR,
    "kdgan_wo_gm": WIDER_THREE,
    "kdgan": WIDER_THREE | WIDER_ESTIMATOR,
}


def space(name: str, data: str = "mnist", wider: bool = False) -> dict[str, tuple]:
    """Return what is searched for a method: its own settings and C's learning rate.

    On the tag data the game's form of distillation is searched, too: a squared distance
    sums over 200 labels there. wider: with the passes of each player, C's pretraining,
    weight decay, and the reward, labels and temperature of the game.
    """
    rate = GAME_RATE if name == "nagan" else RATE
    tags = {} if data in ("mnist", "cifar10") else TAG_SPACES.get(name, {})
    found = {"classifier_lr": rate, **COMMON, **SEARCH_SPACES[name], **tags}
    return {**WIDER_COMMON, **found, **WIDER_SPACES.get(name, {})} if wider else found


def start(name: str) -> Suggested:
    """Return the first trial of a method, so that no search starts from luck alone."""
    return {"classifier_lr": 1e-3, "lr_schedule": "cosine", **STARTS[name]}
