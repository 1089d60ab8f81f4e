"""History windows -> the loss of predicting each next entry among the catalogue, on the vectors alone."""

import torch
from torch import Tensor
from torch.nn import functional as F

from training.history import NEVER
from training.model import Ranker
from training.recency import unit


def window_loss(ranker: Ranker, windows: dict[str, Tensor], matrix: Tensor, negatives: int) -> Tensor:
    """Next-item cross entropy at every fresh entry of history windows [B, L], over the vectors alone (SASRec, 2018).

    ``matrix`` [1 + n, D] starts with the row of "none". What was met before an entry is no negative of it.
    """
    windows = ranker.heard(trimmed(windows))
    gaps, rows = windows["history_gaps"], windows["history_rows"]
    vectors, actions = matrix[rows], windows["history_actions"]
    states = ranker.history(vectors, actions, gaps, last_only=False)
    waited = (gaps[:, :-1] - gaps[:, 1:]).clamp(min=0)
    taught = windows["fresh"][:, 1:]
    unsaid = {"request_context": torch.zeros_like(windows["user_attributes"])}  # of a history only the times are known
    moment = ranker.moment(windows["request_hour"][:, 1:], windows["request_weekday"][:, 1:], windows | unsaid)
    users = ranker.user_vector(states[:, :-1][taught], waited[taught], moment[taught])  # [taught entries, D]
    targets = rows[:, 1:][taught]
    items, log_draws = catalogue_sample(targets, len(matrix), negatives)
    recent = ranker.recency.along(vectors, actions)[:, :-1][taught]
    aims, ends = torch.cat([ranker.scorer.aim(users), recent], -1), torch.cat([matrix[items], unit(matrix[items])], -1)
    logits = aims @ ends.T - log_draws
    places = torch.searchsorted(items, targets)
    hidden = met_before(rows, taught, items).scatter(1, places[:, None], False)
    return F.cross_entropy(logits.masked_fill(hidden, NEVER), places)


def met_before(rows: Tensor, taught: Tensor, items: Tensor) -> Tensor:
    """Which of ``items`` [m] (sorted) each taught entry's user had met by then: bool [taught entries, m].

    They are no negatives: nobody will rank them. What the user meets later is one, since it did not come next.
    """
    window, entry = taught.nonzero().unbind(1)
    places = torch.searchsorted(items, rows.contiguous()).clamp(max=len(items) - 1)
    held = (items[places] == rows)[window] & (torch.arange(rows.shape[1], device=rows.device) <= entry[:, None])
    met = torch.zeros(len(window), len(items) + 1, dtype=torch.bool, device=rows.device)
    met.scatter_(1, torch.where(held, places[window], len(items)), True)
    return met[:, :-1]


def trimmed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Histories [B, L] and what goes with them, of the places in front that pad all only one: most are short."""
    actions = tensors["history_actions"]
    length = int((actions > 0).sum(1).max()) + 1 if len(actions) else 1  # the place before the first entry teaches it
    along = [
        name
        for name, each in tensors.items()
        if name.startswith(("history_", "request_", "fresh")) and each.shape[1:2] == actions.shape[1:]
    ]
    return tensors | {name: tensors[name][:, -length:] for name in along}


def catalogue_sample(targets: Tensor, size: int, negatives: int) -> tuple[Tensor, Tensor]:
    """Rows to rank against, sorted, with the log of the chance that each is among them.

    The whole catalogue when it is small; else the batch's own targets and uniform draws. In-batch targets come as often
    as they are popular, so their chance is subtracted (logQ, Yi et al., 2019).
    """
    if size - 1 <= negatives:
        return torch.arange(1, size, device=targets.device), torch.zeros(size - 1, device=targets.device)
    uniform = torch.randint(1, size, (negatives,), device=targets.device)
    items: Tensor = torch.unique(torch.cat([targets, uniform]))
    share = torch.bincount(targets, minlength=size)[items] / len(targets)
    expected = share * len(targets) + negatives / (size - 1)
    return items, torch.log(-torch.expm1(-expected) + 1e-12)
