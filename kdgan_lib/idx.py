"""Read and write the idx format of MNIST: a header, then unsigned bytes."""

import struct

import numpy as np

UNSIGNED_BYTE = 0x08


def parse_idx(content: bytes) -> np.ndarray:
    """Return the read-only uint8 array in the bytes of one idx file.

    The header is two zero bytes, the type (0x08), the number of dimensions, and each
    dimension as a big-endian 32-bit integer. Raises ValueError when it is not so.
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise ValueError("not an idx file of unsigned bytes")
    rank = content[3]
    start = 4 + 4 * rank
    if len(content) < start:
        raise ValueError("an idx file cut off in its header")
    shape = struct.unpack(f">{rank}I", content[4:start])
    if len(content) != start + int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"an idx file of {len(content)} bytes cannot hold {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def format_idx(array: np.ndarray) -> bytes:
    """Return the bytes of the idx file of a uint8 array."""
    if array.dtype != np.uint8:
        raise ValueError(f"idx files here hold uint8, not {array.dtype}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()
