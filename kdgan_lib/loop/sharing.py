"""Tell players that would change each other's numbers from players of their own."""

from collections.abc import Iterable
from itertools import chain

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import is_lazy


def share_weights(first: nn.Module, second: nn.Module) -> bool:
    """Tell whether two players are one module, or one changes numbers of the other."""
    pairs = ((first, second), (second, first))
    return first is second or any(_changed(a) & _places(_all(b)) for a, b in pairs)


def _changed(module: nn.Module) -> set[int]:
    """Return where in memory a module has the weights and statistics that change."""
    learnt = [weight for weight in module.parameters() if weight.requires_grad]
    norms = [layer for layer in module.modules() if isinstance(layer, _NormBase)]
    return _places([*learnt, *chain.from_iterable(norm.buffers() for norm in norms)])


def _all(module: nn.Module) -> Iterable[Tensor]:
    return chain(module.parameters(), module.buffers())


def _places(tensors: Iterable[Tensor]) -> set[int]:
    return {t.data_ptr() for t in tensors if not is_lazy(t) and t.numel()}
