"""Which file a template's name means."""

from __future__ import annotations

import pickle

import pytest

from asyncsqla_lint.project.pages import Pages, question

KEYS = [
    "app/templates/index.html",
    "app/templates/admin/index.html",
    "app/templates/users/list.html",
    "letters/templates/index.html",
    "letters/welcome.txt",
    "other/one/page.html",
    "other/two/page.html",
]


@pytest.mark.parametrize(
    ("name", "near", "found"),
    [
        ("users/list.html", "app/views.py", "app/templates/users/list.html"),
        ("./users//list.html", "letters/send.py", "app/templates/users/list.html"),
        ("/users/list.html", "main.py", "app/templates/users/list.html"),
        ("sers/list.html", "app/views.py", None),
        ("index.html", "app/views.py", "app/templates/index.html"),  # not the one below it
        ("index.html", "letters/send.py", "letters/templates/index.html"),
        ("index.html", "main.py", None),
        ("page.html", "other/one/page.py", "other/one/page.html"),
        ("page.html", "other/page.py", None),
        ("none.html", "main.py", None),
    ],
)
def test_a_name_means_the_nearest_file_that_ends_with_it(name: str, near: str, found: str | None) -> None:
    page = Pages(KEYS, str.upper).find(question(name, near))
    assert (page and page.key) == found
    assert page is None or page.text == page.key.upper()


def test_what_questions_led_to_holds_until_it_is_another() -> None:
    texts = dict.fromkeys(KEYS, "{{ a }}")
    asked = question("index.html", "letters/send.py")
    states = {asked: Pages(texts, texts.__getitem__).state(asked)}
    texts["app/templates/index.html"] = "{{ b }}"
    assert Pages(texts, texts.__getitem__).are(states)
    texts["letters/templates/index.html"] = "{{ b }}"
    assert not Pages(texts, texts.__getitem__).are(states)
    assert not Pages().are(states)


def test_elsewhere_no_file_is_read() -> None:
    there = pickle.loads(pickle.dumps(Pages(KEYS, str.upper)))
    page = there.find(question("letters/welcome.txt", "main.py"))
    assert page is not None and page.text == "LETTERS/WELCOME.TXT"
