"""Writes augment_golden.tsv: checksums of what Pillow's ImageEnhance makes of a picture that a formula gives.

Run by hand with Pillow 9.4: python3 make_augment_golden.py. The test computes the same pictures.
"""
import pathlib
import zlib

from PIL import Image, ImageEnhance

ENHANCERS = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "saturation": ImageEnhance.Color,
}
FACTORS = (0.0, 0.125, 0.5, 0.7, 0.9371, 1.0, 1.0625, 1.3, 1.999, 3.5)


def picture(width, height):
    samples = bytes(
        (x * x * 3 + y * 29 + x * y + c * 67) % 256 for y in range(height) for x in range(width) for c in range(3)
    )
    return Image.frombytes("RGB", (width, height), samples)


with open(pathlib.Path(__file__).with_name("augment_golden.tsv"), "w") as out:
    for name, enhancer in ENHANCERS.items():
        for factor in FACTORS:
            for width, height in ((1, 1), (37, 29)):
                checksum = zlib.crc32(enhancer(picture(width, height)).enhance(factor).tobytes())
                print(name, factor, width, height, f"{checksum:08x}", sep="\t", file=out)
