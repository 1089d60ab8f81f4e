"""The items whose words are those of what a user met last: TF-IDF, cosine. Content alone, so new items count too."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from training.baselines.item_knn import of_length_one
from training.baselines.past import Past, histories
from training.cases import Case

LAST = 5  # events of a user whose texts count


def fit(past: Past) -> "TextKNN":
    """Weigh the words of every item."""
    return TextKNN(weighted_words(past.texts))


class TextKNN:
    """Word weights [n, words]."""

    def __init__(self, words: sp.csr_matrix) -> None:
        self._words, self._items = words, words.T.tocsr()

    def __call__(self, cases: Sequence[Case]) -> npt.NDArray[Any]:
        recent = histories(cases, self._words.shape[0], LAST) @ self._words
        scores: npt.NDArray[Any] = (recent @ self._items).toarray()
        return scores


def weighted_words(texts: Sequence[str]) -> sp.csr_matrix:
    """TF-IDF weights of texts [n, words] with logarithmic term frequency, rows of length one."""
    words = [re.findall(r"\w{2,}", text.lower()) for text in texts]
    places: dict[str, int] = {}
    columns = [places.setdefault(word, len(places)) for each in words for word in each]
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in words])
    counts = sp.csr_matrix((np.ones(len(rows)), (rows, columns)), (len(texts), max(len(places), 1)))
    counts.data = 1 + np.log(counts.data)
    met = np.bincount(counts.indices, minlength=counts.shape[1]).clip(1)  # texts that have the word
    return of_length_one(counts @ sp.diags(np.log(len(texts) / met)))
