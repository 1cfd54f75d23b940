"""S3 and DynamoDB in memory, behind the same gateways as the product's.

Linearizable: a request happens at once and as a whole. What can go wrong on the way is the
network's part (``network.py``). ``test_agreement.py`` and ``test_agreement_files.py`` hold them to
the embedded AWS.
"""

from tests.simulation.memory.bucket import MemoryBucket, StoredObject
from tests.simulation.memory.queue import MemoryQueue, MemoryTopic
from tests.simulation.memory.tables import MemoryItems, MemoryReferences, MemoryTable
from tests.simulation.memory.tally import MemoryTally

__all__ = [
    "MemoryBucket",
    "MemoryItems",
    "MemoryQueue",
    "MemoryReferences",
    "MemoryTable",
    "MemoryTally",
    "MemoryTopic",
    "StoredObject",
]
