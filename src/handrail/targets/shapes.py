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
from dataclasses import dataclass

from handrail.environments import TOKEN_PREFIX

Span = tuple[int, int]

# -- a name that says what its value is ------------------------------------------------------------------------------

# what a name ends with, by the few letters that are searched for: which of them it is decides how strictly its value is read
ENDINGS = {
    "pass": re.compile(
        r"(?P<strong>pass(?:word|wd|phrase|code))|(?P<short>(?<=[_-])pass|(?<![A-Za-z])PASS|(?-i:(?<=[A-Z])PASS(?==)))",
        re.IGNORECASE,
    ),
    "pwd": re.compile(r"(?P<short>pwd)", re.IGNORECASE),
    "secret": re.compile(r"(?P<strong>secret[_ -]?key)|(?P<weak>secret)", re.IGNORECASE),
    "token": re.compile(r"(?P<weak>token)", re.IGNORECASE),
    "credential": re.compile(r"(?P<weak>credentials?)", re.IGNORECASE),
    "connection": re.compile(r"(?P<strong>connection_?string)", re.IGNORECASE),
    "key": re.compile(r"(?P<strong>key)", re.IGNORECASE),
}
KEYS = re.compile(
    r"(?:api|access|private|secret|auth|account|encryption|signing|shared|master|routing|integration|deploy|license)[_ -]?$",
    re.IGNORECASE,
)  # a key of which kind is one to keep
# what may stand between the name and its separator: which password it is, not another thing about it
WHICH = r"(?:[_-]?(?:key[_-]?base|value|prod|production|staging|stage|dev|test|live|old|new|current|previous|primary|secondary|admin|root|user|app|b64|base64|base|raw|plain|text|confirm|confirmation|repeat|v?\d{1,3}))?"
# `NAME=`, `name: `, `"name": "`, `\"name\":\"`, `name => '`, `--name `; escaped as often as JSON within JSON is
SEPARATOR = re.compile(
    WHICH
    + r"""(?P<close>\\{0,7}["'`]?\]?)(?:\s{0,4}(?:=>|:=|[:=])(?:[ \t]{0,40}|\s{0,4})|(?P<blank>[ \t]{1,4}|[ \t]is[ \t])(?=\S))(?P<open>(?:\\{0,7}["'`])?)""",
    re.IGNORECASE,
)
IN_PAIR = re.compile(
    r"""(?:\\{0,7}["'])\s?,\s?(?P<open>\\{0,7}["'])"""
)  # `('x-api-key', '…')`, as programs print headers
BARE = re.compile(r"""[^\s"'`\\,;&|<>(){}\[\]]{1,512}""")
NOTHING = re.compile(
    r"true|false|null|nil|none|no|yes|ok|n/a|undefined|unset|empty|missing|required|optional|invalid|expired|revoked|"
    r"changed|change|rotated|rotation|wrong|incorrect|mismatch|mismatched|not|is|was|has|must|should|cannot|failed|failure|"
    r"error|authentication|denied|rejected|accepted|unknown|found|set|file|path|env|string|text|secret|token|password|key|"
    r"the|a|an|for|of|in|from|to|and|or|with|by|see|ask|enter|stored|kept|on|off|at|via|when|malformed|flag|option|new[_-]password|"
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
VARIABLE = re.compile(r"\$[{(]?\w*$|%\(?\w*$")  # a name that is used, not set: `"$API_TOKEN" https://…`
FLAG = re.compile(r"(?:^|[\s\"'])--?[a-z][a-z-]*$")  # `--password hunter2`, up to where the name ends


def _named(text: str, at: int, anchor: str) -> Span | None:
    """The value behind a name whose ending begins with `anchor` at `at`."""
    ending = ENDINGS[anchor].match(text, at)
    if ending is None or (anchor == "key" and not KEYS.search(text, max(0, at - 12), at)):
        return None
    before = text[max(0, at - 40) : at]
    if VARIABLE.search(before):
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
IN_TUPLE = re.compile(r"""[(\[]\\{0,7}["'][\w-]*$""")
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


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?P<secret>{pattern})(?![A-Za-z0-9])")


@dataclass(frozen=True)
class Shape:
    """`anchors` announce it, in small letters where `folded`; `pattern` begins there and names the secret."""

    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    folded: bool = False
    alone: bool = True  # no letter or digit stands before it


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
    Shape(("sha256~",), _whole(r"sha256~[A-Za-z0-9_-]{20,}")),  # an OpenShift token
    Shape(("sig=",), re.compile(r"sig=(?P<secret>[A-Za-z0-9%/+]{30,}(?:=|%3[dD])?)")),
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
KEYS_OF_MAKERS = (  # they begin a word
    Shape(("key-",), _whole(r"key-[0-9a-f]{32}")),
    Shape(tuple(f"SK{digit}" for digit in "0123456789abcdef"), _whole(r"SK[0-9a-f]{32}")),
    Shape(("eyJ",), _whole(r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}")),
    Shape(("AKIA", "ASIA", "ABIA", "ACCA"), _whole(r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}")),
    Shape(("AIza",), _whole(r"AIza[A-Za-z0-9_-]{30,45}")),
    Shape(("ya29.",), _whole(r"ya29\.[A-Za-z0-9_-]{20,}")),
    Shape(("GOCSPX-",), _whole(r"GOCSPX-[A-Za-z0-9_-]{20,}")),
    Shape(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _whole(r"gh[pousr]_[A-Za-z0-9]{30,255}")),
    Shape(("github_pat_",), _whole(r"github_pat_[A-Za-z0-9_]{30,255}")),
    Shape(
        ("glp", "glr", "gld", "glc", "glf", "gli", "gla", "glo", "gls"),
        _whole(r"gl(?:pat|rt|dt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*"),
    ),
    Shape(("xox", "xapp-", "xwfp-"), _whole(r"(?:xox[abceoprsd](?:\.xox[a-z])?|xapp|xwfp)-[A-Za-z0-9-]{10,}")),
    Shape(("sk_", "rk_"), _whole(r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}")),
    Shape(("whsec_",), _whole(r"whsec_[A-Za-z0-9+/=]{16,}")),
    Shape(("sk-",), _whole(r"sk-(?:(?:proj|ant|svcacct|admin|or)-)?(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{20,}")),
    Shape(("SG.",), _whole(r"SG\.[A-Za-z0-9_=-]{16,}\.[A-Za-z0-9_=.-]{16,}")),
    Shape(("npm_",), _whole(r"npm_[A-Za-z0-9]{36}")),
    Shape(("pypi-",), _whole(r"pypi-AgE[A-Za-z0-9_-]{40,}")),
    Shape(("dop_v1_", "doo_v1_", "dor_v1_"), _whole(r"do[por]_v1_[a-f0-9]{40,64}")),
    Shape(("hvs.", "hvb.", "hvr."), _whole(r"hv[sbr]\.[A-Za-z0-9_-]{20,}")),
    Shape(("glsa_", "glc_"), _whole(r"gl(?:sa|c)_[A-Za-z0-9_=+/-]{20,}")),
    Shape(("dapi",), _whole(r"dapi[a-f0-9]{32}(?:-\d)?")),
    Shape(("dp.",), _whole(r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{20,}")),
    Shape(("shp",), _whole(r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}")),
    Shape(("ATATT3", "ATCTT3", "ATBB"), _whole(r"AT(?:ATT3|CTT3|BB)[A-Za-z0-9_=-]{20,}")),
    Shape(("dckr_pat_", "dckr_oat_"), _whole(r"dckr_[po]at_[A-Za-z0-9_-]{20,}")),
    Shape(("hf_",), _whole(r"hf_[A-Za-z]{30,}")),
    Shape(("lin_api_",), _whole(r"lin_api_[A-Za-z0-9]{30,}")),
    Shape(("NRAK-",), _whole(r"NRAK-[A-Za-z0-9]{20,}")),
    Shape(("sntrys_", "sntryu_"), _whole(r"sntry[su]_[A-Za-z0-9_=+/-]{30,}")),
    Shape(("AGE-SECRET-KEY-1",), _whole(r"AGE-SECRET-KEY-1[A-Z0-9]{30,}")),
    Shape(("A3-",), _whole(r"A3-[A-Z0-9]{6}-[A-Z0-9]{6,11}(?:-[A-Z0-9]{5}){3,4}")),
    Shape(("LTAI",), _whole(r"LTAI[A-Za-z0-9]{16,24}")),
    Shape(("AKCp",), _whole(r"AKCp[A-Za-z0-9]{60,80}")),
    Shape(("A3T",), _whole(r"A3T[A-Z0-9]{17}")),
    Shape(("bedrock-api-key-",), _whole(r"bedrock-api-key-[A-Za-z0-9+/=]{20,}")),
    Shape(("eyJrIjoi",), _whole(r"eyJrIjoi[A-Za-z0-9]{40,}={0,2}")),
    Shape(("dt0",), _whole(r"dt0[a-z]\d\d\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}")),
    Shape(("fm2_", "fo1_", "fm1"), _whole(r"(?:fm[12][ar]?|fo1)_[A-Za-z0-9+/_=-]{40,}")),
    Shape(("duffel_",), _whole(r"duffel_(?:test|live)_[A-Za-z0-9_=-]{40,}")),
    Shape(("HRKU-",), _whole(r"HRKU-[A-Za-z0-9_-]{30,}")),
    Shape(("ntn_",), _whole(r"ntn_[A-Za-z0-9]{40,}")),
    Shape(("pplx-",), _whole(r"pplx-[A-Za-z0-9]{40,}")),
    Shape(("pscale_",), _whole(r"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.-]{30,}")),
    Shape(("PMAK-",), _whole(r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}")),
    Shape(("pnu_",), _whole(r"pnu_[A-Za-z0-9]{36}")),
    Shape(("pul-",), _whole(r"pul-[a-f0-9]{40}")),
    Shape(("rdme_",), _whole(r"rdme_[a-z0-9]{60,}")),
    Shape(("rubygems_",), _whole(r"rubygems_[a-f0-9]{48}")),
    Shape(("xkeysib-",), _whole(r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}")),
    Shape(("shippo_",), _whole(r"shippo_(?:live|test)_[a-fA-F0-9]{40}")),
    Shape(("EZAK", "EZTK"), _whole(r"EZ[AT]K[A-Za-z0-9]{50,}")),
    Shape(("CLOJARS_",), _whole(r"CLOJARS_[A-Za-z0-9]{50,}")),
    Shape(("GR1348941",), _whole(r"GR1348941[A-Za-z0-9_-]{20}")),
    Shape(("FLWSECK",), _whole(r"FLWSECK(?:_TEST)?-[A-Za-z0-9]{12,}(?:-X)?")),
    Shape((TOKEN_PREFIX,), _whole(TOKEN_PREFIX + r"[A-Za-z0-9_-]{20,}")),  # ours
)


WORD = re.compile(r"[A-Za-z0-9_.-]{10,}")
HEAD = 3  # so many letters tell most words from all keys
BY_HEAD: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
for _shape in KEYS_OF_MAKERS:
    for _anchor in _shape.anchors:
        BY_HEAD.setdefault(_anchor[:HEAD], []).append((_anchor, _shape.pattern))


def spans(text: str, *, digests: Collection[str] = ()) -> list[Span]:
    """Where credentials stand in a text, in order, none within another. `digests` are SHA-256 of tokens that are known
    by nothing else."""
    small = text.lower()
    if len(small) != len(text):  # some capital has two small letters: places must stay places
        small = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    found = [*_by_shape(text, small), *_by_head(text), *_by_name(text, small)]
    if digests:
        found += _by_digest(text, digests)
    return _merged(found)


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
            for at in _each(where, anchor):
                if shape.alone and at and text[at - 1].isalnum():
                    continue
                match = shape.pattern.match(text, at)
                if match is None or "[masked]" in match["secret"] or PLACE.match(match["secret"]):
                    continue
                if not NOTHING.fullmatch(match["secret"]):
                    yield match.span("secret")


def _by_head(text: str) -> Iterator[Span]:
    """Keys of known makers: every word where it stands. Looking for each of many again costs the square of them."""
    for found in WORD.finditer(text):
        word, at = found[0], found.start()
        for anchor, pattern in BY_HEAD.get(word[:HEAD], ()):
            if word.startswith(anchor):
                match = pattern.match(text, at)
                if match is not None and (at == 0 or not text[at - 1].isalnum()):
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


def _merged(found: list[Span]) -> list[Span]:
    whole: list[Span] = []
    for begins, ends in sorted(found):
        if whole and begins < whole[-1][1]:
            whole[-1] = (whole[-1][0], max(ends, whole[-1][1]))
        else:
            whole.append((begins, ends))
    return whole
