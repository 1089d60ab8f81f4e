"""Have users and items forgotten, and see what became of it.

python -m streaming.erase --user 7            publish the deletion; prints its receipt, and a worker does the rest
python -m streaming.erase --item 42
python -m streaming.erase --receipt 5f0c2a    what became of a deletion
python -m streaming.erase                     search the stores for what is due, once; a worker does it by itself, and
                                              has to for items that users met: it owns the users' rows
python -m streaming.erase --again-s 0         and the second search at once (nobody else is writing)
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing

from feature_repo.erasure import Erasures, Kind, open_erasures
from feature_repo.erasure_receipts import state_of
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from streaming.erasing import carry_out, stores_of, untold
from streaming.events import TOPIC_ITEMS, TOPIC_USERS, Deletion
from streaming.forget import ForgetVisits
from streaming.owners import OwnersSilent
from streaming.producer import DeliveryError, EventProducer
from streaming.row_log import open_log
from streaming.settings import StreamSettings


def ask(erasures: Erasures, broker: str, kind: Kind, entity_id: str) -> str:
    """Publish a deletion; returns its receipt's id. Raises DeliveryError, and then nothing is deleted."""
    receipt_id = erasures.ask(kind, entity_id)
    try:
        with EventProducer(broker) as producer:
            producer.send(Deletion(TOPIC_USERS if kind == "user" else TOPIC_ITEMS, entity_id, receipt_id))
    except DeliveryError:
        erasures.withdraw(receipt_id)
        raise
    return receipt_id


def told(erasures: Erasures, receipt_id: str) -> str:
    """A receipt as text; ends the command where there is none."""
    receipt = erasures.receipt(receipt_id)
    if receipt is None:
        sys.exit(f"there is no receipt {receipt_id}")
    removed = (f"{each.rows:8} rows  {each.store}" for each in receipt.removals)
    return "\n".join([f"{receipt.kind}: {state_of(receipt)}", *removed])


def search(erasures: Erasures, settings: StoreSettings, again_s: float) -> str:
    """Carry out what is due; returns what came of it."""
    stores = stores_of(open_store(settings), open_log(settings), erasures, settings)
    count, waiting = carry_out(stores, erasures.tasks(), again_s, _nobody_to_tell), erasures.tasks()
    return f"{count} rows removed; {len(waiting)} tasks wait, {len(untold(waiting, sys.maxsize))} of them for a worker"


def _nobody_to_tell(messages: Sequence[ForgetVisits]) -> None:
    raise OwnersSilent(
        f"the rest waits for a worker: {len(messages)} visits are in rows of users online, which it owns"
    )


def main() -> None:
    stream, settings = StreamSettings(), StoreSettings()
    parser = argparse.ArgumentParser(
        prog="python -m streaming.erase", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--user", help="have this user forgotten (or session:<session_id>)")
    parser.add_argument("--item", help="have this item forgotten")
    parser.add_argument("--receipt", help="say what became of the deletion with this receipt")
    text = "seconds from the first search to the second (%(default)s)"
    parser.add_argument("--again-s", type=float, default=stream.erase_again_s, help=text)
    options = parser.parse_args()
    with closing(open_erasures(settings)) as erasures:
        try:
            if options.user or options.item:
                kind: Kind = "user" if options.user else "item"
                print(ask(erasures, stream.broker, kind, options.user or options.item))
            else:
                receipt = options.receipt
                print(told(erasures, receipt) if receipt else search(erasures, settings, options.again_s))
        except DeliveryError as error:
            sys.exit(f"erase: nothing is deleted: {error}")
        except OwnersSilent as error:
            sys.exit(f"erase: {error}")


if __name__ == "__main__":
    main()
