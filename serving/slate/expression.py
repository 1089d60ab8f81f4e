"""A filter as people write it -> which items it holds for: ``price < 20 and not "Drama" in categories``.

The text is read by Python's own parser, of whose tree a handful of nodes is understood and everything else refused;
nothing is ever evaluated. An answer is computed for all items at once, column by column.
"""

import ast
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from serving.slate.columns import Array, Columns, Literal, among, categorised, compare, missing

LONGEST, MOST = 2000, 100  # characters; comparisons and negations, each of which looks at every item
Test = Callable[[Columns], Array]
_ORDERS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_WORDS = {"true": True, "false": False, "null": None}


class InvalidExpression(ValueError):
    """A filter that cannot be understood; the message says where and why."""


@dataclass(frozen=True, eq=False)
class Expression:
    """A filter that was understood; ``names`` are the attributes it asks about."""

    text: str
    names: frozenset[str]
    _test: Test

    def holds(self, columns: Columns) -> Array:
        """For which items [n] it is true. What an item does not have equals nothing and is below and above nothing."""
        return self._test(columns)


@lru_cache(1024)
def parse(text: str) -> Expression:
    """Understand a filter. Raises InvalidExpression."""
    if len(text) > LONGEST:
        raise InvalidExpression(f"the filter has {len(text)} characters, at most {LONGEST} are read")
    names: set[str] = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python's parser, on what is refused below
            tree = ast.parse(text.strip(), mode="eval")
        _check_size(tree)
        test = _test(tree.body, names)
    except InvalidExpression:
        raise
    except SyntaxError as error:
        raise InvalidExpression(f"the filter cannot be read at character {error.offset or 0}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise InvalidExpression(f"the filter cannot be read: {error}") from error
    return Expression(text, frozenset(names), test)


def _check_size(tree: ast.AST) -> None:
    count = sum(isinstance(node, ast.cmpop | ast.unaryop) for node in ast.walk(tree))
    if count > MOST:
        raise InvalidExpression(f"the filter makes {count} comparisons and negations, at most {MOST} are made")


def _test(node: ast.expr, names: set[str]) -> Test:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return _all([_test(each, names) for each in values])
        case ast.BoolOp(op=ast.Or(), values=values):
            return _any([_test(each, names) for each in values])
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _not(_test(operand, names))
        case ast.Compare(left=left, ops=ops, comparators=rights):
            sides = zip([left, *rights], ops, rights, strict=False)
            return _all([_comparison(*side, names) for side in sides])
    raise InvalidExpression(f'{_quoted(node)} is not a comparison: write one like `price < 20` or `brand == "Acme"`')


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr, names: set[str]) -> Test:
    if isinstance(op, ast.In | ast.NotIn):
        test = _membership(left, right, names)
        return _not(test) if isinstance(op, ast.NotIn) else test
    order = _ORDERS.get(type(op))
    if order is None:
        raise InvalidExpression("`is` is not understood: write `==`, `!=`, or compare with null")
    if _name(left) is None:
        left, order, right = right, _MIRRORED[order], left
    return _one(_known(left, names), order, _literal(right))


def _one(name: str, order: str, literal: Literal) -> Test:
    if order == "!=":
        return _not(_one(name, "==", literal))
    if name == "categories":
        raise InvalidExpression('an item has several categories: write `"Drama" in categories`')
    if literal is None:
        return lambda columns: missing(columns, name)
    return compare(name, order, literal)


def _membership(left: ast.expr, right: ast.expr, names: set[str]) -> Test:
    if _name(right) == "categories":
        return categorised([_literal(left)])
    if not isinstance(right, ast.List | ast.Tuple):
        raise InvalidExpression(f"{_quoted(right)} is no list: write `brand in ['a', 'b']` or `'a' in categories`")
    name, literals = _known(left, names), [_literal(each) for each in right.elts]
    if name == "categories":
        raise InvalidExpression('write `"Drama" in categories or "War" in categories`')
    return among(name, literals)


def _known(node: ast.expr, names: set[str]) -> str:
    name = _name(node)
    if name is None:
        raise InvalidExpression(f"{_quoted(node)} is not the name of an attribute")
    names.add(name)
    return name


def _name(node: ast.expr) -> str | None:
    """``price``, ``specs.color`` or ``attributes["odd name"]``."""
    match node:
        case ast.Name(id=name) if name not in _WORDS:
            return name
        case ast.Attribute(value=value, attr=last):
            first = _name(value)
            return None if first is None else f"{first}.{last}"
        case ast.Subscript(value=ast.Name(id="attributes"), slice=ast.Constant(value=str(name))):
            return name
    return None


def _literal(node: ast.expr) -> Literal:
    match node:
        case ast.Name(id=word) if word in _WORDS:
            return _WORDS[word]
        case ast.Constant(value=str() | bool() | int() | float() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if value is not True:
            return -value
    raise InvalidExpression(f"{_quoted(node)} is not a number, a text, true, false or null")


def _quoted(node: ast.AST) -> str:
    return f"`{ast.unparse(node)[:60]}`"


def _all(tests: Sequence[Test]) -> Test:
    first, *others = tests

    def test(columns: Columns) -> Array:
        found = first(columns)
        for each in others:
            found = found & each(columns)
        return found

    return first if not others else test


def _any(tests: Sequence[Test]) -> Test:
    first, *others = tests

    def test(columns: Columns) -> Array:
        found = first(columns)
        for each in others:
            found = found | each(columns)
        return found

    return test


def _not(test: Test) -> Test:
    return lambda columns: ~test(columns)
