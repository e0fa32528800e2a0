"""Credentials that nobody told us of, known by their shape: what a name calls a password, and what looks like a key.

One pass: cheap searches for words that announce a credential (`password`, `://`, `eyJ`), and at each place one strict
pattern that says what of it is the secret. So ordinary text costs little, however long it is, and what follows an
announcing word is masked only where it can be a value: `password authentication failed` stays as it is.

Forms of keys are those that their makers publish (GitHub, GitLab, Slack, Stripe, AWS, Google, …), as secret scanners know them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator

from handrail.targets import carriers, makers
from handrail.targets.makers import Shape, whole

Span = tuple[int, int]

# -- a name that says what its value is ------------------------------------------------------------------------------

# what a name ends with, by the few letters that are searched for: which of them it is decides how strictly its value is read
ENDINGS = {
    "pass": re.compile(
        r"(?P<strong>pass(?:word|wd|phrase|code))|(?P<short>(?<=[_-])pass|(?<![A-Za-z])PASS|(?-i:(?<=[A-Z])PASS(?==)))",
        re.IGNORECASE,
    ),
    "pwd": re.compile(r"(?P<short>pwd)", re.IGNORECASE),
    "pw": re.compile(r"(?P<short>(?:(?<![A-Za-z])|(?<=root)|(?<=bind)|(?<=db))pw)", re.IGNORECASE),
    "authtok": re.compile(r"(?P<strong>authtok)", re.IGNORECASE),
    # what other languages call it
    **{
        word: re.compile(rf"(?P<strong>{word})", re.IGNORECASE)
        for word in ("passwort", "kennwort", "mot de passe", "contraseña", "senha", "wachtwoord", "hasło", "пароль")
    },
    "パスワード": re.compile("(?P<strong>パスワード)"),
    "secret": re.compile(r"(?P<strong>secret[_ -]?key)|(?P<weak>secret)", re.IGNORECASE),
    "token": re.compile(r"(?P<weak>token)", re.IGNORECASE),
    "credential": re.compile(r"(?P<weak>credentials?)", re.IGNORECASE),
    "connection": re.compile(r"(?P<strong>connection_?string)", re.IGNORECASE),
    "salt": re.compile(r"(?P<strong>(?<=_)salt)", re.IGNORECASE),
    "key": re.compile(r"(?P<strong>key)", re.IGNORECASE),
}
KEYS = re.compile(
    r"(?:api|access|private|secret|auth|account|aes|hmac|cipher|jwt|app|webhook|encryption|signing|shared|master|routing|integration|deploy|license|service)[_ -]?$",
    re.IGNORECASE,
)  # a key of which kind is one to keep
# what may stand between the name and its separator: which password it is, not another thing about it
WHICH = r"(?:[_-]?(?:key[_-]?base|value|prod|production|staging|stage|dev|test|live|old|new|current|previous|primary|secondary|admin|root|user|app|b64|base64|base|raw|plain|text|string|confirm|confirmation|repeat|v?\d{1,3}))?"
# `NAME=`, `name: `, `"name": "`, `\"name\":\"`, `name => '`, `--name `; escaped as often as JSON within JSON is
SEPARATOR = re.compile(
    WHICH
    + r"""(?P<close>\\{0,7}["'`]?\]?)(?:\s{0,4}(?:=>|:=|::(?= )|[:=])(?:[ \t]{0,40}|\s{0,4})|(?P<blank>[ \t]{1,4}|[ \t]is[ \t])(?=\S))(?:(?:[bBrRfFuUN]|[rR][bB]|[bB][rR])(?=\\{0,7}["']))?(?P<open>(?:\\{0,7}["'`])?)""",
    re.IGNORECASE,
)
IN_PAIR = re.compile(
    r"""(?:\\{0,7}["'])\s?,\s?(?P<open>\\{0,7}["'])"""
)  # `('x-api-key', '…')`, as programs print headers
BARE = re.compile(r"""[^\s"'`\\,;&|<>(){}\[\]]{1,512}""")
NOTHING = re.compile(
    r"true|false|null|nil|none|no|yes|ok|n/a|undefined|unset|empty|missing|required|optional|invalid|expired|revoked|"
    r"changed|change|rotated|rotation|wrong|incorrect|mismatch|mismatched|not|is|was|has|must|should|cannot|failed|failure|"
    r"error|str|bytes|bool|int|authentication|denied|rejected|accepted|unknown|found|set|file|path|env|string|text|secret|token|password|key|"
    r"the|a|an|for|of|in|from|to|and|or|with|by|see|ask|enter|stored|kept|on|off|at|via|when|malformed|flag|option|user|new[_-]password|"
    r"\*+|x{3,}|•+|\.{2,}|…+|-+|\?+|[0-9]{1,3}|\[masked\]?|masked|redacted|\[?redacted\]?|changeme|example",
    re.IGNORECASE,
)
PLACE = re.compile(r"\$|=+$|%[A-Za-z_(]|<[A-Za-z]|\{\{|@[A-Za-z./]|/[\w./-]+$|[A-Za-z]:\\")
ORDINARY = re.compile(r"[A-Za-z]+(?:[-./:][A-Za-z]+)*[.:]?")  # words, and words joined as names are
OWN_NAME = re.compile(r"secret|token|passw|credential|regcred", re.IGNORECASE)  # a Secret is often called one
LOOKS_RANDOM = re.compile(
    r"(?=[^\s]*\d)(?=[^\s]*[A-Za-z])(?=[^\s]*(?:[+/=!@#$%^&*]|[a-z][^\s]*[A-Z]|[A-Z][^\s]*[a-z]))[^\s]{8,}"
)
A_PATH = re.compile(r"HTTP/\d|[a-z]+/[a-z]|v?\d+\.\d")  # `/token HTTP/1.1`, `pod/shop-7d9f`, a version
SET = re.compile(
    r"(?:^|[\s\"'])(?:setenv|set -[a-z]{1,3}|export|declare -x) +\w*$"
)  # other shells' ways to name a variable
A_NAME_OF = re.compile(r"secretsmanager:[\w-]*:\d*:$|\bexisting_?$", re.IGNORECASE)  # of a secret that is elsewhere
VARIABLE = re.compile(r"\$[{(]?\w*$|%\(?\w*$")  # a name that is used, not set: `"$API_TOKEN" https://…`
FLAG = re.compile(r"(?:^|[\s\"'])--?[a-z][a-z-]*$")  # `--password hunter2`, up to where the name ends


def _named(text: str, at: int, anchor: str) -> Span | None:
    """The value behind a name whose ending begins with `anchor` at `at`."""
    ending = ENDINGS[anchor].match(text, at)
    if ending is None or (anchor == "key" and not KEYS.search(text, max(0, at - 12), at)):
        return None
    before = text[max(0, at - 40) : at]
    if VARIABLE.search(before) or A_NAME_OF.search(before):
        return None
    entry = _entry(text, ending.end()) or _entry_before(text, at)
    if entry is not None:
        return entry
    pair = IN_PAIR.match(text, ending.end()) if IN_TUPLE.search(before) else None
    found = pair or SEPARATOR.match(text, ending.end())
    if found is None:
        return None
    begins, quote, blank = found.end(), found["open"], found["blank"] if pair is None else None
    value, ends = _value(text, begins, quote)
    if not value.strip() or "\n" in value or NOTHING.fullmatch(value) or PLACE.match(value):
        return None
    if (not quote and text[ends : ends + 1] in ("(", "[")) or found[0].endswith(" :'"):
        return None  # what a program computes, `os.environ["…"]`; a variable of psql, `:'new'`
    if ending.lastgroup == "short" and re.match(r"https?://[^@]*$", value):
        return None  # `proxy_pass http://…`
    if blank is not None and SET.search(before):
        return (begins, ends)
    if blank is not None and FLAG.search(text[max(0, at - 32) : found.start()]) and blank.strip() == "":
        return None if value.startswith("-") or OWN_NAME.search(value) else (begins, ends)
    if blank is not None:  # a sentence: only what no word of one looks like
        told = LOOKS_RANDOM.fullmatch(value) and not OWN_NAME.search(value) and not A_PATH.match(value)
        return (begins, ends) if told else None
    if text[ends : ends + 6] == " bytes":  # `kubectl describe secret` tells a length, which is none
        return None
    name_stands_alone = at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_-")
    weak = ending.lastgroup == "weak" and not quote
    if weak and (OWN_NAME.search(value) or (ORDINARY.fullmatch(value) and name_stands_alone)):
        return None  # the name of a Secret, `kubectl get secret: …`
    if ending.lastgroup == "short" and value.replace(".", "").isdigit():
        return None  # `tests_pass: 1200`
    return (begins, ends)


def _entry_before(text: str, at: int) -> Span | None:
    """The same where the value stands before the name."""
    head = text[max(0, at - 700) : at]
    if "name" not in head[-64:].lower():
        return None
    found = ENTRY_BEFORE.search(head)
    if found is None or NOTHING.fullmatch(found["secret"]) or PLACE.match(found["secret"]):
        return None
    start = at - len(head)
    return start + found.start("secret"), start + found.end("secret")


def _value(text: str, begins: int, quote: str) -> tuple[str, int]:
    """What stands there, to its closing quote or to the end of the word; and where it ends."""
    ends = _closing(text, begins, quote) if quote else None
    if ends is not None:
        return text[begins:ends], ends
    # no quote, or one that a cut left open: as far as a word goes
    bare = BARE.match(text, begins)
    value = bare[0].rstrip(".!?:") if bare is not None else ""
    return value, begins + len(value)


def _closing(text: str, begins: int, quote: str) -> int | None:
    """Where the quoted value that begins here ends; the quote is escaped as its opening one is."""
    mark = quote[-1]
    at = begins
    while at - begins <= 4096:
        at = text.find(mark, at)
        if at < 0:
            return None
        slashes = 0
        while at - slashes - 1 >= begins and text[at - slashes - 1] == "\\":
            slashes += 1
        if slashes <= len(quote) - 1:
            return at - slashes
        at += 1
    return None


# -- values that look like nothing else ------------------------------------------------------------------------------

# `{"name": "DB_PASSWORD", "value": "…"}`, as a container's environment is written in JSON and YAML
ENTRY = re.compile(
    r"""(?P<close>[\w-]{0,24}\\{0,7}["']?)\s{0,8},?(?:\s|\\{1,7}[nrt]){0,64}\\{0,7}["']?value\\{0,7}["']?\s{0,4}:\s{0,4}(?P<open>(?:\\{0,7}["'])?)""",
    re.IGNORECASE,
)
ENTRY_BEFORE = re.compile(
    r"""value\\{0,7}["']?\s{0,4}:\s{0,4}\\{0,7}["']?(?P<secret>[^\s"'\\,{}]{1,512})\\{0,7}["']?,?(?:\s|\\{1,7}[nrt]){0,64}\\{0,7}["']?name\\{0,7}["']?\s{0,4}:\s{0,4}\\{0,7}["']?[\w-]{0,48}$""",
    re.IGNORECASE,
)
IN_TUPLE = re.compile(r"""(?:[(\[]\s?\\{0,7}["']|,\s?\\{0,7}["']--?)[\w-]*$""")
USERINFO = re.compile(
    r"""://(?P<user>[^\s/:@"'<>\\]{0,128}):(?P<secret>(?!\d{1,5}/)(?:[^\s"'<>\\]|\\+u[0-9a-fA-F]{4}){1,256}?)@(?=(?:\[[0-9a-fA-F:]+\]|[\w.-]+)(?::\d{1,5})?(?:[/?#,;:.)\]\s"'`\\>&|]|$))""",
    re.MULTILINE,
)
LONE_USERINFO = re.compile(r"""://(?P<secret>(?=[^\s/:@"'<>]*\d)[A-Za-z0-9_.~-]{20,256})@(?=[\w.-]+)""")
HEADER = re.compile(
    r"""(?:authorization)\\{0,7}["']?\s{0,2}[:=,]\s{0,2}\\{0,7}["']?(?:\[?)(?:[A-Za-z][\w-]{1,20}\s+(?=[^\s"']{0,64}\d|[^\s"']{20})|(?:bearer|basic|token|apikey|digest|negotiate|key|splunk|genie(?:key)?|aws4-hmac-sha256)\s+)?(?:token=)?(?P<secret>(?!(?:bearer|basic|token|apikey|digest|negotiate|key|splunk|genie(?:key)?)\b)[^\s"'`,;\\<>{}\[\]]{4,4096})""",
    re.IGNORECASE,
)
BEARER = re.compile(r"""bearer\s{1,2}(?P<secret>(?=[^\s"']*\d|[^\s"']{24})[A-Za-z0-9._~+/=-]{8,4096})""", re.IGNORECASE)
BASIC = re.compile(
    r"""basic\s{1,2}(?P<secret>(?=[^\s"']*(?-i:[A-Z]))[A-Za-z0-9+/]{10,1024}={0,2})(?![\w-])""", re.IGNORECASE
)
CURL_USER = re.compile(r"""(?:-u|--user|--proxy-user)(?:\s+|=)["']?[\w.@-]{1,64}:(?P<secret>[^\s"'\\]{1,256})""")
PEM = re.compile(
    r"""-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?P<secret>(?:[^-]|-(?!----)){16,16384}+)(?=-----|\Z)"""
)
COOKIE = re.compile(
    r"""cookie\\{0,7}["']?\s{0,2}:\s{0,2}["']?[\w.-]{1,64}=(?P<secret>[^\s;"'\\]{8,4096})""", re.IGNORECASE
)
HOOK = re.compile(
    r"""(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/|\.webhook\.office\.com/webhookb2/|events\.pagerduty\.com/integration/)(?P<secret>[A-Za-z0-9_/@.-]{16,512})"""
)


SHAPES = (
    Shape(("://",), USERINFO, alone=False),
    Shape(("://",), LONE_USERINFO, alone=False),
    Shape(("authorization",), HEADER, folded=True, alone=False),
    Shape(("bearer ",), BEARER, folded=True),
    Shape(("basic ",), BASIC, folded=True),
    Shape(("cookie",), COOKIE, folded=True, alone=False),
    Shape(("-u", "--user", "--proxy-user"), CURL_USER),
    Shape(("-----BEGIN",), PEM, alone=False),
    Shape(
        (
            "hooks.slack.com/",
            "discord.com/api/webhooks/",
            "discordapp.com/api/webhooks/",
            "events.pagerduty.com/integration/",
            ".webhook.office.com/webhookb2/",
        ),
        HOOK,
        alone=False,
    ),
    Shape(("sha256~",), whole(r"sha256~[A-Za-z0-9_-]{20,}")),  # an OpenShift token
    Shape(("sig=",), re.compile(r"sig=(?P<secret>[A-Za-z0-9%/+_-]{30,}(?:=|%3[dD])?)")),
    Shape((":AA",), re.compile(r":(?P<secret>AA[A-Za-z0-9_-]{32,34})(?![A-Za-z0-9_-])"), alone=False),  # a bot's
    Shape(
        ("digest ",),
        re.compile(r"""digest\s[^\n]{0,400}?response=\\{0,7}["'](?P<secret>[0-9a-f]{32,64})""", re.IGNORECASE),
        folded=True,
    ),
    Shape(("bot",), re.compile(r"bot(?P<secret>\d{8,10}:[A-Za-z0-9_-]{35})")),
    Shape((".atlasv1.",), re.compile(r"(?P<secret>\.atlasv1\.[A-Za-z0-9_=-]{50,})"), alone=False),
    Shape(("_gitlab_session=",), re.compile(r"_gitlab_session=(?P<secret>[A-Za-z0-9]{24,})"), alone=False),
    Shape(("Q~",), re.compile(r"Q~(?P<secret>[A-Za-z0-9_.~-]{31,34})"), alone=False),
)
FURTHEST, MOST_AGAIN = 700, 8  # letters that an address with a password has, and further `://` within it


def spans(text: str, *, digests: Collection[str] = ()) -> list[Span]:
    """Where credentials stand in a text, in order, none within another. `digests` are SHA-256 of tokens that are known
    by nothing else."""
    small = text.lower()
    if len(small) != len(text):  # some capital has two small letters: places must stay places
        small = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    if "\x1b[" in text and (bare := COLOUR.sub("", text)) != text:
        return _placed(spans(bare, digests=digests), text)
    found = [*_by_shape(text, small), *makers.spans(text), *_by_name(text, small), *carriers.spans(text, small)]
    if digests:
        found += _by_digest(text, digests)
    return _merged(found)


COLOUR = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")  # what a terminal is told between two letters


def _placed(found: list[Span], text: str) -> list[Span]:
    """Places of the text without colours, as places of the text."""
    inside = [(mark.start(), len(mark[0])) for mark in COLOUR.finditer(text)]
    placed, number, shift = [], 0, 0
    for begins, ends in found:
        pair = []
        for place, at_end in ((begins, False), (ends, True)):
            while number < len(inside) and (
                inside[number][0] - shift < place or (inside[number][0] - shift == place and not at_end)
            ):
                shift += inside[number][1]
                number += 1
            pair.append(place + shift)
        placed.append((pair[0], pair[1]))
    return placed


def masked(text: str, mask: str, *, digests: Collection[str] = ()) -> str:
    """The text with each credential replaced."""
    found = spans(text, digests=digests)
    if not found:
        return text
    parts, last = [], 0
    for begins, ends in found:
        parts += [text[last:begins], mask]
        last = ends
    return "".join([*parts, text[last:]])


def _by_shape(text: str, small: str) -> Iterator[Span]:
    for shape in SHAPES:
        where = small if shape.folded else text
        for anchor in shape.anchors:
            for at, reach in _reaching(where, anchor, needs="@" if anchor == "://" else ""):
                if shape.alone and at and text[at - 1].isalnum():
                    continue
                match = shape.pattern.match(text, at, reach)
                if match is None or "[masked]" in match["secret"] or PLACE.match(match["secret"]):
                    continue
                if not NOTHING.fullmatch(match["secret"]):
                    yield match.span("secret")


def _by_name(text: str, small: str) -> Iterator[Span]:
    for anchor in ENDINGS:
        for at in _each(small, anchor):
            span = _named(text, at, anchor)
            if span is not None and "[masked]" not in text[span[0] : span[1]]:
                yield span


def _entry(text: str, at: int) -> Span | None:
    """The value of a container's variable whose name ends at `at`."""
    found = ENTRY.match(text, at)
    if found is None:
        return None
    value, ends = _value(text, found.end(), found["open"])
    return None if not value or NOTHING.fullmatch(value) or PLACE.match(value) else (found.end(), ends)


LONG_WORD = re.compile(r"[A-Za-z0-9_~+/=.-]{16,256}")


def _by_digest(text: str, digests: Collection[str]) -> Iterator[Span]:
    known: dict[str, bool] = {}
    for match in LONG_WORD.finditer(text):
        for word, begins in ((match[0], match.start()), (match[0].rstrip(".=/"), match.start())):
            if word not in known:
                known[word] = hashlib.sha256(word.encode()).hexdigest() in digests
            if known[word]:
                yield (begins, begins + len(word))


def _each(text: str, anchor: str) -> Iterator[int]:
    at = text.find(anchor)
    while at >= 0:
        yield at
        at = text.find(anchor, at + 1)


def _reaching(text: str, anchor: str, *, needs: str) -> Iterator[tuple[int, int]]:
    """Each place of an anchor and how far may be looked from there. Where it is nothing without what it `needs`, only
    places before one count, and no further than over a few more of itself: else many anchors in a row cost their square."""
    places = list(_each(text, anchor))
    for number, at in enumerate(places):
        if not needs:
            yield at, len(text)
            continue
        ends = min(len(text), at + FURTHEST, *places[number + MOST_AGAIN : number + MOST_AGAIN + 1])
        if text.find(needs, at, ends) >= 0:
            yield at, ends


def _merged(found: list[Span]) -> list[Span]:
    whole: list[Span] = []
    for begins, ends in sorted(found):
        if whole and begins < whole[-1][1]:
            whole[-1] = (whole[-1][0], max(ends, whole[-1][1]))
        else:
            whole.append((begins, ends))
    return whole
