"""A server that breaks its replies on purpose: the demo indexer with faults, on a port that can break too.

`FAULTS` lists what can go wrong, `FaultRule` says when, `FaultyIndexer` does it, and `serve` puts it on a
port: faults that break the connection inside a reply need that one.
"""

from tests.fault_server.fault_types import FAULTS, Fault
from tests.fault_server.indexer import FaultyIndexer
from tests.fault_server.rules import FaultRule
from tests.fault_server.serving import serve

__all__ = ["FAULTS", "Fault", "FaultRule", "FaultyIndexer", "serve"]
