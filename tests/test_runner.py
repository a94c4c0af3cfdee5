"""What of a run is put on the page that a teacher and a student read."""

from __future__ import annotations

import pytest

from autograder.runner import CellRun, Room, outputs_of


def shown(kind: str, data: dict) -> dict:
    return {"msg_type": kind, "content": {"metadata": {}, **data}}


def displayed(**data: str) -> CellRun:
    data = {kind.replace("_", "/"): value for kind, value in data.items()}
    return CellRun("a", [shown("display_data", {"data": data})])


def test_what_is_usual_is_shown_as_it_is():
    [output] = outputs_of(displayed(text_html="<b>3</b>", image_png="A" * 5_000_000))
    assert output.data == {"text/html": "<b>3</b>", "image/png": "A" * 5_000_000}
    parts = [shown("stream", {"name": "stdout", "text": "ab\n"}) for _ in range(9)]
    [output] = outputs_of(CellRun("a", parts))
    assert output.text == "ab\n" * 9


def test_a_text_without_end_is_cut_and_that_is_said():
    parts = [shown("stream", {"name": "stdout", "text": "x" * 1_000_000}) for _ in range(9)]
    room = Room()
    [output] = outputs_of(CellRun("a", parts), room)
    assert len(output.text) < 310_000
    assert "[The rest is too long to be shown.]" in output.text
    [output] = outputs_of(CellRun("b", parts[:1]), room)  # there is no more room
    assert output.text == ""
    error = {"ename": "E", "evalue": "x" * 1_000_000, "traceback": ["y" * 1_000_000] * 9}
    [output] = outputs_of(CellRun("a", [shown("error", error)]))
    assert len(output.evalue) + sum(map(len, output.traceback)) < 310_000


@pytest.mark.parametrize("part", ["<b></p>", "<div>", "&#", "<table><b>"])
def test_html_that_takes_hours_to_clean_is_not_shown(part):
    room, pages = Room(), []
    for _ in range(9):
        pages += outputs_of(displayed(text_html=part * 1_900, text_plain="a table"), room)
    left = "".join(page.data.get("text/html", "") for page in pages)
    assert 0 < left.count("<") + left.count("&") <= 16_000
    [output] = outputs_of(displayed(text_html=part * 10_000))
    assert output.data == {"text/plain": "This is too long to be shown."}


def test_what_is_shown_anew_takes_the_place_of_what_was_there():
    room, name = Room(), {"transient": {"display_id": "a"}}
    [first] = outputs_of(
        CellRun("a", [shown("display_data", {"data": {"a/b": "1"}, **name})]), room
    )
    again = [shown("update_display_data", {"data": {"a/b": "2"}, **name})]
    other = [shown("update_display_data", {"data": {"a/b": "3"}, "transient": 5})]
    assert outputs_of(CellRun("b", [*again, *other]), room) == []
    assert (first.output_type, first.data) == ("display_data", {"a/b": "2"})
