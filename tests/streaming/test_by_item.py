"""The repartition by item."""

from streaming.by_item import MOST_ENTRIES, Entry, Envelope, decode, encode, envelopes, target


def entry(offset: int, item_id: str) -> Entry:
    return Entry(offset, item_id, "click", 1_750_000_000_000)


def test_an_items_interactions_reach_one_partition_in_offset_order() -> None:
    sent = [(n % 2, entry(n, f"i{n % 7}")) for n in range(50)]
    packed = envelopes(9, sent, 4)
    opened = [
        (to, inside.partition, each) for to, sealed in packed.items() for inside in sealed for each in inside.entries
    ]
    assert all(target(each.item_id, 4) == to for to, _, each in opened)
    assert sorted((source, each) for _, source, each in opened) == sorted(sent)
    for sealed in packed.values():
        assert all(
            [each.offset for each in inside.entries] == sorted(each.offset for each in inside.entries)
            for inside in sealed
        )


def test_a_batch_makes_one_envelope_per_source_and_target() -> None:
    packed = envelopes(9, [(n % 2, entry(n, f"i{n}")) for n in range(500)], 4)
    assert {to: sorted(inside.partition for inside in sealed) for to, sealed in packed.items()} == {
        to: [0, 1] for to in range(4)
    }


def test_the_longest_ids_fit_into_a_message_however_large_the_batch() -> None:
    long = "\N{PILE OF POO}" * 256
    sealed = envelopes(9, [(0, entry(n, long)) for n in range(8000)], 1)[0]
    assert max(len(encode(envelope)) for envelope in sealed) < 1_000_000
    assert [each.offset for envelope in sealed for each in envelope.entries] == list(range(8000))
    assert len(sealed) == 8000 / MOST_ENTRIES


def test_an_envelope_survives_its_bytes() -> None:
    envelope = Envelope(2**63, 3, [entry(2**40, "é")])
    assert decode(encode(envelope)) == envelope


def test_an_item_stays_in_its_partition_for_ever() -> None:
    assert [target(item_id, 4) for item_id in ("1", "2", "matrix")] == [3, 1, 3]
