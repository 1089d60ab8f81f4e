"""Names for logs and exports."""

from hypothesis import given
from hypothesis import strategies as st

from feature_repo.pseudonym import LETTERS, pseudonym, shown


def test_the_same_user_has_the_same_name_under_one_salt_and_another_under_another() -> None:
    assert pseudonym("7", "pepper") == pseudonym("7", "pepper") != pseudonym("7", "salt")


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_users_have_two_names(one: str, other: str) -> None:
    assert (pseudonym(one, "pepper") == pseudonym(other, "pepper")) == (one == other)


@given(st.text(min_size=1))
def test_a_name_is_a_few_hexadecimal_letters(user_id: str) -> None:
    assert len(bytes.fromhex(pseudonym(user_id, "pepper"))) == LETTERS // 2


def test_without_a_salt_users_appear_as_they_are() -> None:
    assert (shown("7", None), shown("7", ""), shown("", "pepper")) == ("7", "7", "")
    assert shown("7", "pepper") == pseudonym("7", "pepper")
