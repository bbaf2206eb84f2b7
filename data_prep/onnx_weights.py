"""Read the weight arrays out of an ONNX file; the network in it is never run."""

from collections.abc import Iterator

import numpy as np

GRAPH, INITIALIZER = 7, 5
DIMS, TYPE, NAME, RAW = 1, 2, 8, 9
"""Field numbers of ONNX's ModelProto, GraphProto and TensorProto."""
FLOAT = 1


def read_weights(model: bytes) -> dict[str, np.ndarray]:
    """Return the float32 initialisers of a model by name; raises ValueError."""
    weights = {}
    for field, _, graph in _fields(memoryview(model)):
        if field != GRAPH:
            continue
        for inner, _, tensor in _fields(graph):
            if inner == INITIALIZER:
                name, array = _tensor(tensor)
                if array is not None:
                    weights[name] = array
    return weights


def _tensor(message: memoryview) -> tuple[str, np.ndarray | None]:
    """Return a tensor's name and values, or None for another type than float32."""
    dims: list[int] = []
    name, kind, raw = "", 0, memoryview(b"")
    for field, number, content in _fields(message):
        if field == DIMS:
            dims += _packed(content) if len(content) else [number]
        elif field == TYPE:
            kind = number
        elif field == NAME:
            name = bytes(content).decode()
        elif field == RAW:
            raw = content
    if kind != FLOAT or not len(raw):
        return name, None
    return name, np.frombuffer(raw, dtype="<f4").reshape(dims)


def _fields(message: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Yield each field's number with its whole number, or else with its bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value, message[:0]
            continue
        if kind == 2:
            size, at = _varint(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind} at byte {at} is not ONNX.")
        if at + size > len(message):
            raise ValueError("the ONNX file is cut short.")
        yield key >> 3, 0, message[at : at + size]
        at += size


def _packed(values: memoryview) -> list[int]:
    numbers, at = [], 0
    while at < len(values):
        number, at = _varint(values, at)
        numbers.append(number)
    return numbers


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
