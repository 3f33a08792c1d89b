// The golden vectors through a WebAssembly module that exports the kernels:
//
//     node wasm.mjs engram_kernels.wasm VECTORS_FOLDER
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const [, , modulePath, folder] = process.argv;
const { instance } = await WebAssembly.instantiate(readFileSync(modulePath));
const kernels = instance.exports;
const DONE = 0;
const VERSION = 2;
const level = kernels.engram_kernels_best_level();
let comparisons = 0;
let mismatches = 0;

// Memory beyond what the module itself uses, handed out anew for each case.
const heap = kernels.memory.grow(64) * 65536;
let next = heap;
function allocate(bytes) {
  const at = next;
  next += Math.ceil(bytes / 16) * 16;
  if (next > kernels.memory.buffer.byteLength) throw new Error("a case needs more memory");
  return at;
}
function words(values) {
  const at = allocate(4 * values.length);
  new Uint32Array(kernels.memory.buffer, at, values.length).set(values);
  return at;
}

function expect(name, at, expected, status, integers = false) {
  if (status !== DONE) {
    console.log(`${name}: status ${status}`);
    mismatches++;
  }
  const bits = new Uint32Array(kernels.memory.buffer, at, expected.length);
  for (const [i, word] of expected.entries()) {
    // All NaNs are one.
    const found = !integers && (bits[i] & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits[i];
    comparisons++;
    if (found !== word) {
      console.log(`${name}[${i}]: ${found.toString(16)}, not ${word.toString(16)}`);
      mismatches++;
    }
  }
}

function asFloat(word) {
  return new Float32Array(Uint32Array.of(word).buffer)[0];
}

// Calls `check` at the end of each case, with its kind and the latest line of each name.
function eachCase(file, check) {
  const lines = {};
  let kind;
  for (const line of [...readFileSync(join(folder, file), "utf8").trimEnd().split("\n"), "case"]) {
    const [name, ...rest] = line.split(" ");
    if (name === "case") {
      next = heap;
      if (kind !== undefined) check(kind, lines);
      kind = rest[0];
    } else {
      lines[name] = rest.map((word) => Number.parseInt(word, 16));
    }
  }
}

function bits(values) {
  return [...new Uint32Array(Float32Array.from(values).buffer)];
}

function integers({ integers, codes, dot_i8 }) {
  const [dimensions, count] = [integers.length, dot_i8.length];
  const [queryAt, codesAt, found] = [allocate(2 * dimensions), allocate(codes.length), allocate(4 * count)];
  new Int16Array(kernels.memory.buffer, queryAt, dimensions).set(integers);
  new Int8Array(kernels.memory.buffer, codesAt, codes.length).set(codes);
  const status = kernels.engram_vector_dot_i8(level, queryAt, codesAt, found, dimensions, count);
  expect("dot_i8", found, dot_i8, status, true);
}

// The best three by dot product: their ids, best first.
function topK(queryAt, rowsAt, dimensions, count, best) {
  const k = 3;
  const [keysAt, keptAt, idsAt] = [allocate(8 * k), words([0]), allocate(4 * k)];
  const status = kernels.engram_vector_dot_top_k(level, queryAt, rowsAt, dimensions, count, 0, keysAt, keptAt, k);
  const [kept] = new Uint32Array(kernels.memory.buffer, keptAt, 1);
  const keys = [...new BigUint64Array(kernels.memory.buffer, keysAt, kept)].sort((a, b) => (a < b ? 1 : -1));
  new Uint32Array(kernels.memory.buffer, idsAt, k).set(keys.map((key) => Number(~key & 0xffffffffn)));
  expect("best", idsAt, best, status, true);
}

function similarity(kind, lines) {
  if (kind === "integers") return integers(lines);
  const { query, rows, dot, norms, cosine, best } = lines;
  const [dimensions, count] = [query.length, dot.length];
  const [queryAt, rowsAt] = [words(query), words(rows)];
  const [found, normAt] = [allocate(4 * count), allocate(4)];
  expect("dot", found, dot, kernels.engram_vector_dot(level, queryAt, rowsAt, found, dimensions, count));
  expect("norms", found, norms, kernels.engram_vector_norms(level, rowsAt, found, dimensions, count));
  kernels.engram_vector_norms(level, queryAt, normAt, dimensions, 1);
  const norm = new Float32Array(kernels.memory.buffer, normAt, 1)[0];
  const status = kernels.engram_vector_similarity(level, queryAt, norm, rowsAt, found, dimensions, count);
  expect("cosine", found, cosine, status);
  topK(queryAt, rowsAt, dimensions, count, best);
}

function decay(kind, lines) {
  const [strengths, ages, stabilities] = [lines.strengths, lines.ages, lines.stabilities].map(words);
  const count = lines.strengths.length;
  const found = allocate(4 * count);
  const curves = kind === "power" ? [["power", 2]] : [["half_life", 0], ["time_constant", 1]];
  for (const [name, curve] of curves) {
    const exponent = curve === 2 ? asFloat(lines.exponent[0]) : 0;
    const status = kernels.engram_apply_decay(level, strengths, ages, stabilities, found, count, curve, exponent);
    expect(name, found, lines[name], status);
  }
}

function spreading(kind, { offsets, targets, weights, released, arrived }) {
  if (kind !== "hop") return;
  const nodes = released.length;
  const everyNode = words(Array.from({ length: nodes }, (_, node) => node));
  const releasedAt = words(released);
  const found = words(new Array(nodes).fill(0));
  const [offsetsAt, targetsAt, weightsAt] = [offsets, targets, weights].map(words);
  let status = kernels.engram_spread_activation_push(
    level, everyNode, releasedAt, nodes, offsetsAt, nodes, targetsAt, weightsAt, targets.length, found, nodes,
    0, 0,
  );
  expect("push", found, arrived, status);

  // Chunks of the nodes as they come.
  const fanIn = new Array(Math.ceil(nodes / 16) * 16).fill(0);
  for (const target of targets) fanIn[target]++;
  const chunkOffsets = [0];
  for (let first = 0; first < nodes; first += 16) {
    chunkOffsets.push(chunkOffsets.at(-1) + Math.max(...fanIn.slice(first, first + 16)));
  }
  const sources = new Array(16 * chunkOffsets.at(-1)).fill(0);
  const padded = [...sources];
  fanIn.fill(0);
  for (let source = 0; source < nodes; source++) {
    for (let edge = offsets[source]; edge < offsets[source + 1]; edge++) {
      const target = targets[edge];
      const at = 16 * (chunkOffsets[target >> 4] + fanIn[target]++) + (target & 15);
      sources[at] = source;
      padded[at] = weights[edge];
    }
  }
  status = kernels.engram_spread_activation_pull(
    level, words(chunkOffsets), words(sources), words(padded), everyNode, nodes, releasedAt, found,
  );
  expect("pull", found, arrived, status);

  // The whole hop, in which half of what arrives is kept, and the first half of the chunks give twice that.
  const kept = arrived.map((amount) => Math.min(Math.fround(asFloat(amount) / 2), 2 ** 60));
  const greatest = Math.max(0, ...kept);
  const [chunks, rows] = [chunkOffsets.length - 1, fanIn.length];
  const releasing = chunks >> 1;
  const [activation, nextReleased] = [0, 0].map(() => words(new Array(rows).fill(0)));
  const [numActive, change] = [allocate(4), allocate(4)];
  status = kernels.engram_spread_activation_hop(
    level, words(chunkOffsets), chunks, words(sources), words(padded), releasedAt, activation, 0, 0.5,
    words(bits(new Array(rows).fill(2))), 0, releasing, nextReleased, numActive, change,
  );
  expect("activations", activation, bits(kept), status);
  expect("released", nextReleased, bits(kept.map((amount, node) => (node >> 4 < releasing ? 2 * amount : 0))), status);
  expect("number of active nodes of a hop", numActive, [kept.filter((amount) => amount > 0).length], status, true);
  expect("greatest change of a hop", change, bits([greatest]), status);

  // For eight cues that are all the same: row by row, without paddings.
  const [rowOffsets, rowSources, rowWeights] = [[0], [], []];
  for (let node = 0; node < nodes; node++) {
    for (let source = 0; source < nodes; source++) {
      for (let edge = offsets[source]; edge < offsets[source + 1]; edge++) {
        if (targets[edge] !== node) continue;
        rowSources.push(source);
        rowWeights.push(weights[edge]);
      }
    }
    rowOffsets.push(rowSources.length);
  }
  // The longest rows first.
  const length = (node) => rowOffsets[node + 1] - rowOffsets[node];
  const sorted = Array.from({ length: nodes }, (_, node) => node).sort((a, b) => length(b) - length(a) || a - b);
  const inOrder = (values) => sorted.flatMap((node) => values.slice(rowOffsets[node], rowOffsets[node + 1]));
  const sortedOffsets = [0];
  for (const node of sorted) sortedOffsets.push(sortedOffsets.at(-1) + length(node));
  const byRow = words(new Array(nodes).fill(0));
  status = kernels.engram_spread_activation_pull_rows(
    level, words(sortedOffsets), words(inOrder(rowSources)), words(inOrder(rowWeights)), words(sorted), nodes,
    releasedAt, byRow,
  );
  expect("pull by rows", byRow, arrived, status);

  const eight = (values) => values.flatMap((value) => new Array(8).fill(value));
  const byCue = words(new Array(8 * nodes).fill(0));
  status = kernels.engram_spread_activation_pull_batch(
    level, words(rowOffsets), nodes, words(rowSources), words(rowWeights), rowSources.length, words(eight(released)),
    byCue,
  );
  expect("pull for a batch", byCue, eight(arrived), status);

  // The whole hop, in which half of what arrives is kept, and the first half of the nodes give twice that.
  const zeros = () => words(new Array(8 * nodes).fill(0));
  const [byCueActivation, byCueReleased, changes] = [zeros(), zeros(), words(new Array(8).fill(0))];
  const gates = words(released.flatMap(() => bits([2, 0])));
  status = kernels.engram_spread_activation_hop_batch(
    level, words(rowOffsets), nodes, words(rowSources), words(rowWeights), rowSources.length, words(eight(released)),
    byCueActivation, 0, 0.5, gates, nodes >> 1, byCueReleased, changes,
  );
  const given = kept.map((amount, node) => (node < nodes >> 1 ? 2 * amount : 0));
  expect("activations of a batch", byCueActivation, eight(bits(kept)), status);
  expect("what a batch releases", byCueReleased, eight(bits(given)), status);
  expect("greatest changes of a batch", changes, eight(bits([greatest])), status);
}

// The end of a hop, for the second line of 16 nodes of two.
function settling() {
  next = heap;
  const [activation, accumulator, active] = [32, 32, 16].map((count) => words(new Array(count).fill(0)));
  const floats = (at, count) => new Float32Array(kernels.memory.buffer, at, count);
  floats(activation, 32).set([4], 18);
  floats(accumulator, 32).set([10, 2], 18);
  const [numActive, change] = [allocate(4), allocate(4)];
  const status = kernels.engram_spread_activation_settle(
    level, words([1]), 1, activation, accumulator, 0.5, 0.25, active, numActive, change,
  );
  const expected = new Array(32).fill(0);
  [expected[18], expected[19]] = [4.5, 0.5];
  expect("settled", activation, bits(expected), status);
  expect("emptied", accumulator, new Array(32).fill(0), status);
  expect("active", active, [18, 19], status, true);
  expect("number of active nodes", numActive, [2], status, true);
  expect("greatest change", change, bits([0.5]), status);
}

if (kernels.engram_kernels_abi_version() !== VERSION) throw new Error("another version of the interface");
eachCase("similarity.txt", similarity);
eachCase("decay.txt", decay);
eachCase("spreading.txt", spreading);
settling();
console.log(`WebAssembly: ${comparisons} results compared, ${mismatches} wrong`);
process.exit(mismatches === 0 && comparisons > 1000 ? 0 : 1);
