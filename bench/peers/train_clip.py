"""One training step of a CLIP-like model in PyTorch, timed: the peer of beeld's own step.

  python3 train_clip.py --threads 2 --batch 64 --keep 32

Both towers are pre-norm Transformers; the picture is pooled at its class token, the (causal) text at its end
token. A step is forward, the softmax contrastive loss, backward, gradient clipping and AdamW, on synthetic data
that is ready in memory. It prints one line of JSON with medians over the steps.

PyTorch is as fast as its BLAS: Debian's takes what libblas.so.3 is, and the reference BLAS behind that name is
some fifteen times slower than OpenBLAS (libopenblas0-pthread). "product_gflops" tells which it was.
"""
import argparse
import json
import math
import os
import resource
import statistics
import time


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = {
        "vision-width": (192, "width of the vision tower"),
        "vision-layers": (6, "its blocks"),
        "vision-heads": (3, "its heads"),
        "patch": (8, "edge of a patch, pixels"),
        "edge": (64, "edge of a picture, pixels"),
        "keep": (0, "patches kept of each picture; 0: all"),
        "text-width": (192, "width of the text tower"),
        "text-layers": (4, "its blocks"),
        "text-heads": (3, "its heads"),
        "vocabulary": (4096, "token ids"),
        "context": (32, "positions of the text tower"),
        "shortest-text": (8, "tokens of the shortest text"),
        "longest-text": (18, "tokens of the longest text"),
        "ratio": (4, "inner width of the MLP over the tower's"),
        "dimension": (192, "length of an embedding"),
        "batch": (64, "pairs in a step"),
        "threads": (1, "threads"),
        "steps": (20, "steps measured"),
        "warm-up": (3, "steps before"),
    }
    for name, (value, text) in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"{text} (default: {value})")
    o = parser.parse_args()
    if o.edge % o.patch or o.vision_width % o.vision_heads or o.text_width % o.text_heads:
        parser.error("the edge must be whole patches, and the widths whole heads")
    if not 1 <= o.shortest_text <= o.longest_text <= o.context:
        parser.error("expected 1 <= shortest-text <= longest-text <= context")
    if not 0 <= o.keep <= (o.edge // o.patch) ** 2:
        parser.error("more patches kept than there are")
    return o


OPTIONS = options()
# Read when the libraries are loaded, and so before PyTorch is.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(OPTIONS.threads)

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width, heads, ratio):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, ratio * width), nn.Linear(ratio * width, width)

    def attention(self, x, mask):
        batch, tokens, width = x.shape
        q, k, v = (
            self.qkv(x)
            .view(batch, tokens, 3, self.heads, width // self.heads)
            .permute(2, 0, 3, 1, 4)
            .reshape(3, batch * self.heads, tokens, width // self.heads)
            .unbind(0)
        )
        scale = (width // self.heads) ** -0.5
        if mask is None:
            scores = torch.bmm(q * scale, k.transpose(1, 2))
        else:
            scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=scale)
        mixed = torch.bmm(scores.softmax(-1), v)
        return self.out(mixed.view(batch, self.heads, tokens, -1).transpose(1, 2).reshape(x.shape))

    def forward(self, x, mask=None):
        x = x + self.attention(self.norm1(x), mask)
        return x + self.fc2(quick_gelu(self.fc1(self.norm2(x))))


class VisionTower(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.patch, self.keep = o.patch, o.keep
        width, patches = o.vision_width, (o.edge // o.patch) ** 2
        self.embed = nn.Linear(3 * o.patch**2, width, bias=False)
        self.first = nn.Parameter(torch.randn(width) * width**-0.5)
        self.positions = nn.Parameter(torch.randn(patches + 1, width) * width**-0.5)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, o.vision_heads, o.ratio) for _ in range(o.vision_layers))
        self.project = nn.Linear(width, o.dimension, bias=False)

    def patches(self, pixels):
        """[B,3,H,W] to [B,patches,3*patch*patch], and each patch's position."""
        batch, _, height, width = pixels.shape
        rows, columns = height // self.patch, width // self.patch
        cut = pixels.view(batch, 3, rows, self.patch, columns, self.patch).permute(0, 2, 4, 1, 3, 5)
        cut = cut.reshape(batch, rows * columns, -1)
        positions = self.positions[1:].expand(batch, -1, -1)
        if not self.keep:
            return cut, positions
        kept = torch.rand(cut.shape[:2]).topk(self.keep).indices[:, :, None]
        return cut.gather(1, kept.expand(-1, -1, cut.shape[2])), positions.gather(
            1, kept.expand(-1, -1, positions.shape[2])
        )

    def forward(self, pixels):
        patches, positions = self.patches(pixels)
        first = (self.first + self.positions[0]).expand(len(pixels), 1, -1)
        x = self.norm1(torch.cat([first, self.embed(patches) + positions], dim=1))
        for block in self.blocks:
            x = block(x)
        return self.project(self.norm2(x[:, 0]))


class TextTower(nn.Module):
    def __init__(self, o):
        super().__init__()
        width = o.text_width
        self.embed = nn.Embedding(o.vocabulary, width)
        self.positions = nn.Parameter(torch.randn(o.context, width) * 0.01)
        self.blocks = nn.ModuleList(Block(width, o.text_heads, o.ratio) for _ in range(o.text_layers))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, o.dimension, bias=False)

    def forward(self, ids, ends):
        x = self.embed(ids) + self.positions[: ids.shape[1]]
        mask = torch.full((ids.shape[1],) * 2, -math.inf).triu(1)
        for block in self.blocks:
            x = block(x, mask)
        return self.project(self.norm(x[torch.arange(len(ids)), ends]))


class DualEncoder(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.vision, self.text = VisionTower(o), TextTower(o)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def loss(self, pixels, ids, ends):
        image = functional.normalize(self.vision(pixels), dim=-1)
        text = functional.normalize(self.text(ids, ends), dim=-1)
        logits = self.logit_scale.exp() * image @ text.T
        labels = torch.arange(len(logits))
        return (functional.cross_entropy(logits, labels) + functional.cross_entropy(logits.T, labels)) / 2


def make_optimizer(model):
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=5e-4, betas=(0.9, 0.98), eps=1e-6, foreach=True)


def make_batches(o, count=4):
    """Pictures, ids padded to the longest text of the batch, and where each text ends."""
    batches = []
    for _ in range(count):
        ends = torch.randint(o.shortest_text - 1, o.longest_text, (o.batch,))
        ids = torch.randint(o.vocabulary, (o.batch, int(ends.max()) + 1))
        batches.append((torch.randn(o.batch, 3, o.edge, o.edge), ids, ends))
    return batches


def product_gflops():
    """The speed of a matrix product of about the size of a tower's, on all threads asked for."""
    a, b = torch.randn(2048, 192), torch.randn(192, 768)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2e-9 * 2048 * 192 * 768 / statistics.median(seconds)


def measure(o):
    torch.manual_seed(0)
    torch.set_num_threads(o.threads)
    torch.set_num_interop_threads(1)
    model = DualEncoder(o)
    optimizer = make_optimizer(model)
    batches = make_batches(o)
    times = {"forward": [], "backward": [], "update": [], "step": []}
    for step in range(o.warm_up + o.steps):
        start = time.perf_counter()
        loss = model.loss(*batches[step % len(batches)])
        forward = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        backward = time.perf_counter()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        end = time.perf_counter()
        if step >= o.warm_up:
            times["forward"].append(forward - start)
            times["backward"].append(backward - forward)
            times["update"].append(end - backward)
            times["step"].append(end - start)
    median = {name: statistics.median(values) for name, values in times.items()}
    return {
        "samples_per_second": o.batch / median["step"],
        "forward_ms": 1000 * median["forward"],
        "backward_ms": 1000 * median["backward"],
        "update_ms": 1000 * median["update"],
        "threads": o.threads,
        "batch": o.batch,
        "parameters": sum(p.numel() for p in model.parameters()),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "product_gflops": product_gflops(),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    print(json.dumps(measure(OPTIONS)))
