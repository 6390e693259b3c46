"""Values built from events are those that the safe loader builds."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.errors import InvalidTemplateError
from paas_stream.tosca import limits, yamltext

EXAMPLES = Path(__file__).parents[3] / "examples"

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
    | st.sampled_from(["1", "yes", "1:30", "0x1F", "1e3", "~", "<<", "=", "2030-01-31", "", " a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


def loaded(text: str) -> Any:
    return limits.load(text, limits.Limits())


@given(plain, st.booleans())
def test_what_is_written_is_read(value: Any, flow: bool) -> None:
    shared = {"first": value, "second": [value, value]}  # written with aliases
    text = yaml.safe_dump(shared, default_flow_style=flow, allow_unicode=True)
    assert loaded(text) == shared == yamltext.build(text)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.name)
def test_files_are_read_as_the_loader_reads_them(file: Path) -> None:
    text = file.read_text("utf-8")
    assert loaded(text) == yamltext.build(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1_000\nb: 0o7\nc: 010\nd: 0b11\ne: 1:30\nf: 1.5e+3\ng: .5\nh: 6.",
        "a: yes\nb: Off\nc: 'yes'\nd: !!str yes\ne: !!int '3'\nf: !!float 1\ng: !!bool 'on'",
        "a:\nb: ~\nc: null\nd: ''\ne: !!null ''\nf: ! 12",
        "a: 2030-01-31\nb: 12:30:45\nc: 1.2.3",
        "1: a\ntrue: b\nnull: c\n2030-01-31: d\n1.5: e",
        "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\ne: {c: 4, <<: *x}",
        "a: &x {b: 1}\nc: &y {b: 2, d: 2}\ne: {<<: [*x, *y]}\nf: {<<: [*y, *x], g: 1}",
        "a: {<<: {b: 1}, <<: {b: 2}}",
        "a: {'<<': 1}",
        "a: [*x, b]",
        "a: &x [1]\nb: [*x, *x]",
        "&k key: &v value\nother: *v\n",
        "[]",
        "text",
        '- |\n  a\n  b\n- >\n  c\n  d\n- "e\\n\\u00e9"',
    ],
)
def test_every_spelling_is_read_as_the_loader_reads_it(text: str) -> None:
    try:
        wanted = yamltext.build(text)
    except yamltext.YamlError:
        with pytest.raises(InvalidTemplateError):
            loaded(text)
        return
    found = limits.load(text, limits.Limits(), repeated=[])
    assert found == wanted
    assert repr(found) == repr(wanted)


@pytest.mark.parametrize(
    "text", ["? [a]\n: b", "? {a: b}\n: c", "{<<: 1}", "{<<: [1]}", "a: !!int x", "a: !!bool x"]
)
def test_what_the_loader_refuses_is_refused(text: str) -> None:
    with pytest.raises(InvalidTemplateError, match="is not valid YAML"):
        loaded(text)


def test_several_documents_are_read_where_they_are_asked_for() -> None:
    text = "a: &x 1\n---\n---\nb: [2]\n"
    assert limits.load_all(text, limits.Limits(), "the text") == [{"a": 1}, {"b": [2]}]
    with pytest.raises(InvalidTemplateError, match=r"the alias \*x is not defined"):
        limits.load_all("a: &x 1\n---\nb: *x\n", limits.Limits(), "the text")
