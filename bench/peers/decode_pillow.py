"""A peer of beeld's bench: decodes a picture and resizes it by Pillow.

  python3 decode_pillow.py PICTURE EDGE

Every line of its input asks for one run; the answer is the seconds it took.
"""
import io
import sys
import time

from PIL import Image


def read(file, edge):
    picture = Image.open(io.BytesIO(file)).convert("RGB")
    shortest = min(picture.size)
    width, height = (edge * side // shortest for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - edge) // 2, (height - edge) // 2
    return picture.crop((left, top, left + edge, top + edge))


def main(path, edge):
    with open(path, "rb") as stream:
        file = stream.read()
    print("ready", flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        read(file, int(edge)).load()
        print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
