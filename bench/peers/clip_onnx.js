// CLIP ViT-B/32 in ONNX Runtime: a peer of beeld's encoders.
//
//   node clip_onnx.js FOLDER THREADS
//
// Answers the same requests about the same files as clip_torch.py, which writes the graphs; one case more,
// pictures_int8, has matrices and activations of 8 bits.
"use strict";

const fs = require("fs");
const path = require("path");
const readline = require("readline");
// Where `./dev bench` installs it.
const ort = require(path.resolve(__dirname, "../../build/peers/node_modules/onnxruntime-node"));

const [folder, threads] = [process.argv[2], Number(process.argv[3])];

const cases = {
  pictures: { graph: "pictures", input: "pictures.f32" },
  pictures_int8: { graph: "pictures_int8", input: "pictures.f32" },
  texts: { graph: "texts", input: "texts.i64" },
  captions: { graph: "texts", input: "captions.i64" },
};

// An input cut into tensors of `batch` items.
function read(name, batch) {
  const bytes = fs.readFileSync(path.join(folder, name));
  const memory = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const pixels = name.endsWith(".f32");
  const values = pixels ? new Float32Array(memory) : new BigInt64Array(memory);
  const shape = pixels ? [3, 224, 224] : [77];
  const length = batch * shape.reduce((a, b) => a * b);
  const tensors = [];
  for (let i = 0; i < values.length; i += length) {
    const part = values.subarray(i, i + length);
    tensors.push(new ort.Tensor(pixels ? "float32" : "int64", part, [batch, ...shape]));
  }
  return tensors;
}

const options = {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  // An idle peer must not take a core from the one that is timed.
  extra: { session: { force_spinning_stop: "1" } },
};
const sessions = new Map();

async function open(graph) {
  if (!sessions.has(graph)) {
    sessions.set(graph, await ort.InferenceSession.create(path.join(folder, `${graph}.onnx`), options));
  }
  return sessions.get(graph);
}

async function answer(request) {
  const [command, name, ...numbers] = request.split(" ");
  const [batch, count] = command === "embed" ? [32, 32] : numbers.map(Number);
  const { graph, input } = cases[name];
  const session = await open(graph);
  const tensors = read(input, batch);
  if (command === "embed") {
    const { output } = await session.run({ input: tensors[0] });
    fs.writeFileSync(path.join(folder, "embedded.f32"), output.data);
    return "ok";
  }
  const begin = performance.now();
  for (let i = 0; i < count; i += batch) await session.run({ input: tensors[i / batch] });
  return (performance.now() - begin) / 1000;
}

async function main() {
  console.log("ready");
  for await (const request of readline.createInterface({ input: process.stdin })) {
    console.log(String(await answer(request)));
  }
}

main();
