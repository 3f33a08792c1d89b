"""PageRank over passages and names, as HippoRAG does it, without a language model and without an embedding model.

HippoRAG (Gutiérrez et al., 2024) has a language model extract names and facts from each passage, links names that an embedding
model finds alike, and ranks passages by personalised PageRank from the names of the question; its second version (2025)
also starts at the passages that resemble the question. Here names are titles and capitalised phrases, and BM25
stands for resemblance.
"""

import collections
import math
import re
import unicodedata

import numpy as np
import scipy
import scipy.sparse as sparse
import Stemmer

import stop_words

# Capitalised words in a row, also with small ones between; and years.
PHRASE = re.compile(
    r"(?:[A-ZÄÖÜ][\w'’-]*|\d{4})(?:(?:\s+(?:of|the|and|de|la|von|van|der|da|di|al|for|in)\s+|\s+|\s*[-–]\s*)(?:[A-ZÄÖÜ][\w'’-]*|\d+))*"
)
K1, B = 1.2, 0.75
LONGEST_NAME = 8


def words(text):
    plain = unicodedata.normalize("NFKD", text)
    return re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c)).lower())


class PageRank:
    # Chosen on MuSiQue's training sample and the three folders of notes; see README.md.
    damping, steps = 0.8, 20
    name_share, seeds = 0.5, 30
    home_weight, untitled_weight = 15.0, 0.3

    def __init__(self, job):
        self.name = f"PageRank over names (SciPy {scipy.__version__})"
        self.stop = stop_words.of(job["language"])
        self.stemmer = Stemmer.Stemmer(job["language"])

    def terms(self, text):
        return self.stemmer.stemWords([word for word in words(text) if word not in self.stop])

    def ingest(self, passages, vectors):
        self.ids = [p["id"] for p in passages]
        self.index([f"{p['title']} {p['text']} {p['title']}" for p in passages])
        tokens = [words(f"{p['title']} . {p['text']}") for p in passages]
        self.frequency = collections.Counter(word for text in tokens for word in set(text))
        self.link(passages, tokens)

    def index(self, texts):
        """BM25 as a matrix of terms and passages."""
        counts = [collections.Counter(self.terms(text)) for text in texts]
        lengths = [sum(count.values()) for count in counts]
        average = max(sum(lengths) / len(lengths), 1)
        found_in = collections.Counter(term for count in counts for term in count)
        self.term = {term: at for at, term in enumerate(found_in)}
        rows, columns, values = [], [], []
        for at, (count, length) in enumerate(zip(counts, lengths)):
            for term, times in count.items():
                rarity = math.log(1 + (len(texts) - found_in[term] + 0.5) / (found_in[term] + 0.5))
                rows.append(self.term[term])
                columns.append(at)
                values.append(rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * length / average)))
        self.postings = sparse.csr_matrix((values, (rows, columns)), shape=(len(self.term), len(texts)))

    def bm25(self, question):
        rows = [self.term[term] for term in set(self.terms(question)) if term in self.term]
        if not rows:
            return np.zeros(len(self.ids))
        return np.asarray(self.postings[rows].sum(0)).ravel()

    def trimmed(self, phrase):
        while phrase and phrase[0] in self.stop:
            phrase = phrase[1:]
        while phrase and phrase[-1] in self.stop:
            phrase = phrase[:-1]
        return phrase

    def link(self, passages, tokens):
        """A graph of passages and the names in them, which lead to the passages that they are the title of first."""
        homes = collections.defaultdict(set)
        for at, passage in enumerate(passages):
            title = passage["title"]
            for form in (title, re.sub(r"\s*\(.*?\)", "", title), title.split(",")[0]):
                if name := tuple(words(form)):
                    homes[name].add(at)
        shared = collections.Counter()
        for passage in passages:
            found = (self.trimmed(tuple(words(m.group()))) for m in PHRASE.finditer(passage["text"]))
            shared.update(set(filter(None, found)))
        self.names = set(homes)
        self.names.update(name for name, times in shared.items() if times >= 2 and (len(name) > 1 or len(name[0]) > 2))
        self.node, edges = {}, set()
        for at, text in enumerate(tokens):
            edges.update((at, self.node.setdefault(name, len(self.node))) for name in self.mentions(text))
        at_home = {(at, self.node.setdefault(name, len(self.node))) for name, where in homes.items() for at in where}
        rows, columns = np.array(sorted(edges | at_home)).T
        self.spread = np.bincount(columns, minlength=len(self.node))
        titled = np.zeros(len(self.node), bool)
        titled[[self.node[name] for name in homes]] = True
        to_name = np.where(titled[columns], 1.0, self.untitled_weight) / np.sqrt(self.spread[columns])
        home = np.array([edge in at_home for edge in zip(rows, columns)])
        to_passage = np.where(home, self.home_weight, 1.0)
        shape = (len(passages), len(self.node))
        graph = sparse.bmat([
            [None, sparse.csr_matrix((to_name, (rows, columns)), shape=shape)],
            [sparse.csr_matrix((to_passage, (columns, rows)), shape=shape[::-1]), None],
        ]).tocsr()
        out = np.asarray(graph.sum(1)).ravel()
        out[out == 0] = 1
        self.walk = (sparse.diags(1 / out) @ graph).T.tocsr()

    def mentions(self, text):
        """The names in a text, the longest first; one common word is none."""
        found, at = set(), 0
        while at < len(text):
            for length in range(min(LONGEST_NAME, len(text) - at), 0, -1):
                name = tuple(text[at : at + length])
                if name in self.names and (length > 1 or self.is_rare(name[0])):
                    found.add(name)
                    at += length - 1
                    break
            at += 1
        return found

    def is_rare(self, word):
        return word not in self.stop and self.frequency[word] <= max(0.01 * len(self.ids), 3)

    def ask(self, question, vector, k):
        scores = self.bm25(question)
        # The names of the question that the passages have. Where there are none, words have to do.
        named = [self.node[name] for name in self.mentions(words(question)) if name in self.node]
        reached = self.reached(scores, named) if named else scores
        return [self.ids[at] for at in np.lexsort((-scores, -reached[: len(self.ids)]))[:k]]

    def reached(self, scores, named):
        best = np.argsort(-scores, kind="stable")[: self.seeds]
        start = np.zeros(self.walk.shape[0])
        start[best] = (1 - self.name_share) * scores[best] / max(scores[best].sum(), 1e-9)
        weights = 1 / self.spread[named]
        start[[len(self.ids) + node for node in named]] = self.name_share * weights / weights.sum()
        reached = start.copy()
        for _ in range(self.steps):
            reached = self.damping * (self.walk @ reached) + (1 - self.damping) * start
        return reached
