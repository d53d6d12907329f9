"""CLIP ViT-B/32 in PyTorch, written out by hand: a peer of beeld's encoders, and the source of ONNX Runtime's graphs.

  python3 clip_torch.py FOLDER --threads 2   answers requests on standard input, one a line
  python3 clip_torch.py FOLDER --export      writes pictures.onnx, pictures_int8.onnx and texts.onnx

FOLDER holds model.safetensors and config.json in Hugging Face's layout, and the inputs: pictures.f32
[32,3,224,224], texts.i64 and captions.i64 [32,77]. Requests, where CASE is an input's name:

  run CASE BATCH COUNT   encodes the first COUNT items in calls of BATCH, and answers with the seconds
  embed CASE             writes the embeddings of all items to embedded.f32 [32,512], and answers with ok
"""
import argparse
import copy
import json
import os
import pathlib
import sys
import time
import warnings


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", action="store_true")
    return parser.parse_args()


OPTIONS = options()
# Read when the libraries are loaded, and so before PyTorch is.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(OPTIONS.threads)

import numpy  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

HEAD = 64  # values of a head in both towers
PATCH, SIDE = 32, 7  # pixels of a patch, and patches of a picture, along one edge


def read_safetensors(path):
    """Tensors by name, widened from float16 to float32."""
    data = numpy.fromfile(path, numpy.uint8)
    begin = 8 + int(data[:8].view("<u8")[0])
    tensors = {}
    for name, entry in json.loads(data[8:begin].tobytes()).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F16":
            raise ValueError(f"{name}: expected F16, got {entry['dtype']}")
        first, last = entry["data_offsets"]
        values = data[begin + first : begin + last].view("<f2").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.astype("<f4"))
    return tensors


def read_items(path, dtype, shape):
    return torch.from_numpy(numpy.fromfile(path, dtype).reshape(-1, *shape))


def linear(weight, bias=None):
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = bias
    return layer


def norm(tensors, name):
    layer = nn.LayerNorm(len(tensors[name + ".weight"]))
    layer.weight.data, layer.bias.data = tensors[name + ".weight"], tensors[name + ".bias"]
    return layer


class Block(nn.Module):
    def __init__(self, tensors, name):
        super().__init__()

        def part(name_of_part):
            return tensors[f"{name}.{name_of_part}.weight"], tensors[f"{name}.{name_of_part}.bias"]

        weights, biases = zip(*(part(f"self_attn.{x}_proj") for x in "qkv"))
        # The scale of the scores is a power of two, so that folding it into q changes no bit.
        scale = HEAD**-0.5
        weights, biases = (weights[0] * scale, *weights[1:]), (biases[0] * scale, *biases[1:])
        self.qkv = linear(torch.cat(weights), torch.cat(biases))
        self.out = linear(*part("self_attn.out_proj"))
        self.fc1, self.fc2 = linear(*part("mlp.fc1")), linear(*part("mlp.fc2"))
        self.norm1, self.norm2 = norm(tensors, name + ".layer_norm1"), norm(tensors, name + ".layer_norm2")

    def attention(self, x, mask):
        # Numbers to the tracer too, but for the batch, so that an exported graph computes no shapes.
        tokens, width = map(int, x.shape[1:])
        heads = width // HEAD
        q, k, v = (
            self.qkv(x)
            .view(-1, tokens, 3, heads, HEAD)
            .permute(2, 0, 3, 1, 4)
            .reshape(3, -1, tokens, HEAD)
            .unbind(0)
        )
        scores = torch.bmm(q, k.transpose(1, 2)) if mask is None else torch.baddbmm(mask, q, k.transpose(1, 2))
        mixed = torch.bmm(scores.softmax(-1), v)
        return self.out(mixed.view(-1, heads, tokens, HEAD).transpose(1, 2).reshape(-1, tokens, width))

    def forward(self, x, mask=None):
        x = x + self.attention(self.norm1(x), mask)
        inner = self.fc1(self.norm2(x))
        return x + self.fc2(inner * torch.sigmoid(1.702 * inner))


def blocks(tensors, tower):
    return nn.ModuleList(Block(tensors, f"{tower}.encoder.layers.{i}") for i in range(12))


class VisionTower(nn.Module):
    def __init__(self, tensors):
        super().__init__()
        name = "vision_model.embeddings."
        self.embed = linear(tensors[name + "patch_embedding.weight"].flatten(1))
        positions = tensors[name + "position_embedding.weight"]
        self.first = nn.Parameter(tensors[name + "class_embedding"] + positions[0])
        self.positions = nn.Parameter(positions[1:])
        self.norm1 = norm(tensors, "vision_model.pre_layrnorm")
        self.norm2 = norm(tensors, "vision_model.post_layernorm")
        self.blocks = blocks(tensors, "vision_model")
        self.project = linear(tensors["visual_projection.weight"])

    def forward(self, pixels):
        cut = pixels.view(-1, 3, SIDE, PATCH, SIDE, PATCH).permute(0, 2, 4, 1, 3, 5)
        patches = self.embed(cut.reshape(-1, SIDE**2, 3 * PATCH**2)) + self.positions
        x = self.norm1(torch.cat([self.first.expand(pixels.shape[0], 1, -1), patches], dim=1))
        for block in self.blocks:
            x = block(x)
        return self.project(self.norm2(x[:, 0]))


class TextTower(nn.Module):
    def __init__(self, tensors, end_id):
        super().__init__()
        name, self.end_id = "text_model.embeddings.", end_id
        self.embed = nn.Embedding.from_pretrained(tensors[name + "token_embedding.weight"])
        self.positions = nn.Parameter(tensors[name + "position_embedding.weight"])
        self.register_buffer("mask", torch.full((len(self.positions),) * 2, -torch.inf).triu(1))
        self.norm = norm(tensors, "text_model.final_layer_norm")
        self.blocks = blocks(tensors, "text_model")
        self.project = linear(tensors["text_projection.weight"])

    def forward(self, ids):
        x = self.embed(ids) + self.positions
        for block in self.blocks:
            x = block(x, self.mask)
        ends = (ids == self.end_id).int().argmax(1)
        return self.project(self.norm(x[torch.arange(ids.shape[0]), ends]))


class DynamicInt8(torch.autograd.Function):
    """What onnxruntime.quantization.quantize_dynamic makes of a product with a constant matrix."""

    @staticmethod
    def forward(ctx, x, weight, zeros, scales):
        return x @ (weight.float() * scales)

    @staticmethod
    def symbolic(g, x, weight, zeros, scales):
        rounded, scale, zero = g.op("DynamicQuantizeLinear", x, outputs=3)
        product = g.op("MatMulInteger", rounded, weight, zero, zeros)
        product = g.op("Cast", product, to_i=1)
        return g.op("Mul", product, g.op("Mul", scale, scales))


class Int8Linear(nn.Module):
    """Weights in 8 bits with a scale for every output; activations in 8 bits with one for the whole tensor."""

    def __init__(self, layer):
        super().__init__()
        scales = layer.weight.data.abs().amax(1) / 127
        self.register_buffer("weight", (layer.weight.data / scales[:, None]).round().to(torch.int8).T.contiguous())
        self.register_buffer("zeros", torch.zeros(len(scales), dtype=torch.int8))
        self.register_buffer("scales", scales)
        self.bias = layer.bias

    def forward(self, x):
        product = DynamicInt8.apply(x, self.weight, self.zeros, self.scales)
        return product if self.bias is None else product + self.bias


def quantise(module):
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child))
        else:
            quantise(child)
    return module


def export(towers, inputs, folder):
    warnings.simplefilter("ignore")  # the tracer's, of shapes that are constant here
    pictures = towers["pictures"]
    graphs = {"texts": towers["texts"], "pictures": pictures, "pictures_int8": quantise(copy.deepcopy(pictures))}
    for name, tower in graphs.items():
        some = inputs[name.removesuffix("_int8")][:2]
        torch.onnx.export(
            tower,
            some,
            str(folder / f"{name}.onnx"),
            opset_version=17,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": [0], "output": [0]},
        )


def answer(request, towers, inputs, folder):
    command, case, *numbers = request.split()
    if command == "embed":
        towers[case](inputs[case]).numpy().tofile(folder / "embedded.f32")
        return "ok"
    batch, count = map(int, numbers)
    begin = time.perf_counter()
    for i in range(0, count, batch):
        towers[case](inputs[case][i : i + batch])
    return time.perf_counter() - begin


def main(o):
    torch.set_num_threads(o.threads)
    torch.set_num_interop_threads(1)
    end_id = json.loads((o.folder / "config.json").read_text())["text_config"]["eos_token_id"]
    tensors = read_safetensors(o.folder / "model.safetensors")
    texts = TextTower(tensors, end_id).eval()
    towers = {"pictures": VisionTower(tensors).eval(), "texts": texts, "captions": texts}
    inputs = {
        "pictures": read_items(o.folder / "pictures.f32", "<f4", [3, 224, 224]),
        "texts": read_items(o.folder / "texts.i64", "<i8", [77]),
        "captions": read_items(o.folder / "captions.i64", "<i8", [77]),
    }
    if o.export:
        export(towers, inputs, o.folder)
        return
    print("ready", flush=True)
    with torch.inference_mode():
        for request in sys.stdin:
            print(answer(request, towers, inputs, o.folder), flush=True)


if __name__ == "__main__":
    main(OPTIONS)
