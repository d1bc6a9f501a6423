"""`{% rows %}` writes what `{% for %}` writes."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils.safestring import mark_safe

from gateway.models import Generation

BODY = (
    '<a href="{{ here }}?{{ text }}" title="{{ place.name }}"{% if other %} data-on{% endif %}>{{ other }}'
    "{{ text|upper }}{{ other|default:here }}{{ text.0 }}{{ missing }}</a>\n"
)
CONTEXT = {"here": "/a?b&c", "place": {"name": "<here>"}, "other": "outside"}


def written(tag: str, rows: object, body: str = BODY) -> str:
    names = f"{{% {tag} text, other in found %}}{body}{{% end{tag} %}}{{{{ other }}}}"
    return Template(f"{{% load rows %}}{names}").render(Context({**CONTEXT, "found": rows}))


@pytest.mark.parametrize(
    "row",
    [
        ("plain", "text"),
        ("<script>'\"&", mark_safe("<b>kept</b>")),
        ("{0} {{ here }} %s", ""),
        ("", None),
        ("a", 12345),
        ("a", Generation.Source.API),
        ("a", lambda: "<called>"),
    ],
)
def test_rows_are_written_as_by_for(row):
    rows = [row, ("second", "<i>"), row]
    assert written("rows", rows) == written("for", rows)
    off = "{% autoescape off %}" + BODY + "{% endautoescape %}"
    assert written("rows", rows, off) == written("for", rows, off)


def test_without_rows_nothing_is_written():
    assert written("rows", []) == written("for", []) == "outside"


def test_nothing_is_escaped_where_escaping_is_off():
    inner = "{% rows text, other in found %}{{ text }}{{ here }}{% endrows %}"
    template = Template("{% load rows %}{% autoescape off %}" + inner + "{% endautoescape %}")
    assert template.render(Context({**CONTEXT, "found": [("<b>", "")]})) == "<b>/a?b&c"


def test_a_row_needs_a_value_for_each_name():
    with pytest.raises(ValueError, match="zip"):
        written("rows", [("one",)])


@pytest.mark.parametrize("words", ["rows", "rows text", "rows text of found", "rows in found", "rows a, b in"])
def test_a_tag_that_names_no_rows_is_refused(words):
    with pytest.raises(TemplateSyntaxError, match="rows name, name in rows"):
        Template(f"{{% load rows %}}{{% {words} %}}{{% endrows %}}")


def test_a_condition_chooses_what_is_written_of_a_row():
    body = (
        "{% if text == 'a' %}{{ text }}{% if other %}<i>{{ other }}</i>{% endif %}"
        "{% elif missing.text|length > text %}{% elif other %}{{ place.name }}{{ text|upper }}"
        "{% else %}none{% endif %};"
    )
    rows = [("a", "<b>"), ("a", ""), ("b", "c"), ("b", ""), ("<a>", "x")]
    assert written("rows", rows, body) == written("for", rows, body)
    assert written("rows", rows[:2], body) == "a<i>&lt;b&gt;</i>;a;outside"
