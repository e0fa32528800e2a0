"""Keys whose makers gave them a form of their own, as they publish it and secret scanners know it. They begin a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from handrail.environments import TOKEN_PREFIX

Span = tuple[int, int]


@dataclass(frozen=True)
class Shape:
    """`anchors` announce it, in small letters where `folded`; `pattern` begins there and names the secret."""

    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    folded: bool = False
    alone: bool = True  # no letter or digit stands before it


def whole(pattern: str) -> re.Pattern[str]:
    """All of a word."""
    return re.compile(f"(?P<secret>{pattern})(?![A-Za-z0-9])")


KEYS_OF_MAKERS = (  # they begin a word
    Shape(("key-",), whole(r"key-[0-9a-f]{32}")),
    Shape(tuple(f"SK{digit}" for digit in "0123456789abcdef"), whole(r"SK[0-9a-f]{32}")),
    Shape(("eyJ",), whole(r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}")),
    Shape(("AKIA", "ASIA", "ABIA", "ACCA"), whole(r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}")),
    Shape(("AIza",), whole(r"AIza[A-Za-z0-9_-]{30,45}")),
    Shape(("ya29.",), whole(r"ya29\.[A-Za-z0-9_-]{20,}")),
    Shape(("GOCSPX-",), whole(r"GOCSPX-[A-Za-z0-9_-]{20,}")),
    Shape(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), whole(r"gh[pousr]_[A-Za-z0-9]{30,255}")),
    Shape(("github_pat_",), whole(r"github_pat_[A-Za-z0-9_]{30,255}")),
    Shape(
        ("glp", "glr", "gld", "glc", "glf", "gli", "gla", "glo", "gls"),
        whole(r"gl(?:pat|rt|dt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*"),
    ),
    Shape(("xox", "xapp-", "xwfp-"), whole(r"(?:xox[abceoprsd](?:\.xox[a-z])?|xapp|xwfp)-[A-Za-z0-9-]{10,}")),
    Shape(("sk_", "rk_"), whole(r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}")),
    Shape(("whsec_",), whole(r"whsec_[A-Za-z0-9+/=]{16,}")),
    Shape(("sk-",), whole(r"sk-(?:(?:proj|ant|svcacct|admin|or)-)?(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{20,}")),
    Shape(("SG.",), whole(r"SG\.[A-Za-z0-9_=-]{16,}\.[A-Za-z0-9_=.-]{16,}")),
    Shape(("npm_",), whole(r"npm_[A-Za-z0-9]{36}")),
    Shape(("pypi-",), whole(r"pypi-AgE[A-Za-z0-9_-]{40,}")),
    Shape(("dop_v1_", "doo_v1_", "dor_v1_"), whole(r"do[por]_v1_[a-f0-9]{40,64}")),
    Shape(("hvs.", "hvb.", "hvr."), whole(r"hv[sbr]\.[A-Za-z0-9_-]{20,}")),
    Shape(("glsa_", "glc_"), whole(r"gl(?:sa|c)_[A-Za-z0-9_=+/-]{20,}")),
    Shape(("dapi",), whole(r"dapi[a-f0-9]{32}(?:-\d)?")),
    Shape(("dp.",), whole(r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{20,}")),
    Shape(("shp",), whole(r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}")),
    Shape(("ATATT3", "ATCTT3", "ATBB"), whole(r"AT(?:ATT3|CTT3|BB)[A-Za-z0-9_=-]{20,}")),
    Shape(("dckr_pat_", "dckr_oat_"), whole(r"dckr_[po]at_[A-Za-z0-9_-]{20,}")),
    Shape(("hf_",), whole(r"hf_[A-Za-z0-9]{30,}")),
    Shape(("lin_api_",), whole(r"lin_api_[A-Za-z0-9]{30,}")),
    Shape(("NRAK-",), whole(r"NRAK-[A-Za-z0-9]{20,}")),
    Shape(("sntrys_", "sntryu_"), whole(r"sntry[su]_[A-Za-z0-9_=+/-]{30,}")),
    Shape(("AGE-SECRET-KEY-1",), whole(r"AGE-SECRET-KEY-1[A-Z0-9]{30,}")),
    Shape(("A3-",), whole(r"A3-[A-Z0-9]{6}-[A-Z0-9]{6,11}(?:-[A-Z0-9]{5}){3,4}")),
    Shape(("LTAI",), whole(r"LTAI[A-Za-z0-9]{16,24}")),
    Shape(("AKCp",), whole(r"AKCp[A-Za-z0-9]{60,80}")),
    Shape(("A3T",), whole(r"A3T[A-Z0-9]{17}")),
    Shape(("bedrock-api-key-",), whole(r"bedrock-api-key-[A-Za-z0-9+/=]{20,}")),
    Shape(("eyJrIjoi",), whole(r"eyJrIjoi[A-Za-z0-9]{40,}={0,2}")),
    Shape(("dt0",), whole(r"dt0[a-z]\d\d\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}")),
    Shape(("fm2_", "fo1_", "fm1"), whole(r"(?:fm[12][ar]?|fo1)_[A-Za-z0-9+/_=-]{40,}")),
    Shape(("duffel_",), whole(r"duffel_(?:test|live)_[A-Za-z0-9_=-]{40,}")),
    Shape(("HRKU-",), whole(r"HRKU-[A-Za-z0-9_-]{30,}")),
    Shape(("ntn_",), whole(r"ntn_[A-Za-z0-9]{40,}")),
    Shape(("pplx-",), whole(r"pplx-[A-Za-z0-9]{40,}")),
    Shape(("pscale_",), whole(r"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.-]{30,}")),
    Shape(("PMAK-",), whole(r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}")),
    Shape(("pnu_",), whole(r"pnu_[A-Za-z0-9]{36}")),
    Shape(("pul-",), whole(r"pul-[a-f0-9]{40}")),
    Shape(("rdme_",), whole(r"rdme_[a-z0-9]{60,}")),
    Shape(("rubygems_",), whole(r"rubygems_[a-f0-9]{48}")),
    Shape(("xkeysib-",), whole(r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}")),
    Shape(("shippo_",), whole(r"shippo_(?:live|test)_[a-fA-F0-9]{40}")),
    Shape(("EZAK", "EZTK"), whole(r"EZ[AT]K[A-Za-z0-9]{50,}")),
    Shape(("CLOJARS_",), whole(r"CLOJARS_[A-Za-z0-9]{50,}")),
    Shape(("GR1348941",), whole(r"GR1348941[A-Za-z0-9_-]{20}")),
    Shape(("FLWSECK",), whole(r"FLWSECK(?:_TEST)?-[A-Za-z0-9]{12,}(?:-X)?")),
    Shape(("secret_",), whole(r"secret_[A-Za-z0-9]{43}")),
    Shape(("figd_",), whole(r"figd_[A-Za-z0-9_-]{30,}")),
    Shape(("tskey-",), whole(r"tskey-[a-z]{3,12}-[A-Za-z0-9]{8,}-[A-Za-z0-9]{20,}")),
    Shape(("v1.0-",), whole(r"v1\.0-[0-9a-f]{24}-[0-9a-f]{100,}")),
    Shape(("bku",), whole(r"bku[a-z]_[0-9a-f]{40}")),
    Shape(("nfp_",), whole(r"nfp_[A-Za-z0-9]{30,}")),
    Shape(("sbp_",), whole(r"sbp_[0-9a-f]{40}")),
    Shape(("pat",), whole(r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}")),
    Shape((TOKEN_PREFIX,), whole(TOKEN_PREFIX + r"[A-Za-z0-9_-]{20,}")),  # ours
)


WORD = re.compile(r"[A-Za-z0-9_.-]{7,}")
WHOLE_WORD = re.compile(
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{50,}\.?|[0-9a-f]{32}-us\d{1,2}\.?"
)  # told by its middle
HEAD = 3  # so many letters tell most words from all keys
BY_HEAD: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
for _shape in KEYS_OF_MAKERS:
    for _anchor in _shape.anchors:
        BY_HEAD.setdefault(_anchor[:HEAD], []).append((_anchor, _shape.pattern))


def spans(text: str) -> Iterator[Span]:
    """Keys of known makers: every word where it stands. Looking for each of many again costs the square of them."""
    for found in WORD.finditer(text):
        word, at = found[0], found.start()
        if (".atlasv1." in word or "-us" in word) and WHOLE_WORD.fullmatch(word):
            yield found.span()
        for anchor, pattern in BY_HEAD.get(word[:HEAD], ()):
            if word.startswith(anchor):
                match = pattern.match(text, at)
                if match is not None and (at == 0 or not text[at - 1].isalnum()):
                    yield match.span("secret")
