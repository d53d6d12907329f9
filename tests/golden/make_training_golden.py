"""Writes what a ten-step training run must give, and values and gradients of the losses, as PyTorch has them.

Run by hand with PyTorch 1.13: python3 make_training_golden.py. Nothing else is needed. It writes

  tiny_clip/               a CLIP checkpoint in Hugging Face's layout with random weights, and its tokenizer
  tiny_clip_trained.safetensors   its weights after ten steps
  training.json            the batch, the recipe, and each step's learning rate, loss and gradient norm
  losses.json              values and gradients of the losses on small matrices, in double

The model is Hugging Face's CLIPModel written plainly, in float32. Weight decay is for tensors of two and more
dimensions; the others (norms, biases, the class embedding, the logit scale) have none.
"""
import json
import math
import pathlib
import struct

import numpy
import torch
from torch.nn import functional

FOLDER = pathlib.Path(__file__).parent
LAYERS, HEADS, EPS = 2, 2, 1e-5
VISION, VISION_MLP, EDGE, PATCH = 32, 64, 16, 8
TEXT, TEXT_MLP, VOCABULARY, CONTEXT, START, END = 24, 48, 40, 12, 38, 39
DIMENSION = 16
STEPS, WARM_UP, RATE, DECAY, BETAS, ADAM_EPS = 10, 3, 1e-3, 0.1, (0.9, 0.98), 1e-6
MAX_GRAD_NORM, LARGEST_LOGIT_SCALE = 1.0, math.log(100)
LETTERS = "!abcdefghijklmnopqr"  # ids 0 to 18 inside a word, 19 to 37 at its end
CAPTIONS = ["a red dog", "big fog", "a", "mad cap on a hog", "!", "hold p q"]


# The model -----------------------------------------------------------------------------------------------


def initial_weights():
    generator = torch.Generator().manual_seed(20240229)
    weights = {}

    def add(name, shape, deviation, mean=0.0):
        weights[name] = mean + deviation * torch.randn(shape, generator=generator)

    def norm(name, width):
        add(f"{name}.weight", [width], 0.1, mean=1.0)
        add(f"{name}.bias", [width], 0.1)

    def linear(name, out, inner):
        add(f"{name}.weight", [out, inner], inner**-0.5)
        add(f"{name}.bias", [out], 0.1)

    def blocks(name, width, inner):
        for i in range(LAYERS):
            layer = f"{name}.encoder.layers.{i}"
            norm(f"{layer}.layer_norm1", width)
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                linear(f"{layer}.self_attn.{part}", width, width)
            norm(f"{layer}.layer_norm2", width)
            linear(f"{layer}.mlp.fc1", inner, width)
            linear(f"{layer}.mlp.fc2", width, inner)

    weights["logit_scale"] = torch.tensor(math.log(1 / 0.07))
    add("text_model.embeddings.token_embedding.weight", [VOCABULARY, TEXT], 0.5)
    add("text_model.embeddings.position_embedding.weight", [CONTEXT, TEXT], 0.2)
    blocks("text_model", TEXT, TEXT_MLP)
    norm("text_model.final_layer_norm", TEXT)
    add("text_projection.weight", [DIMENSION, TEXT], TEXT**-0.5)
    add("vision_model.embeddings.class_embedding", [VISION], 0.5)
    add("vision_model.embeddings.patch_embedding.weight", [VISION, 3, PATCH, PATCH], 0.1)
    add("vision_model.embeddings.position_embedding.weight", [(EDGE // PATCH) ** 2 + 1, VISION], 0.2)
    norm("vision_model.pre_layrnorm", VISION)
    blocks("vision_model", VISION, VISION_MLP)
    norm("vision_model.post_layernorm", VISION)
    add("visual_projection.weight", [DIMENSION, VISION], VISION**-0.5)
    return weights


def layer_norm(w, name, x):
    return functional.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], EPS)


def linear(w, name, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def attention(w, name, x, mask):
    batch, tokens, width = x.shape

    def heads(part):
        return linear(w, f"{name}.{part}", x).view(batch, tokens, HEADS, -1).transpose(1, 2)

    scores = heads("q_proj") * (width // HEADS) ** -0.5 @ heads("k_proj").transpose(2, 3)
    mixed = torch.softmax(scores + mask, dim=-1) @ heads("v_proj")
    return linear(w, f"{name}.out_proj", mixed.transpose(1, 2).reshape(batch, tokens, width))


def encoder(w, name, x, mask):
    for i in range(LAYERS):
        layer = f"{name}.encoder.layers.{i}"
        x = x + attention(w, f"{layer}.self_attn", layer_norm(w, f"{layer}.layer_norm1", x), mask)
        inner = linear(w, f"{layer}.mlp.fc1", layer_norm(w, f"{layer}.layer_norm2", x))
        x = x + linear(w, f"{layer}.mlp.fc2", inner * torch.sigmoid(1.702 * inner))
    return x


def encode_pixels(w, pixels):
    name = "vision_model.embeddings"
    patches = functional.conv2d(pixels, w[f"{name}.patch_embedding.weight"], stride=PATCH)
    patches = patches.flatten(2).transpose(1, 2)
    first = w[f"{name}.class_embedding"].expand(len(pixels), 1, VISION)
    x = torch.cat([first, patches], dim=1) + w[f"{name}.position_embedding.weight"]
    x = encoder(w, "vision_model", layer_norm(w, "vision_model.pre_layrnorm", x), 0.0)
    return layer_norm(w, "vision_model.post_layernorm", x[:, 0]) @ w["visual_projection.weight"].T


def encode_texts(w, ids):
    length = max(map(len, ids))
    padded = torch.tensor([row + [END] * (length - len(row)) for row in ids])
    name = "text_model.embeddings"
    x = w[f"{name}.token_embedding.weight"][padded] + w[f"{name}.position_embedding.weight"][:length]
    mask = torch.full((length, length), -math.inf, dtype=x.dtype).triu(1)
    x = layer_norm(w, "text_model.final_layer_norm", encoder(w, "text_model", x, mask))
    ends = torch.tensor([len(row) - 1 for row in ids])
    return x[torch.arange(len(ids)), ends] @ w["text_projection.weight"].T


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def contrastive_loss(image, text, logit_scale):
    logits = logit_scale.exp() * image @ text.T
    labels = torch.arange(len(logits))
    return (functional.cross_entropy(logits, labels) + functional.cross_entropy(logits.T, labels)) / 2


# Ten steps -----------------------------------------------------------------------------------------------


def learning_rate(step):
    if step < WARM_UP:
        return RATE * (step + 1) / WARM_UP
    return RATE * (1 + math.cos(math.pi * (step - WARM_UP) / (STEPS - WARM_UP))) / 2


def token_ids(caption):
    ids = [START]
    for word in caption.split():
        ids += [LETTERS.index(letter) for letter in word[:-1]] + [LETTERS.index(word[-1]) + len(LETTERS)]
    return ids[: CONTEXT - 1] + [END]


def batch_pixels():
    """[B,3,H,W]; the same formula stands in training.json."""
    b, c, y, x = numpy.meshgrid(*map(numpy.arange, (len(CAPTIONS), 3, EDGE, EDGE)), indexing="ij")
    return torch.from_numpy((37 * b + 11 * c + 5 * y * (b + 1) + 3 * x * (c + 2)) % 101 / 50 - 1)


def train(dtype):
    weights = {name: w.to(dtype).requires_grad_() for name, w in initial_weights().items()}
    decayed = [w for w in weights.values() if w.dim() >= 2]
    others = [w for w in weights.values() if w.dim() < 2]
    groups = [{"params": decayed, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=BETAS, eps=ADAM_EPS)
    pixels, ids = batch_pixels().to(dtype), [token_ids(caption) for caption in CAPTIONS]
    log = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.zero_grad()
        image, text = unit(encode_pixels(weights, pixels)), unit(encode_texts(weights, ids))
        loss = contrastive_loss(image, text, weights["logit_scale"])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(weights.values(), MAX_GRAD_NORM)
        optimizer.step()
        with torch.no_grad():
            weights["logit_scale"].clamp_(0, LARGEST_LOGIT_SCALE)
        log.append({"learning_rate": learning_rate(step), "loss": loss.item(), "gradient_norm": norm.item()})
    return {name: w.detach() for name, w in weights.items()}, log, ids


def largest_difference(a, b):
    """Of two sets of weights: the largest over tensors of |a - b| / |b|, in the Euclidean norm."""
    return max(float((a[name].double() - b[name]).norm() / b[name].norm()) for name in a)


# Losses in double ------------------------------------------------------------------------------------------


def values_and_gradients(inputs, loss):
    leaves = {name: x.clone().requires_grad_() for name, x in inputs.items()}
    value = loss(**leaves)
    value.backward()
    return {
        "inputs": {name: x.tolist() for name, x in inputs.items()},
        "value": value.item(),
        "gradients": {name: x.grad.tolist() for name, x in leaves.items() if x.grad is not None},
    }


def sigmoid_loss(image, text, logit_scale, logit_bias):
    """SigLIP: -1/B sum over pairs of log sigmoid(z (exp(logit_scale) x.y + logit_bias)), z is 1 or -1."""
    z = 2 * torch.eye(len(image), dtype=image.dtype) - 1
    logits = logit_scale.exp() * image @ text.T + logit_bias
    return -functional.logsigmoid(z * logits).sum() / len(image)


def cosine_distillation(student, teacher):
    return (1 - functional.cosine_similarity(student, teacher, dim=-1, eps=0)).mean()


def similarity_distillation(image, text, logit_scale, teacher_image, teacher_text, temperature):
    """KL(teacher || student) of the softmax over rows, mean of rows, then of both directions."""
    student = logit_scale.exp() * image @ text.T
    teacher = teacher_image @ teacher_text.T / temperature

    def divergence(s, t):
        return functional.kl_div(s.log_softmax(1), t.softmax(1), reduction="batchmean")

    return (divergence(student, teacher) + divergence(student.T, teacher.T)) / 2


def losses():
    generator = torch.Generator().manual_seed(7)

    def matrix(rows, columns):
        return torch.randn([rows, columns], generator=generator, dtype=torch.float64)

    def number(value):
        return torch.tensor(value, dtype=torch.float64)

    image, text = unit(matrix(5, 6)), unit(matrix(5, 6))
    teacher_image, teacher_text = unit(matrix(5, 8)), unit(matrix(5, 8))
    teacher = matrix(4, 6)
    labels = torch.tensor([3, 0, 2, 2, 1])
    result = {
        "contrastive": values_and_gradients(
            {"image": image, "text": text, "logit_scale": number(1.7)}, contrastive_loss
        ),
        "sigmoid": values_and_gradients(
            {"image": image, "text": text, "logit_scale": number(1.2), "logit_bias": number(-2.5)}, sigmoid_loss
        ),
        "cosine_distillation": values_and_gradients(
            {"student": matrix(4, 6)}, lambda student: cosine_distillation(student, teacher)
        ),
        "similarity_distillation": values_and_gradients(
            {"image": image, "text": text, "logit_scale": number(1.5)},
            lambda image, text, logit_scale: similarity_distillation(
                image, text, logit_scale, teacher_image, teacher_text, 0.2
            ),
        ),
        "cross_entropy": values_and_gradients(
            {"logits": 2 * matrix(5, 4)}, lambda logits: functional.cross_entropy(logits, labels)
        ),
    }
    result["cosine_distillation"]["inputs"]["teacher"] = teacher.tolist()
    result["similarity_distillation"]["inputs"].update(
        {"teacher_image": teacher_image.tolist(), "teacher_text": teacher_text.tolist(), "temperature": 0.2}
    )
    result["cross_entropy"]["inputs"]["labels"] = labels.tolist()
    return result


# Files ---------------------------------------------------------------------------------------------------


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def write_weights(path, weights):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, w in weights.items():
        content = w.numpy().astype("<f4").tobytes()
        span = [len(data), len(data) + len(content)]
        header[name] = {"dtype": "F32", "shape": list(w.shape), "data_offsets": span}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_checkpoint(folder, weights):
    folder.mkdir(exist_ok=True)
    write_weights(folder / "model.safetensors", weights)
    shared = {
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": EPS,
        "projection_dim": DIMENSION,
    }
    text = {
        "model_type": "clip_text_model",
        "hidden_size": TEXT,
        "intermediate_size": TEXT_MLP,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": START,
        "eos_token_id": END,
        "pad_token_id": END,
    }
    vision = {
        "model_type": "clip_vision_model",
        "hidden_size": VISION,
        "intermediate_size": VISION_MLP,
        "image_size": EDGE,
        "patch_size": PATCH,
        "num_channels": 3,
    }
    config = {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": DIMENSION,
        "logit_scale_init_value": math.log(1 / 0.07),
        "text_config": {**text, **shared},
        "vision_config": {**vision, **shared},
        "torch_dtype": "float32",
    }
    write_json(folder / "config.json", config)
    preprocessing = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": EDGE},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": EDGE, "width": EDGE},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "do_convert_rgb": True,
    }
    write_json(folder / "preprocessor_config.json", preprocessing)
    symbols = [*LETTERS, *(letter + "</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    write_json(folder / "vocab.json", {symbol: i for i, symbol in enumerate(symbols)})
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = {
        "tokenizer_class": "CLIPTokenizer",
        "do_lower_case": True,
        "model_max_length": CONTEXT,
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
    }
    write_json(folder / "tokenizer_config.json", tokenizer)


def main():
    torch.set_num_threads(1)
    write_checkpoint(FOLDER / "tiny_clip", initial_weights())
    trained, log, ids = train(torch.float32)
    exact, exact_log, _ = train(torch.float64)
    write_weights(FOLDER / "tiny_clip_trained.safetensors", trained)
    write_json(
        FOLDER / "training.json",
        {
            "pixels": "(37 b + 11 c + 5 y (b + 1) + 3 x (c + 2)) mod 101 / 50 - 1 at [b,c,y,x]",
            "captions": CAPTIONS,
            "ids": ids,
            "recipe": {
                "steps": STEPS,
                "warm_up_steps": WARM_UP,
                "learning_rate": RATE,
                "weight_decay": DECAY,
                "beta1": BETAS[0],
                "beta2": BETAS[1],
                "epsilon": ADAM_EPS,
                "max_grad_norm": MAX_GRAD_NORM,
                "largest_logit_scale": LARGEST_LOGIT_SCALE,
            },
            "steps": log,
            "float64": {
                "losses": [step["loss"] for step in exact_log],
                "relative_difference_of_weights": largest_difference(trained, exact),
            },
        },
    )
    write_json(FOLDER / "losses.json", losses())


if __name__ == "__main__":
    main()
