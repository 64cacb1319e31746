"""The demo indexer with faults in its replies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from helius_frames.demo import Holdings, Indexer
from tests.fault_server.mutations import RequestContext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.fault_server.rules import FaultRule


class FaultyIndexer(Indexer):
    """An `Indexer` that injects faults where its rules say so; the first rule that matches acts.

    Parameters
    ----------
    holdings
        What it serves.
    faults
        Rules; the attribute of that name may be set to others at any time, ``()`` mends the server.
    seed
        Seed of the rules with a probability.
    options
        Those of `Indexer`.

    Attributes
    ----------
    injected
        How often each fault has been injected so far, by name.
    """

    def __init__(self, holdings: Holdings, *, faults: Iterable[FaultRule] = (), seed: int = 0, **options):
        super().__init__(holdings, **options)
        self.faults = tuple(faults)
        self.injected = Counter()
        self._seed = seed
        self._tries = Counter()

    def page_reply(self, reply, read):
        self._tries[read.query] += 1
        context = RequestContext(*read, tries=self._tries[read.query], holdings=self.holdings)
        for place, rule in enumerate(self.faults):
            if rule.matches(context, f"{self._seed}/{place}"):
                self.injected[rule.name] += 1
                return rule.fault.change(reply, context)
        return reply
