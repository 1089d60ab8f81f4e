"""What the command says to settings that there are none of."""

import pytest

from training.train import main


@pytest.mark.parametrize(
    "flags, reason",
    [
        (["--scorer", "cosine"], "no scorer 'cosine': choose one of dot, bilinear"),
        (["--loss", "hinge"], "no loss 'hinge': choose one of softmax, gbce"),
        (["--head-weights", "clicks=1"], "'clicks' is no head, choose of click, conversion, rating"),
        (["--without", "time"], "no time to be without: choose among realtime"),
    ],
)
def test_a_setting_that_there_is_none_of_is_refused_with_those_there_are(flags: list[str], reason: str) -> None:
    with pytest.raises(SystemExit, match=reason):
        main(flags)
