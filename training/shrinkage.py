"""A trained recommender and how often each item was met -> residuals that are trusted as far as events support them.

What is learned of an item in a handful of events is mostly noise, and an item without any is only ever a negative: its
residual says "never". So each residual is drawn towards what the item would borrow if it were new, the more the fewer
events it has (shrinkage: James and Stein, 1961).
"""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from feature_repo.borrowing import borrowed, lenders
from training.recommender import Recommender
from training.samples import Catalogue


@torch.no_grad()
def settle(recommender: Recommender, text: Tensor, past: pd.DataFrame, catalogue: Catalogue, events: float) -> None:
    """Blend residuals with borrowed ones: an item of ``past`` with as many ``events`` has half of each."""
    counts = past.item_id.value_counts().reindex(catalogue.ids, fill_value=0).to_numpy(np.float32)
    met = np.flatnonzero(counts)
    if not events or not len(met) or "residual" in recommender.without:
        return
    residual, contents = recommender.residual.cpu().numpy(), recommender.matrix(text, cold_share=1.0)[1:].cpu().numpy()
    new, lending, lent = np.flatnonzero(counts == 0), lenders(contents[met], residual[met]), np.empty_like(residual)
    lent[met] = borrowed(contents[met], lending, np.arange(len(met)))
    lent[new] = borrowed(contents[new], lending)
    share = (counts / (counts + events))[:, None]
    settled = torch.from_numpy(share * residual + (1 - share) * lent)
    recommender.residual.copy_(settled)
