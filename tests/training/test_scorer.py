import pytest
import torch

from training.scorer import Scorer


@torch.no_grad()
def test_a_bilinear_form_starts_as_the_dot_product() -> None:
    users, items = torch.randn(3, 8), torch.randn(3, 5, 8)
    assert torch.allclose(Scorer("bilinear", 8)(users, items), Scorer("dot", 8)(users, items))
    assert torch.allclose(Scorer("dot", 8)(users, items), torch.einsum("bd,bnd->bn", users, items), atol=1e-5)


@torch.no_grad()
def test_a_bilinear_form_is_x_w_y_plus_b() -> None:
    scorer = Scorer("bilinear", 8)
    assert scorer.turn is not None and scorer.bias is not None
    scorer.turn.copy_(torch.randn(8, 8))
    scorer.bias.fill_(0.7)
    scorer.scale.fill_(0.2)
    users, items = torch.randn(3, 8), torch.randn(3, 5, 8)
    form = scorer.scale.exp() * (torch.eye(8) + scorer.turn)
    assert torch.allclose(scorer(users, items), torch.einsum("bd,de,bne->bn", users, form, items) + 0.7, atol=1e-5)
    assert torch.allclose(scorer.aim(users)[:, None] @ items.mT, scorer(users, items)[:, None] - 0.7, atol=1e-5)


def test_a_bilinear_form_learns_a_turn_that_no_scale_can() -> None:
    torch.manual_seed(0)
    users, items = torch.randn(64, 4), torch.randn(64, 6, 4)
    wanted = torch.einsum("bd,bnd->bn", users.flip(1), items).argmax(1)
    scorer = Scorer("bilinear", 4)
    optimizer = torch.optim.Adam(scorer.parameters(), 0.05)
    for _ in range(100):
        loss = torch.nn.functional.cross_entropy(scorer(users, items), wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert (scorer(users, items).argmax(1) == wanted).float().mean() > 0.9
    assert (Scorer("dot", 4)(users, items).argmax(1) == wanted).float().mean() < 0.5


def test_an_unknown_scorer_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'cosine': choose one of dot, bilinear"):
        Scorer("cosine", 8)
