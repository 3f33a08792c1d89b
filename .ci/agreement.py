"""Holds Engram's BM25 and measures against independent implementations.

usage: agreement.py ENGRAM BEIR_DIR     (bm25s, pytrec-eval-terrier)

`engram eval --mode words` must find what bm25s (method "lucene", k1 1.5, depth 100) finds from the same tokens with
b = 0.75 · mean length / (mean length + 40), which is what counting each text 40 terms longer comes to, and the measures that it prints must be those that trec_eval computes from its run file.
"""

import json
import subprocess
import sys
import tempfile

import bm25s
import pytrec_eval

engram, folder = sys.argv[1:]
failed = []


def lines(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


qrels = {}
for line in open(f"{folder}/qrels/test.tsv", encoding="utf-8").read().splitlines()[1:]:
    query, document, relevance = line.split("\t")
    qrels.setdefault(query, {})[document] = int(relevance)


def measures(run):
    """The measures by trec_eval, averaged over the judged queries."""
    names = {"recall_5,10", "ndcg_cut_10", "recip_rank"}
    by_query = pytrec_eval.RelevanceEvaluator(qrels, names).evaluate(run)
    mean = lambda name: sum(q[name] for q in by_query.values()) / len(by_query)
    found = {"recall@5": mean("recall_5"), "recall@10": mean("recall_10"), "ndcg@10": mean("ndcg_cut_10")}
    found["mrr"] = mean("recip_rank")
    for depth in (5, 8, 10):
        # trec_eval's order: by score, ties by the greater id first.
        top = {q: set(sorted(r, key=lambda d: (r[d], d), reverse=True)[:depth]) for q, r in run.items()}
        share = [set(d for d, g in gold.items() if g > 0) <= top.get(q, set()) for q, gold in qrels.items()]
        found[f"all_gold@{depth}"] = sum(share) / len(share)
    return found


def compare(what, ours, theirs, tolerance):
    for key, value in theirs.items():
        apart = abs(ours[key] - value)
        print(f"{what:24} {key:12} {ours[key]:.4f} {value:.4f} {'ok' if apart <= tolerance else 'APART'}")
        if apart > tolerance:
            failed.append(f"{what} {key}")


def evaluate(mode, *more):
    run_file = tempfile.NamedTemporaryFile(suffix=".run")
    command = [engram, "eval", folder, "--mode", mode, "--run", run_file.name, "--json", *more]
    ours = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    run = {}
    for line in open(run_file.name, encoding="utf-8"):
        query, _, document, _, score, _ = line.split()
        run.setdefault(query, {})[document] = float(score)
    return ours, run


for mode in ("recall", "words", "vectors"):
    ours, run = evaluate(mode)
    compare(f"{mode} / trec_eval", ours, measures(run), 1e-6)

with tempfile.TemporaryDirectory() as tokens:
    ours, run = evaluate("words", "--tokens", tokens)
    corpus, queries = lines(f"{tokens}/corpus.jsonl"), lines(f"{tokens}/queries.jsonl")
    mean = sum(len(document["tokens"]) for document in corpus) / len(corpus)
    index = bm25s.BM25(method="lucene", k1=1.5, b=0.75 * mean / (mean + 40))
    index.index([document["tokens"] for document in corpus], show_progress=False)
    theirs = {}
    for query in queries:
        known = [token for token in query["tokens"] if token in index.vocab_dict]
        scores = index.get_scores(known) if known else []
        best = sorted(range(len(scores)), key=lambda i: (-scores[i], corpus[i]["_id"]))[:100]
        theirs[query["_id"]] = {corpus[i]["_id"]: float(scores[i]) for i in best if scores[i] > 0}
    compare("words / bm25s", ours, measures(theirs), 0.005)
    for query, documents in run.items():
        for document, score in documents.items():
            if document in theirs[query] and abs(score - theirs[query][document]) > 1e-3:
                failed.append(f"the score of {document} for {query}: {score} and {theirs[query][document]}")

if failed:
    sys.exit("apart: " + "; ".join(failed[:10]))
