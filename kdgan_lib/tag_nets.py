"""Networks of tag recommendation: C reads the image, T and D the image and its text."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from kdgan_lib.tags import FOLDS, word_vectors

FEATURES = 1280
"""Width of the image features."""
Builder = Callable[[], nn.Module]
Combination = Literal["product", "concatenation", "text"]


class TagClassifier(nn.Module):
    """Rate labels from image features alone, by one hidden ReLU layer (h, C).

    Dropout acts on the features, too: they are given, so that it is the one way to
    vary an image from pass to pass.
    """

    def __init__(
        self,
        inputs: int = FEATURES,
        hidden: int = 512,
        labels: int = 200,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(inputs, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, labels),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, labels] logits."""
        return self.layers(inputs)


class TextEncoder(nn.Module):
    """Read a text by an LSTM over pretrained word vectors: mean and maximum of states.

    vectors: [V + 1, width], row 0 for padding. A text without words is a zero vector.
    """

    def __init__(self, vectors: Tensor, hidden: int = 128, dropout: float = 0.2):
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(
            vectors.clone(), freeze=False, padding_idx=0
        )
        self.lstm = nn.LSTM(vectors.shape[1], hidden, batch_first=True)
        self.word_dropout = dropout
        self.width = 2 * hidden

    def forward(self, text: Tensor) -> Tensor:
        """Return [batch, width] of word numbers [batch, length], 0 for padding."""
        length = int((text > 0).sum(1).max()) if len(text) else 0
        text = text[:, : max(length, 1)]
        real = (text > 0).unsqueeze(2)
        # Padding follows the words, so that no state of a word has seen it.
        states = self.lstm(self.embed(text))[0]
        mean = (states * real).sum(1) / real.sum(1).clamp(min=1)
        highest = states.masked_fill(~real, -1).amax(1)  # states are above -1
        return torch.cat([mean, highest * real.any(1)], 1)

    def embed(self, text: Tensor) -> Tensor:
        """Return word vectors; in training mode some words, whole, are zero."""
        vectors = self.embedding(text)
        if self.training and self.word_dropout:
            kept = torch.rand(text.shape, device=text.device) >= self.word_dropout
            vectors = vectors * kept.unsqueeze(2)
        return vectors


class PairNet(nn.Module):
    """Rate labels from image features and text (s; T and D).

    combine: "product", an MLP on the element-wise product of projected image and
    projected text (the paper's); "concatenation" of the two; "text" alone.
    """

    def __init__(
        self,
        vectors: Tensor,
        inputs: int = FEATURES,
        hidden: int = 256,
        labels: int = 200,
        dropout: float = 0.5,
        combine: Combination = "product",
    ) -> None:
        super().__init__()
        self.combine = combine
        self.text = TextEncoder(vectors)
        self.from_text = nn.Linear(self.text.width, hidden)
        if combine != "text":
            self.from_image = nn.Sequential(
                nn.Dropout(dropout), nn.Linear(inputs, hidden)
            )
        width = 2 * hidden if combine == "concatenation" else hidden
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, labels),
        )

    def forward(self, inputs: Tensor, privileged: Tensor) -> Tensor:
        """Return [batch, labels] logits; column 0 of privileged is not looked at."""
        text = self.from_text(self.text(privileged[:, 1:]))
        if self.combine == "text":
            return self.head(text.relu())
        image = self.from_image(inputs)
        if self.combine == "concatenation":
            return self.head(torch.cat([image, text], 1).relu())
        return self.head((1 + image) * text)


class CrossFitted(nn.Module):
    """Rate each training image by a copy of the network that never trained on it.

    A teacher that has learned its training labels by heart has nothing to add to them.
    Here copy f trains on all folds but f. In training mode an example goes through a
    copy of another fold than its own, chosen at random by torch's generator; in
    evaluation mode through the copy of its own fold, which has seen neither it nor its
    near-duplicates. An example of no fold (-1) gets the mean logits of all copies:
    their softmax is that of the mean log-probabilities, and their scale is that of
    one copy's logits, which distillation on logits compares.
    builder: makes a network of (inputs, privileged); column 0 of privileged is the
    fold.
    """

    def __init__(self, builder: Builder, folds: int = FOLDS) -> None:
        super().__init__()
        self.copies = nn.ModuleList(builder() for _ in range(folds))

    def forward(self, inputs: Tensor, privileged: Tensor) -> Tensor:
        """Return [batch, labels] logits."""
        fold = privileged[:, 0]
        if self.training:
            return self.routed(inputs, privileged, self.another(fold))
        if (fold >= 0).all():
            return self.routed(inputs, privileged, fold)
        mean = torch.stack([copy(inputs, privileged) for copy in self.copies]).mean(0)
        if (fold < 0).all():
            return mean
        own = self.routed(inputs, privileged, fold.clamp(min=0))
        return torch.where((fold >= 0).unsqueeze(1), own, mean)

    def another(self, fold: Tensor) -> Tensor:
        """Return for each example one of the copies that may train on it."""
        copies = len(self.copies)
        step = torch.randint(1, copies, fold.shape, device=fold.device)
        anyone = torch.randint(copies, fold.shape, device=fold.device)
        return torch.where(fold >= 0, (fold + step) % copies, anyone)

    def routed(self, inputs: Tensor, privileged: Tensor, copy: Tensor) -> Tensor:
        """Return each example's logits by the copy that is named for it."""
        order = copy.argsort(stable=True)
        sizes = copy.bincount(minlength=len(self.copies)).tolist()
        batches = zip(
            self.copies,
            inputs[order].split(sizes),
            privileged[order].split(sizes),
            strict=True,
        )
        logits = [network(x, text) for network, x, text in batches if len(x)]
        return torch.cat(logits)[order.argsort()]


def tag_players(
    num_labels: int = 200, variant: str = "default"
) -> dict[str, Callable[[], nn.Module]]:
    """Return the networks of a variant of `VARIANTS`: C, T and D, ready to be built."""
    if variant not in VARIANTS:
        names = ", ".join(VARIANTS)
        raise ValueError(f"{variant!r} is no variant: choose from {names}.")
    return {
        "classifier": partial(TagClassifier, labels=num_labels),
        "teacher": VARIANTS[variant](num_labels),
        "discriminator": _pair_net(num_labels),
    }


def _pair_net(labels: int, combine: Combination = "product") -> Builder:
    return lambda: PairNet(word_vectors(), labels=labels, combine=combine)


def _cross_fitted(labels: int, combine: Combination = "product") -> Builder:
    return partial(CrossFitted, _pair_net(labels, combine))


VARIANTS: dict[str, Callable[[int], Builder]] = {
    "default": _cross_fitted,
    "single_teacher": _pair_net,
    "concatenation": partial(_cross_fitted, combine="concatenation"),
    "text_only": partial(_cross_fitted, combine="text"),
}
