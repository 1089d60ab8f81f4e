"""user_id + a secret salt -> a name for logs and exports that leads back to nobody without the salt.

HMAC-SHA-256, cut to 64 bits: the same user has the same name wherever the salt is the same, so lines can still be
joined, and trying every id there may be needs the salt.
"""

import hmac

LETTERS = 16


def pseudonym(user_id: str, salt: str, letters: int = LETTERS) -> str:
    """Letters in place of ``user_id``, at most 64."""
    return hmac.digest(salt.encode(), user_id.encode(errors="surrogatepass"), "sha256").hex()[:letters]


def shown(user_id: str, salt: str | None) -> str:
    """``user_id`` as logs and exports have it: a pseudonym where a salt is configured."""
    return pseudonym(user_id, salt) if salt and user_id else user_id
