"""Files written from their definitions: what Pillow does not write, and oracles that do not come from it."""

import struct
import zlib

import numpy as np


def png(width, height, bits, colour_type, rows, chunks=()):
    """A PNG from its definition, for what Pillow does not write: 16-bit colours, tRNS, chunks of our own."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    body = b"".join(b"\0" + row for row in rows)
    extra = b"".join(chunk(name, data) for name, data in chunks)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def tiff(values, bits, photometric, sample_format=1):
    """An uncompressed little-endian TIFF of one strip, from the definition."""
    values = np.asarray(values)
    channels = values.shape[2] if values.ndim == 3 else 1
    data = values.tobytes()
    tags = [
        (256, 4, values.shape[1]),
        (257, 4, values.shape[0]),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, photometric),
        (273, 4, 8),
        (277, 3, channels),
        (278, 4, values.shape[0]),
        (279, 4, len(data)),
        (339, 3, sample_format),
    ]
    directory_at = 8 + len(data)
    after = directory_at + 2 + 12 * len(tags) + 4
    directory, extra = struct.pack("<H", len(tags)), b""
    for tag, kind, value in tags:
        if tag in (258, 339) and channels > 1:
            directory += struct.pack("<HHII", tag, kind, channels, after + len(extra))
            extra += struct.pack(f"<{channels}H", *[value] * channels)
        else:
            directory += struct.pack("<HHI", tag, kind, 1) + struct.pack(
                "<HH" if kind == 3 else "<I", *((value, 0) if kind == 3 else (value,))
            )
    return b"II*\0" + struct.pack("<I", directory_at) + data + directory + b"\0\0\0\0" + extra


def profile(space, gamma, swap=False):
    """A smallest ICC profile: grey or RGB with sRGB's primaries (red and blue swapped if asked) and a pure gamma."""

    def s15(*values):
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 79
    xyz = {b"rXYZ": (0.4361, 0.2225, 0.0139), b"gXYZ": (0.3851, 0.7169, 0.0971), b"bXYZ": (0.1431, 0.0606, 0.7141)}
    if swap:
        xyz[b"rXYZ"], xyz[b"bXYZ"] = xyz[b"bXYZ"], xyz[b"rXYZ"]
    tags = {b"desc": text, b"wtpt": b"XYZ \0\0\0\0" + s15(0.9642, 1, 0.8249), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        tags |= {name: b"XYZ \0\0\0\0" + s15(*value) for name, value in xyz.items()}
        tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    at, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        value += b"\0" * (-len(value) % 4)
        table += name + struct.pack(">II", at + len(data), len(value))
        data += value
    body = struct.pack(">I", len(tags)) + table + data
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"none", 0x02100000, b"mntr", space, b"XYZ ")
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + s15(0.9642, 1, 0.8249) + b"\0" * 48
    return head + body
