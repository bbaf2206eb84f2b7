"""Unpickle plain numpy arrays, and refuse everything else."""

import io
import pickle
from typing import Any

import numpy as np

ALLOWED_TYPES = frozenset({"u1", "i4", "i8", "f4", "f8"})
"""Element types of the arrays; none can hold a Python object."""


class _NdarrayName:
    """Stand where a pickle names the class of an array; it cannot be called."""


def _empty_array(subtype: object, shape: tuple[int, ...], typecode: Any) -> np.ndarray:
    """Take the place of numpy's `_reconstruct`: an empty array, filled by its state."""
    if subtype is not _NDARRAY or shape != (0,):
        raise pickle.UnpicklingError("only plain arrays are allowed")
    return np.empty(0, np.uint8)


def _plain_dtype(code: str, align: object = 0, copy: object = 1) -> np.dtype:
    """Take the place of `numpy.dtype`, for numbers only."""
    if code not in ALLOWED_TYPES:
        raise pickle.UnpicklingError(f"arrays of {code!r} are not allowed")
    return np.dtype(code)


_NDARRAY = _NdarrayName()
_GLOBALS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _plain_dtype,
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _GLOBALS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed") from None


def load_arrays(content: bytes) -> Any:
    """Return the containers and numeric arrays in a pickle.

    Raises pickle.UnpicklingError when it holds, or calls, anything else.
    """
    try:
        return _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a hostile pickle may raise anything
        raise pickle.UnpicklingError(f"not a pickle of arrays ({error})") from None
