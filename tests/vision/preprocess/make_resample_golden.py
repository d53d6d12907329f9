"""Writes resample_golden.tsv: checksums of what Pillow makes of pictures that a formula gives.

Run by hand with Pillow 9.4: python3 make_resample_golden.py. The test computes the same pictures.
"""
import pathlib
import random
import zlib

from PIL import Image

CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def sample(x, y, c):
    """Smooth ramps broken by hard edges, so that filters overshoot."""
    if (x // 3 + y // 5) % 4 == 0:
        return 255 * ((x + c) % 2)
    return (x * x * 3 + y * 29 + x * y + c * 67) % 256


def picture(mode, width, height):
    samples = bytes(
        sample(x, y, c) for y in range(height) for x in range(width) for c in range(CHANNELS[mode])
    )
    return Image.frombytes(mode, (width, height), samples)


def cases():
    random.seed(20)
    sizes = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 65, 100, 129]
    for name in FILTERS:
        yield "RGB", 1, 1, 9, 7, name
        yield "RGB", 65, 33, 1, 1, name
        yield "RGB", 64, 48, 64, 7, name
        yield "RGB", 64, 48, 9, 48, name
        yield "RGB", 1, 40, 5, 3, name
    for _ in range(150):
        mode = random.choice(list(CHANNELS))
        yield (mode, *(random.choice(sizes) for _ in range(4)), random.choice(list(FILTERS)))


with open(pathlib.Path(__file__).with_name("resample_golden.tsv"), "w") as out:
    for mode, width, height, new_width, new_height, name in cases():
        resized = picture(mode, width, height).resize((new_width, new_height), FILTERS[name])
        checksum = zlib.crc32(resized.tobytes())
        print(mode, width, height, new_width, new_height, name, f"{checksum:08x}", sep="\t", file=out)
