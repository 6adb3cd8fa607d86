"""Precision, recall and F1 of clusters, by pairs of contacts. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


class Accuracy(NamedTuple):
    """Pairs that were found, pairs that there are, and pairs that are in both."""

    found: int
    there: int
    right: int

    @property
    def precision(self) -> float:
        """How many of the found pairs are right; 1 if none was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """How many of the pairs that there are were found; 1 if there are none."""
        return self.right / self.there if self.there else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.right / (self.found + self.there) if self.found + self.there else 1.0


def accuracy_of(clusters: Iterable[Collection[str]], truth: Mapping[str, int]) -> Accuracy:
    """How the clusters compare with the truth, which has the person of each contact; other contacts don't count."""
    found = right = 0
    for cluster in clusters:
        people = Counter(truth[one] for one in cluster if one in truth)
        found += _pairs(people.total())
        right += sum(map(_pairs, people.values()))
    return Accuracy(found, sum(map(_pairs, Counter(truth.values()).values())), right)


def _pairs(number: int) -> int:
    return number * (number - 1) // 2
