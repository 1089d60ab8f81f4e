"""What stands between the rankings and neighbours that fail: a breaker for each, and users as they were last read."""

import logging
from dataclasses import dataclass, field

from serving.breaker import Breaker
from serving.last_known import LastKnown

log = logging.getLogger(__name__)


@dataclass
class Guard:
    """A neighbour's breaker; says in the log when it fails and when it is back."""

    name: str
    breaker: Breaker = field(default_factory=Breaker)
    problem: str = ""

    def allows(self) -> bool:
        return self.breaker.allows()

    def succeed(self) -> None:
        """It answered."""
        if self.problem:
            log.info("%s answers again", self.name)
            self.problem = ""
        self.breaker.succeed()

    def fail(self, problem: str, counts: bool) -> None:
        """It did not; ``counts`` says whether it had the time to answer, so that it is to blame."""
        if not self.problem:
            log.warning("rankings go without %s: %s", self.name, problem)
        self.problem = problem
        if counts:
            self.breaker.fail()


@dataclass
class Guards:
    """Those of one API process."""

    triton: Guard = field(default_factory=lambda: Guard("triton"))
    online_store: Guard = field(default_factory=lambda: Guard("online_store"))
    last_known: LastKnown = field(default_factory=LastKnown)

    def left_alone(self) -> int:
        """How many neighbours are not asked at the moment."""
        return self.triton.breaker.open + self.online_store.breaker.open
