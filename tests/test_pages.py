"""The frame that every page stands in: who gets in, what it offers, and how errors look."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django import Settings

pytestmark = pytest.mark.django_db

PASSWORD = "a-heron-stands-still"


@pytest.fixture
def claire() -> User:
    return User.objects.create_user(
        "claire", password=PASSWORD, first_name="Claire", last_name="Dumas"
    )


@pytest.fixture
def jobs_url() -> str:
    return reverse("core:jobs")


def page(client: Client, url: str) -> str:
    return client.get(url).content.decode()


def test_a_stranger_is_sent_to_the_login_page_and_back(
    client: Client, claire: User, jobs_url: str
) -> None:
    asked = client.get(jobs_url, follow=True)
    assert asked.templates[0].name == "registration/login.html"

    entered = client.post(
        reverse("login"), {"username": "claire", "password": PASSWORD, "next": jobs_url}
    )

    assert entered.status_code == 302
    assert entered["Location"] == jobs_url


def test_a_wrong_password_is_said_next_to_the_fields(client: Client, claire: User) -> None:
    answer = client.post(reverse("login"), {"username": "claire", "password": "wrong"})

    html = answer.content.decode()
    assert 'role="alert"' in html
    assert html.count('aria-describedby="entry-error"') == 2
    assert "wrong" not in re.findall(r'value="([^"]*)"', html)


def test_the_frame_names_the_reader_and_marks_the_page(
    client: Client, claire: User, jobs_url: str
) -> None:
    client.force_login(claire)

    html = page(client, jobs_url)

    assert "Claire Dumas" in html
    assert ">CD<" in html
    assert re.search(rf'href="{jobs_url}" aria-current="page"', html)


def test_only_staff_see_the_admin_and_the_mailbox(
    client: Client, claire: User, jobs_url: str, settings: Settings
) -> None:
    settings.HERON_MAILBOX_DIR = "somewhere"
    client.force_login(claire)
    mailbox, admin = reverse("invoices:mailbox"), reverse("admin:index")
    before = page(client, jobs_url)
    assert mailbox not in before
    assert admin not in before

    claire.is_staff = True
    claire.save()

    after = page(client, jobs_url)
    assert f'href="{mailbox}"' in after
    assert f'href="{admin}"' in after


def test_there_is_no_mailbox_where_mail_really_leaves(
    admin_client: Client, jobs_url: str, settings: Settings
) -> None:
    settings.HERON_MAILBOX_DIR = ""

    assert reverse("invoices:mailbox") not in page(admin_client, jobs_url)


def test_logging_out_takes_a_form(client: Client, claire: User, jobs_url: str) -> None:
    client.force_login(claire)
    assert f'<form method="post" action="{reverse("logout")}">' in page(client, jobs_url)

    answer = client.post(reverse("logout"))

    assert answer.status_code == 302
    assert "_auth_user_id" not in client.session


def test_the_language_switch_holds_and_returns_to_the_page(client: Client) -> None:
    login = reverse("login")
    assert '<html lang="fr">' in page(client, login)

    answer = client.post(reverse("set_language"), {"language": "en", "next": login})

    assert answer["Location"] == login
    english = page(client, login)
    assert '<html lang="en">' in english
    assert "Log in" in english


def test_pages_carry_no_inline_style_or_script(client: Client, claire: User, jobs_url: str) -> None:
    client.force_login(claire)

    for url in (jobs_url, reverse("login"), "/nowhere/"):
        html = page(client, url)
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=", html), url
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html)), url


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_missing_page_says_so_in_the_readers_language(client: Client, language: str) -> None:
    client.cookies["django_language"] = language

    answer = client.get("/nowhere/")

    assert answer.status_code == 404
    expected = {"fr": "Page introuvable", "en": "Page not found"}[language]
    assert f'<h1 id="entry-title">{expected}</h1>' in answer.content.decode()


def test_a_form_without_its_token_gets_a_page_that_explains(claire: User) -> None:
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(reverse("login"), {"username": "claire", "password": PASSWORD})

    assert answer.status_code == 403
    assert "Ce formulaire a expiré" in answer.content.decode()


def test_the_page_of_last_resort_needs_no_request() -> None:
    with translation.override("fr"):
        html = render_to_string("500.html")

    assert "Une erreur est survenue" in html
    assert '<html lang="fr">' in html
