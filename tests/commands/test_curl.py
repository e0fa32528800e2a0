"""Which curls are requests that Handrail makes by itself, and which are left to curl, by its own words."""

from __future__ import annotations

import shlex

import pytest

from handrail.commands import curl

FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("text", "method", "url", "body", "headers"),
    [
        ("curl -s http://a:1/x", "GET", "http://a:1/x", "", ()),
        ("curl a.example", "GET", "http://a.example", "", ()),
        ("curl -sSf -m 5 'https://a.example/x?q=1&r=a%20b'", "GET", "https://a.example/x?q=1&r=a%20b", "", ()),
        ("curl -G -d page=2 -d q=x http://a/x?all=1", "GET", "http://a/x?all=1&page=2&q=x", "", ()),
        ("curl -G --data-urlencode 'query=up == 0' http://a/q", "GET", "http://a/q?query=up+%3D%3D+0", "", ()),
        ("curl -s -X POST http://a/live -d slot=green", "POST", "http://a/live", "slot=green", (FORM,)),
        ("curl -d a=1 -d b=2 http://a/", "POST", "http://a/", "a=1&b=2", (FORM,)),
        ("curl --data-urlencode 'note=a & b' http://a/", "POST", "http://a/", "note=a+%26+b", (FORM,)),
        ("curl --data-urlencode '=a=b' http://a/", "POST", "http://a/", "a%3Db", (FORM,)),
        ("curl --data-urlencode 'a b' http://a/", "POST", "http://a/", "a+b", (FORM,)),
        ("curl --data-raw @x http://a/", "POST", "http://a/", "@x", (FORM,)),
        (
            'curl -XPUT -H "Content-Type: application/json" -d \'{"n": 1}\' http://a/1',
            "PUT",
            "http://a/1",
            '{"n": 1}',
            (("Content-Type", "application/json"),),
        ),
        ("curl -X DELETE http://a/orders/1", "DELETE", "http://a/orders/1", "", ()),
        ("curl -X POST http://a/-/reload", "POST", "http://a/-/reload", "", ()),
        ("curl -H 'X-Team: shop' http://a/", "GET", "http://a/", "", (("X-Team", "shop"),)),
    ],
)
def test_a_request_is_what_curl_would_send(
    text: str, method: str, url: str, body: str, headers: tuple[tuple[str, str], ...]
) -> None:
    found = curl.request(shlex.split(text))
    assert found is not None
    assert (found.method, found.url, found.body.decode(), found.headers) == (method, url, body, headers)


@pytest.mark.parametrize(
    "text",
    [
        "wget http://a/",
        "/usr/bin/curl http://a/",
        "curl -k https://a/",  # no certificate is asked for
        "curl -L http://a/",  # goes to another address
        "curl --retry 3 -X POST http://a/",  # more than once
        "curl -u ana:word http://a/",
        "curl http://ana:word@a/",
        "curl -i http://a/",
        "curl -o /dev/null -w '%{http_code}' http://a/",
        "curl -F file=@x http://a/",
        "curl -T x http://a/",
        "curl -d @body http://a/",
        "curl --data-binary @body http://a/",
        "curl --data-urlencode name@body http://a/",
        "curl --data-urlencode @body http://a/",
        "curl -H @headers http://a/",
        "curl -H 'Accept:' http://a/",  # takes one away
        "curl -H 'X-Empty;' http://a/",
        "curl -H 'Host: b' http://a/",
        "curl -H 'X-HTTP-Method-Override: DELETE' http://a/",
        "curl 'http://a/[1-3]'",
        "curl 'http://a/{b,c}'",
        "curl http://a/b/../c",
        "curl http://a/#part",
        "curl 'http://a/a b'",
        "curl http://[::1]/",
        "curl -G -d 'q={a}' http://a/",
        "curl -X PURGE http://a/",
        "curl -m 0.5 http://a/",
        "curl --new-flag http://a/",
        "curl http://a/ http://b/",
        "curl ftp://a/",
        "curl",
    ],
)
def test_what_is_more_than_a_plain_request_is_left_to_curl(text: str) -> None:
    """Where its meaning cannot be kept to the letter, curl itself runs, or its absence is told."""
    assert curl.request(shlex.split(text)) is None


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("curl http://a/", True),
        ("curl -X GET http://a/", True),
        ("curl -X GET -d a=1 http://a/", False),
        ("curl -X POST http://a/", False),
        ("curl -X DELETE http://a/", False),
    ],
)
def test_only_a_get_without_a_body_only_reads(text: str, reads: bool) -> None:
    found = curl.request(shlex.split(text))
    assert found is not None
    assert found.only_reads is reads
