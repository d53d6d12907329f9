"""Writes pictures/: small files in every format, and expected.tsv with what Pillow decodes from them.

Run by hand with Pillow 9.4: python3 make_picture_golden.py. Pictures come from a formula. Grey of 16 bits, which Pillow
cuts off at 255, is scaled to 8 bits instead.
"""
import io
import pathlib
import struct
import zlib

from PIL import Image

FOLDER = pathlib.Path(__file__).with_name("pictures")
WIDTH, HEIGHT = 21, 13


def wave(channels):
    samples = bytes(
        (x * 11 + y * 17 * (c + 1) + (x * y * (c + 2)) // 3) % 256
        for y in range(HEIGHT)
        for x in range(WIDTH)
        for c in range(channels)
    )
    return Image.frombytes({1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels], (WIDTH, HEIGHT), samples)


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(bits, colour, extra=b""):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    length = (WIDTH * bits * channels + 7) // 8
    rows = b"".join(
        bytes([y % 5]) + bytes((x * 37 + y * 91) % 256 for x in range(length)) for y in range(HEIGHT)
    )
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def bmp(bits, compression=0, masks=b"", palette=b"", height=HEIGHT, data=None):
    stride = (WIDTH * bits + 31) // 32 * 4
    if data is None:
        data = bytes(i * 89 % 256 for i in range(stride * HEIGHT))
    size = 124 if len(masks) == 16 else 40
    offset = 14 + max(size, 40 + len(masks)) + len(palette)
    header = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, compression, len(data), 0, 0, 0, 0) + masks
    return (
        b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header.ljust(size, b"\0") + palette + data
    )


def gif_with_partial_frame():
    """A frame of 4x2 in a picture of 6x5, with a transparent colour; indices are 3 bits wide."""
    palette = bytes(i * 31 % 256 for i in range(12))
    clear, end, codes = 4, 5, []
    for index in (0, 1, 2, 3, 3, 2, 1, 0):
        codes += [clear, index]
    bits = "".join(format(code, "03b") for code in reversed(codes + [end]))
    data = int(bits, 2).to_bytes((len(bits) + 7) // 8, "little")
    return (
        b"GIF89a" + struct.pack("<HHBBB", 6, 5, 0x81, 0, 0) + palette + b"!\xf9\4\1\0\0\2\0"
        + b"," + struct.pack("<HHHHB", 1, 2, 4, 2, 0) + b"\2" + bytes([len(data)]) + data + b"\0;"
    )


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def files():
    grey, grey_alpha, rgb, rgba = wave(1), wave(2), wave(3), wave(4)
    indexed, cmyk = rgb.quantize(23), rgb.convert("CMYK")
    yield "baseline.jpg", saved(rgb, "JPEG")
    yield "progressive.jpg", saved(rgb, "JPEG", progressive=True)
    yield "full_chroma.jpg", saved(rgb, "JPEG", subsampling=0, quality=40)
    yield "grey.jpg", saved(grey, "JPEG")
    yield "cmyk.jpg", saved(cmyk, "JPEG")
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 4: (8, 16), 6: (8, 16)}.items():
        for bits in depths:
            yield f"type{colour}_{bits}bit.png", png(bits, colour)
    for bits in (1, 2, 4, 8):
        palette = bytes(i * 53 % 256 for i in range(3 << bits))
        yield f"palette_{bits}bit.png", png(bits, 3, chunk(b"PLTE", palette))
    yield "short_palette.png", png(8, 3, chunk(b"PLTE", bytes(range(30))) + chunk(b"tRNS", b"\1\2"))
    yield "bad_profile.png", png(8, 2, chunk(b"iCCP", b"x\0\0junk") + chunk(b"gAMA", b"\0\0\1\0"))
    yield "interlaced.gif", saved(indexed, "GIF")
    yield "straight.gif", saved(indexed, "GIF", interlace=0)
    yield "grey.gif", saved(grey, "GIF")
    yield "partial.gif", gif_with_partial_frame()
    yield "lossless.webp", saved(rgb, "WEBP", lossless=True)
    yield "lossy.webp", saved(rgb, "WEBP")
    yield "alpha.webp", saved(rgba, "WEBP", lossless=True, exact=True)
    for name, image in {"grey": grey, "rgb": rgb, "rgba": rgba, "palette": indexed, "bilevel": grey.convert("1")}.items():
        yield f"{name}.tif", saved(image, "TIFF", compression="tiff_lzw")
    yield "palette.bmp", saved(indexed, "BMP")
    yield "grey.bmp", saved(grey, "BMP")
    yield "15bit.bmp", bmp(16)
    yield "16bit.bmp", bmp(16, 3, struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    yield "24bit.bmp", bmp(24, height=-HEIGHT)
    yield "32bit.bmp", bmp(32)
    yield "alpha.bmp", bmp(32, 3, struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000))
    colours = b"".join(bytes([i * 7 % 256, i * 13 % 256, i, 0]) for i in range(256))
    runs = b"".join(bytes([9, 3 * y, 0, 5, 1, 2, 3, 4, 5, 0, 7, y, 0, 0]) for y in range(HEIGHT)) + b"\0\1"
    yield "runs.bmp", bmp(8, 1, palette=colours, data=runs)
    yield "1bit.bmp", bmp(1, palette=colours[40:48])
    yield "4bit.bmp", bmp(4, palette=colours[:64])
    for name, mode in {"bilevel.pbm": "1", "grey.pgm": "L", "colour.ppm": "RGB"}.items():
        yield name, saved(rgb.convert(mode), "PPM")
    yield "narrow.pgm", b"P5 #c\n3 2\n100\n" + bytes([0, 1, 50, 99, 100, 120])
    yield "wide.pgm", b"P5 3 1 65535\n" + struct.pack(">3H", 0, 200, 40000)
    yield "wide.ppm", b"P6 1 1 1000\n" + struct.pack(">3H", 0, 333, 1000)
    yield "plain.pbm", b"P1 3 2\n101 0\n#x\n1 0"
    yield "plain.pgm", b"P2 3 1 7\n1 2 7\n"
    yield "plain.ppm", b"P3 1 2 9\n1 2 3 4 5 6\n"


def as_rgb(name, image):
    if image.mode.startswith("I"):
        scaled = (round(v / 257) if name.endswith(".pgm") else v >> 8 for v in image.getdata())
        image = Image.frombytes("L", image.size, bytes(scaled))
    return image.convert("RGB")


FOLDER.mkdir(exist_ok=True)
with open(FOLDER / "expected.tsv", "w") as out:
    for name, content in files():
        (FOLDER / name).write_bytes(content)
        image = Image.open(io.BytesIO(content))
        checksum = zlib.crc32(as_rgb(name, image).tobytes())
        print(name, image.mode, image.width, image.height, f"{checksum:08x}", sep="\t", file=out)
