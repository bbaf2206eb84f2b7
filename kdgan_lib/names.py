"""Write the methods' names as the paper writes them."""

LABELS = {
    "kdgan": "KDGAN",
    "kdgan_wo_gm": "KDGAN-WO-GM",
    "nagan": "NaGAN",
    "codis": "CODIS",
    "distn": "DISTN",
    "noisy": "NOISY",
    "mimic": "MIMIC",
    "supervised": "supervised",
    "relexample": "RelExample",
    "tagfeature": "TagFeature",
    "tagprop": "TagProp",
    "knn": "KNN",
}


def label_of(name: str) -> str:
    """Return the name of a method as the paper writes it."""
    return LABELS.get(name, name.replace("_", " "))
