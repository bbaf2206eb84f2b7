"""Networks of tag recommendation: C reads the image, T and D the image and its text."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from kdgan_lib.tag_tables import EMBEDDED, NETWORK, NETWORKS
from kdgan_lib.tags import FOLDS, word_vectors

Builder = Callable[[], nn.Module]
Combination = Literal["product", "plain_product", "concatenation", "text"]


class TagClassifier(nn.Module):
    """Rate labels from image features alone, by one hidden ReLU layer (h, C).

    Dropout acts on the features, too: they are given, so that it is the one way to
    vary an image from pass to pass.
    """

    def __init__(
        self,
        inputs: int = NETWORKS[NETWORK],
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

    def __init__(self, vectors: Tensor, hidden: int = 64, dropout: float = 0.2):
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

    def extra_repr(self) -> str:
        """Return what the weights do not tell: stored players are known by it."""
        return f"word_dropout={self.word_dropout}"


class PairNet(nn.Module):
    """Rate labels from image features and text (s; T and D).

    Image and text are projected to one width and normalised per example; then a ReLU,
    dropout and a linear layer rate what they combine to. combine: "product", the
    element-wise (1 + image) * (1 + text) - 1, in which either is heard where the other
    is silent; "plain_product", image * text, the paper's to the letter;
    "concatenation"; "text" alone.
    """

    def __init__(
        self,
        vectors: Tensor,
        inputs: int = NETWORKS[NETWORK],
        hidden: int = 256,
        labels: int = 200,
        dropout: float = 0.5,
        combine: Combination = "product",
    ) -> None:
        super().__init__()
        self.combine = combine
        self.text = TextEncoder(vectors)
        self.from_text = _projection(self.text.width, hidden)
        if combine != "text":
            self.from_image = _projection(inputs, hidden, dropout)
        width = 2 * hidden if combine == "concatenation" else hidden
        self.head = nn.Sequential(
            nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, labels)
        )

    def forward(self, inputs: Tensor, privileged: Tensor) -> Tensor:
        """Return [batch, labels] logits; column 0 of privileged is not looked at."""
        text = self.from_text(self.text(privileged[:, 1:]))
        if self.combine == "text":
            return self.head(text)
        image = self.from_image(inputs)
        if self.combine == "concatenation":
            return self.head(torch.cat([image, text], 1))
        if self.combine == "plain_product":
            return self.head(image * text)
        return self.head((1 + image) * (1 + text) - 1)

    def extra_repr(self) -> str:
        """Return what the weights do not tell: stored players are known by it."""
        return f"combine={self.combine!r}"


class CrossFitted(nn.Module):
    """Rate each training image by a copy of the network that never trained on it.

    A teacher that has learned its training labels by heart repeats them.
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
        if len(sizes) > len(self.copies):
            raise ValueError(
                f"There are {len(self.copies)} copies, but an example of fold "
                f"{len(sizes) - 1}: build as many copies as the data has folds."
            )
        batches = zip(
            self.copies,
            inputs[order].split(sizes),
            privileged[order].split(sizes),
            strict=True,
        )
        logits = [network(x, text) for network, x, text in batches if len(x)]
        return torch.cat(logits)[order.argsort()]


@dataclass(frozen=True)
class Variant:
    """How the players of tag recommendation are built; C is always the same."""

    about: str
    """What it is for."""
    combine: Combination = "product"
    """How T combines image and text."""
    cross_fitted: bool = True
    """Whether T's answers for training images come from copies that never saw them."""
    discriminator_cross_fitted: bool = False
    """The same of D's."""

    def teacher(self, labels: int, collection: str, network: str) -> Builder:
        """Return what builds T."""
        single = _pair_net(labels, collection, network, self.combine)
        return partial(CrossFitted, single) if self.cross_fitted else single

    def discriminator(self, labels: int, collection: str, network: str) -> Builder:
        """Return what builds D, which reads the product in every variant."""
        single = _pair_net(labels, collection, network)
        return (
            partial(CrossFitted, single) if self.discriminator_cross_fitted else single
        )


VARIANTS = {
    "default": Variant("T reads image times text, and is cross-fitted."),
    "single_teacher": Variant(
        "T is one network, which rates the images that it was trained on.",
        cross_fitted=False,
    ),
    "plain_product": Variant(
        "T's product is the paper's to the letter.", combine="plain_product"
    ),
    "concatenation": Variant("T reads image beside text.", combine="concatenation"),
    "text_only": Variant("T reads the text alone.", combine="text"),
    "cross_fitted_discriminator": Variant(
        "D is cross-fitted, as T is.", discriminator_cross_fitted=True
    ),
}


def tag_players(
    num_labels: int = 200,
    variant: str = "default",
    collection: str = EMBEDDED,
    network: str = NETWORK,
) -> dict[str, Callable[[], nn.Module]]:
    """Return a builder for each seat: C, and a variant's T and D.

    collection: whose texts T and D begin with the word vectors of; network: whose
    image features all of them read.
    Raises ValueError that lists the variants.
    """
    if variant not in VARIANTS:
        names = ", ".join(VARIANTS)
        raise ValueError(f"{variant!r} is no variant: choose from {names}.")
    built = VARIANTS[variant]
    return {
        "classifier": partial(TagClassifier, NETWORKS[network], labels=num_labels),
        "teacher": built.teacher(num_labels, collection, network),
        "discriminator": built.discriminator(num_labels, collection, network),
    }


def _pair_net(
    labels: int, collection: str, network: str, combine: Combination = "product"
) -> Builder:
    return lambda: PairNet(
        word_vectors(collection), NETWORKS[network], labels=labels, combine=combine
    )


def _projection(inputs: int, outputs: int, dropout: float = 0.0) -> nn.Module:
    return nn.Sequential(
        nn.Dropout(dropout), nn.Linear(inputs, outputs), nn.LayerNorm(outputs)
    )
