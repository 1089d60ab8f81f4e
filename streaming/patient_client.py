"""kafka-python's network client, whose producers wait for a broker that does not answer instead of asking without end.

While as many requests are under way as may be, or a connection is being made, the sender of kafka-python (3.0.12) asks
when to look again, is told "in 0", and looks again at once: a whole core, and the interpreter lock of the process it is
in. A ranking beside it took half a second. An answer of the broker, or a new message, ends the wait.
"""

from typing import Any

from kafka.net.compat import KafkaNetClient

WAIT_MS = 100


class PatientClient(KafkaNetClient):  # type: ignore[misc]
    """For the ``kafka_client`` of a KafkaProducer."""

    def connection_delay(self, node_id: Any) -> float:
        """Milliseconds until a node that cannot take anything now is looked at again."""
        return max(WAIT_MS, 1000 * float(super().connection_delay(node_id)))
