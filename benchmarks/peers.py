"""The peers that are Python packages, as a worker of the benchmarks.

Reads requests, one JSON object a line, and answers each with one line (see src/workers.rs and src/jobs.rs).
Data comes from files of raw numbers. Each peer does its best: its own call for many at once, its own layout,
made before the clock starts.
"""

import json
import sys
import time

import numpy as np

# The standard output is for replies alone.
replies, sys.stdout = sys.stdout, sys.stderr


def numbers(file, kind, count=-1):
    return np.fromfile(file, kind, count)


def aligned(file, count):
    """Numbers that begin at a cache line."""
    room = np.empty(count + 16, np.float32)
    first = -room.ctypes.data % 64 // 4
    with open(file, "rb") as opened:
        opened.readinto(room[first : first + count].data)
    return room[first : first + count]


class Peer:
    """One who can do a job: `work()` does it once, `answer()` gives what was found, as float32."""

    def __init__(self, name, kind, work, answer=None):
        self.name, self.kind, self.work, self.found = name, kind, work, None
        self.answer = answer or (lambda found: found)

    def call(self, times):
        work = self.work
        started = time.perf_counter_ns()
        for _ in range(times):
            found = work()
        took = time.perf_counter_ns() - started
        self.found = found
        return took


def version(module):
    return f"{module.__name__} {module.__version__}"


def similarity(job):
    import faiss

    faiss.omp_set_num_threads(1)
    dimensions, rows = job["dimensions"], job["rows"]
    vectors = aligned(job["vectors"], rows * dimensions).reshape(rows, dimensions)
    query = aligned(job["query"], dimensions)
    scores = np.empty(rows, np.float32)
    if job["measure"] == "dot":
        ip, x, y = faiss.swig_ptr(scores), faiss.swig_ptr(query), faiss.swig_ptr(vectors)

        def inner_products():
            faiss.fvec_inner_products_ny(ip, x, y, dimensions, rows)
            return scores

        return [
            Peer(f"NumPy {np.__version__} (OpenBLAS)", "peer", lambda: vectors @ query),
            Peer(f"faiss {faiss.__version__}", "peer", inner_products),
        ]

    def cosine():
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        return (vectors @ query) / (norms * np.sqrt(query @ query))

    return [Peer(f"NumPy {np.__version__} (OpenBLAS)", "peer", cosine)]


def top_k(job):
    import faiss

    faiss.omp_set_num_threads(1)
    dimensions, rows, k = job["dimensions"], job["rows"], job["k"]
    vectors = aligned(job["vectors"], rows * dimensions).reshape(rows, dimensions)
    query = aligned(job["query"], dimensions)
    queries = query[None, :]
    flat = faiss.IndexFlatIP(dimensions)
    flat.add(vectors)
    coarse = faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    coarse.train(vectors[: min(rows, 20_000)])
    coarse.add(vectors)

    def numpy_best():
        scores = vectors @ query
        best = np.argpartition(scores, rows - k)[rows - k :]
        return np.sort(scores[best])[::-1]

    return [
        Peer(f"NumPy {np.__version__} (OpenBLAS)", "peer", numpy_best),
        Peer(f"faiss {faiss.__version__} Flat", "peer", lambda: flat.search(queries, k)[0][0]),
        Peer(f"faiss {faiss.__version__} SQ8 (approximate)", "unlike", lambda: coarse.search(queries, k)[0][0]),
    ]


# A graph's matrices stay for the next job on it.
matrices = {"of": None}


def spreading(job):
    nodes, task = job["nodes"], job["task"]
    if matrices["of"] != job["targets"]:
        matrices.clear()
        matrices.update(of=job["targets"], **load_matrices(job))
    cues = numbers(job["seeds"], np.uint32).reshape(-1, 10)
    share = np.float32(0.1)
    if task == "batch":
        return batch(nodes, cues, share)
    return {"dense_steps": dense_steps, "page_rank": page_rank, "three_hops": three_hops}[task](nodes, cues[0], share)


def load_matrices(job):
    import scipy.sparse

    nodes = job["nodes"]
    offsets = numbers(job["offsets"], np.uint32).astype(np.int32)
    targets = numbers(job["targets"], np.uint32).astype(np.int32)
    outgoing = scipy.sparse.csr_matrix((numbers(job["weights"], np.float32), targets, offsets), shape=(nodes, nodes))
    incoming = outgoing.T.tocsr()
    incoming.sort_indices()
    return {"outgoing": outgoing, "incoming": incoming}


def graphblas(rows):
    import graphblas as gb

    gb.ss.config["nthreads"] = 1
    return gb, gb.Matrix.from_csr(
        rows.indptr.astype(np.uint64), rows.indices.astype(np.uint64), rows.data, ncols=rows.shape[1]
    )


def scipy_steps(incoming, start, restart, steps, answer=None):
    """So many steps from one vector, or from several side by side."""
    import scipy

    def work():
        x = start
        for _ in range(steps):
            x = incoming @ x
            x += restart
        return x

    return Peer(f"SciPy {scipy.__version__}", "peer", work, answer)


def dense_steps(nodes, seeds, share, damping=np.float32(0.85), steps=20):
    incoming = matrices["incoming"].copy()
    incoming.data *= damping
    start = np.zeros(nodes, np.float32)
    start[seeds] = share
    restart = (1 - damping) * start

    gb, matrix = graphblas(incoming)
    gb_start, gb_restart = gb.Vector.from_dense(start), gb.Vector.from_dense(restart)

    def with_graphblas():
        x = gb_start
        for _ in range(steps):
            y = gb_restart.dup()
            y(gb.binary.plus) << matrix.mxv(x, "plus_times")
            x = y
        x.wait()
        return x

    return [
        scipy_steps(incoming, start, restart, steps),
        Peer(f"GraphBLAS {gb.__version__} (SuiteSparse)", "peer", with_graphblas, lambda x: x.to_dense()),
    ]


def batch(nodes, cues, share, damping=np.float32(0.85), steps=20):
    incoming = matrices["incoming"].copy()
    incoming.data *= damping
    start = np.zeros((nodes, len(cues)), np.float32)
    for cue, seeds in enumerate(cues):
        start[seeds, cue] = share
    restart = (1 - damping) * start

    return [scipy_steps(incoming, start, restart, steps, lambda x: np.ascontiguousarray(x.T))]


def page_rank(nodes, seeds, share, damping=0.85):
    import igraph

    if "igraph" not in matrices:
        outgoing = matrices["outgoing"]
        sources = np.repeat(np.arange(nodes, dtype=np.int32), np.diff(outgoing.indptr))
        edges = np.column_stack([sources, outgoing.indices])
        matrices["igraph"] = (igraph.Graph(n=nodes, edges=edges, directed=True), outgoing.data.tolist())
    graph, weights = matrices["igraph"]
    reset = [int(seed) for seed in seeds]

    def prpack():
        return graph.personalized_pagerank(
            vertices=None, damping=damping, reset_vertices=reset, weights=weights, implementation="prpack"
        )

    return [Peer(f"igraph {igraph.__version__} PRPACK", "peer", prpack)]


def three_hops(nodes, seeds, share, hops=3):
    import scipy
    import scipy.sparse

    outgoing = matrices["outgoing"]
    start = np.zeros((1, nodes), np.float32)
    start[0, seeds] = share
    sparse_start = scipy.sparse.csr_matrix(start)

    def with_scipy():
        x = sparse_start
        for _ in range(hops):
            x = x @ outgoing
        return x

    gb, matrix = graphblas(outgoing)
    gb_start = gb.Vector.from_coo(seeds.astype(np.uint64), np.full(len(seeds), share, np.float32), size=nodes)

    def with_graphblas():
        x = gb_start
        for _ in range(hops):
            x = x.vxm(matrix, "plus_times").new()
        x.wait()
        return x

    return [
        Peer(f"SciPy {scipy.__version__}", "peer", with_scipy, lambda x: x.toarray()[0]),
        Peer(
            f"GraphBLAS {gb.__version__} (SuiteSparse)",
            "peer",
            with_graphblas,
            lambda x: x.to_dense(fill_value=0),
        ),
    ]


def decay(job):
    strengths = numbers(job["strengths"], np.float32)
    ages, stabilities = numbers(job["ages"], np.float64), numbers(job["stabilities"], np.float64)
    kept = np.empty_like(strengths)

    def half_life():
        np.divide(ages, stabilities, out=kept, casting="same_kind")
        np.negative(kept, out=kept)
        np.exp2(kept, out=kept)
        return np.multiply(kept, strengths, out=kept)

    def power():
        np.divide(ages, stabilities, out=kept, casting="same_kind")
        np.add(kept, np.float32(1), out=kept)
        np.sqrt(kept, out=kept)
        return np.divide(strengths, kept, out=kept)

    return [Peer(f"NumPy {np.__version__}", "peer", half_life if job["curve"] == "half_life" else power)]


benches = {"similarity": similarity, "top_k": top_k, "spreading": spreading, "decay": decay}
peers = {}


def serve(request):
    if request["do"] == "prepare":
        peers.clear()
        for peer in benches[request["job"]["bench"]](request["job"]):
            peers[peer.name] = peer
        return {"contenders": [{"name": peer.name, "kind": peer.kind} for peer in peers.values()]}
    peer = peers[request["name"]]
    if request["do"] == "call":
        return {"nanoseconds": float(peer.call(request["times"]))}
    np.asarray(peer.answer(peer.found), np.float32).tofile(request["file"])
    return "written"


for line in sys.stdin:
    try:
        reply = serve(json.loads(line))
    except Exception as error:  # whatever a package raises is told to the one who asked
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), file=replies, flush=True)
