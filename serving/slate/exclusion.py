"""slate -> the same without the items the request names."""

from serving.slate.slate import Given, Slate, Stage, among


class Exclude(Stage, frozen=True, tag="exclude"):
    """Leave out the items of the request's `exclude`."""

    phase = "drop"


def exclude(slate: Slate, given: Given, settings: Exclude) -> Slate:
    if not given.exclude:
        return slate
    return slate.keep(~among(given.of(slate), set(given.table.rows(given.exclude).tolist())))
