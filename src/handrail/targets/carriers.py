"""Credentials that are known by where they stand: the word of a program's option, a cell below a heading, an element of XML.

`shapes` knows values by their names and by their looks. Here neither is enough: `-p hunter2` is a password behind `sshpass`
and a port behind `ssh`. Each carrier has a word that announces it, and a bounded stretch behind it that is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

Span = tuple[int, int]
NAME = r"(?:pass(?:word|wd|phrase)|pwd|secret|secret[_-]?key|(?:auth|access|api|bearer|refresh)?[_-]?token|api[_-]?key|private[_-]?key)"
NO_WORD = r"(?=\S{0,64}[\d!#%^*+_-])"  # what a sentence would not say there
WORD = r"""(?:"(?P<double>[^"\n]{1,512})"|'(?P<single>[^'\n]{1,512})'|(?P<bare>[^\s"'|;&<>$`]{1,512}))"""
"""A word of a command line; one that the shell fills in is none."""


MIXED = r"(?P<secret>(?=\S{0,64}\d)(?=\S{0,64}[A-Za-z])[A-Za-z0-9_!#%^*+.~-]{8,128}?)(?=[.,;:]?(?:\s|$))"
"""What a sentence says of a password, and no word of one."""


@dataclass(frozen=True)
class Carrier:
    """`anchor` is searched for in small letters; `pattern`, in the stretch from there, names what is a secret."""

    anchor: str
    pattern: re.Pattern[str]
    within: int = 400
    lines: bool = False  # also behind the end of the line


def _option(program: str, option: str) -> Carrier:
    """The word behind an option of a program; `option` says whether it is glued to it."""
    return Carrier(
        program,
        re.compile(rf"(?<![\w.-]){program}[\w.-]{{0,12}}\s[^\n|;&]{{0,300}}?(?<=\s){option}{WORD}"),
    )


def _plain(anchor: str, pattern: str, *, within: int = 400, lines: bool = False) -> Carrier:
    return Carrier(anchor, re.compile(pattern, re.IGNORECASE | re.MULTILINE), within=within, lines=lines)


CARRIERS = (
    # words of command lines
    *(_option(program, r"-p(?=\S)") for program in ("mysql", "mariadb", "7z")),
    _option("sshpass", r"-p\s?"),
    _option("redis-cli", r"-a\s+"),
    _option("ldap", r"-w\s?(?=\S)"),
    *(_option(program, r"-P\s+") for program in ("zip", "unzip", "mosquitto_")),
    *(_option(program, r"(?:-p|--password)\s+") for program in ("mongo", "mongodump", "mongorestore", "mongosh")),
    *(_option(f"{program} login", r"-p\s+") for program in ("docker", "podman", "buildah", "skopeo", "nerdctl", "az")),
    *(_option(program, r"-(?:src|dest)?(?:store|key)pass\s+") for program in ("keytool", "jarsigner")),
    _option("http", r"-a\s+[^\s:]{1,64}:"),
    _option("cqlsh", r"-p\s+"),
    _option("ipmitool", r"-P\s+"),
    _option("snmp", r"-c\s+"),
    _option("curl", r"-u(?=\S)[^\s:]{1,64}:"),
    _option("curl", r"""(?:-b|--cookie)\s+["']?[\w.-]{1,64}="""),
    _option("vault login", r"(?!-)(?=\S{16})"),
    _plain("mc alias set ", rf"mc alias set \S{{1,64}} \S{{1,256}} \S{{1,128}} {WORD}"),
    _plain("vault kv ", rf"vault kv (?:put|patch) (?:-\S+ ){{0,4}}\S{{1,256}} [\w.-]{{1,64}}={WORD}"),
    _plain("secrets set ", rf"secrets set (?:-\S+ ){{0,4}}\w{{1,64}}={WORD}"),
    _plain("net ", rf"(?<!\w)net\s+use\s+\S{{1,64}}\s+\S{{1,256}}\s+(?![/*]){WORD}\s+/user:"),
    _option("schtasks", r"/rp\s+"),
    _option("lftp", r"-u\s+[^\s,]{1,64},"),
    _option("smbclient", r"-U\s+[^\s%]{1,64}%"),
    _plain("htpasswd", rf"htpasswd\s+(?:-\w+\s+){{0,4}}-\w*b\w*\s+(?:-\w+\s+){{0,4}}\S+\s+\S+\s+{WORD}"),
    _plain("rabbitmqctl", rf"rabbitmqctl\s+(?:-\S+\s+){{0,4}}(?:add_user|change_password)\s+\S+\s+{WORD}"),
    _plain("net ", rf"(?<!\w)net\s+use\s[^\n]{{0,200}}?/user:\S+\s+{WORD}"),
    _plain("net ", rf"(?<!\w)net\s+user\s+[\w.-]+\s+(?!/){NO_WORD}{WORD}"),
    _plain("/pass:", r"/pass:(?P<secret>\S{1,256})"),
    _plain(
        "echo ", rf"echo\s+(?:-n\s+)?{WORD}\s*\|\s*(?:sudo\s+)?\S+[^\n|]{{0,200}}(?:--password-stdin|-pass\w*\s+stdin)"
    ),
    _plain("echo ", rf"echo\s+(?:-n\s+)?{WORD}\s*\|\s*(?:sudo\s+)?kinit\b"),
    _plain("echo ", r"""echo\s+["']?[\w.-]{1,64}:(?P<secret>[^\s"'$|]{1,256})["']?\s*\|\s*(?:sudo\s+)?chpasswd"""),
    _plain("convertto-securestring", rf"ConvertTo-SecureString\s+(?:-String\s+)?{WORD}"),
    # addresses and signatures
    _plain("jdbc:oracle:", r"jdbc:oracle:\w{1,8}:[^\s/@]{1,64}/(?P<secret>[^\s@]{1,256})@"),
    _plain("sqlplus ", r"sqlplus\s+(?:-\w+\s+)?[^\s/@]{1,64}/(?P<secret>[^\s@]{1,256})@"),
    _plain("signature=", r"signature=(?P<secret>[0-9a-f]{40,1024}|[A-Za-z0-9%+/]{40,1024}={0,2})", within=1100),
    _plain("signature=", r"(?<=[?&])signature=(?P<secret>[A-Za-z0-9%+/~_-]{20,1024}={0,2})", within=1100),
    _plain("samlresponse=", r"samlresponse=(?P<secret>[A-Za-z0-9%+/=_-]{40,15000})", within=15_900),
    _plain("_auth", r"_auth\s?=\s?\"?(?P<secret>[A-Za-z0-9+/]{16,1024}={0,2})", within=1100),
    _plain(".dockerconfigjson", r"\.dockerconfigjson\W{1,4}(?P<secret>[A-Za-z0-9+/=]{24,8192})", within=8300),
    _plain("reset/", r"(?<=/)reset/(?P<secret>[0-9a-f]{32,128})(?![0-9a-z])"),
    _plain("hooks.zapier.com/", r"hooks\.zapier\.com/hooks/catch/\d{1,12}/(?P<secret>\w{5,64})"),
    _plain("hc-ping.com/", r"hc-ping\.com/(?P<secret>[0-9a-f-]{36})"),
    _plain("auth=", r"(?<!\w)auth=(?P<secret>(?=[^&\s]{0,64}\d)[A-Za-z0-9._~-]{20,512})", within=600),
    *(
        _plain(f"{name}%22", rf"{name}%22(?:%20|\+){{0,4}}%3A(?:%20|\+){{0,4}}%22(?P<secret>(?:(?!%22)\S){{1,512}})")
        for name in ("password", "passwd", "secret", "token", "key")
    ),
    # elements, structures and calls
    _plain(
        "<",
        rf"<(?:[\w.-]{{1,32}}:)?[\w.-]{{0,48}}{NAME}(?:\s[^<>]{{0,200}})?>(?P<secret>[^<>]{{1,4096}})</",
        within=4500,
    ),
    _plain(
        '["',
        rf"""\["[\w.-]{{0,48}}{NAME}"\]=>\s{{0,8}}string\(\d{{1,6}}\) "(?P<secret>[^"\n]{{1,512}})\"""",
        lines=True,
    ),
    *(_plain(f"{word}={{", rf"{word}=\{{(?P<secret>[^{{}}\n]{{1,256}})\}}") for word in ("pwd", "password")),
    _plain("password(", r"password\(\s?N?'(?P<secret>[^'\n]{1,512})'\s?\)"),
    *(
        _plain(f"{word},", rf"""{word},\s?<<"(?P<secret>[^"\n]{{1,512}})">>""")
        for word in ("password", "secret", "token")
    ),
    _plain(
        'variable "',
        rf"""variable "[\w.-]{{0,48}}{NAME}"\s{{0,4}}\{{[^{{}}]{{0,300}}?default\s{{0,8}}=\s{{0,4}}"(?P<secret>[^"\n]{{1,512}})\"""",
        within=900,
        lines=True,
    ),
    *(
        _plain(
            f'{word}="',
            rf"""{word}="[\w.:-]{{0,64}}{NAME}"\s{{1,8}}value="(?P<secret>[^"\n]{{1,512}})\"""",
        )
        for word in ("key", "name")
    ),
    _plain('type="password"', r"""type="password"[^<>]{0,200}?\svalue="(?P<secret>[^"\n]{1,512})\""""),
    _plain("some(", r"""Some\(\s?"(?P<secret>[^"\n]{4,512})"\)"""),
    _plain("credential", r"Credentials?\(\s?[^,()\s]{1,64},\s?(?P<secret>[^,()\s]{4,256})\)"),
    _plain("pdo->__construct(", r"PDO->__construct\('[^']{0,200}', '[^']{0,64}', '(?P<secret>[^']{1,256})'"),
    _plain("mysqli", r"mysqli(?:_connect|->__construct)?\('[^']{0,200}', '[^']{0,64}', '(?P<secret>[^']{1,256})'"),
    _plain('"auth"', r'"auth"\s{0,2}:\s{0,2}"(?P<secret>[A-Za-z0-9+/]{12,1024}={0,2})"', within=1100),
    _plain("client-key-data", r"client-key-data\W{1,4}(?P<secret>[A-Za-z0-9+/=]{40,8192})", within=8300),
    _plain(
        '"random_password"',
        r'"random_password"[^\n]{0,600}?"result":\s?"(?P<secret>(?:[^"\\\n]|\\.){1,256})"',
        within=900,
    ),
    _plain(
        "private-lines:",
        r"Private-Lines: \d{1,3}\n(?P<secret>(?:[A-Za-z0-9+/=]{1,64}\n){1,200})",
        within=16_000,
        lines=True,
    ),
    # statements
    _plain(
        "identified ", r"identified\s+(?:with\s+\S{1,64}\s+)?(?:by|as)\s+(?:password\s+)?'(?P<secret>[^'\n]{1,512})'"
    ),
    # protocols as they are written down
    _plain("auth plain ", r"auth plain (?P<secret>[A-Za-z0-9+/]{8,1024}={0,2})", within=1100),
    _plain(
        " login ",
        r"""(?<=[A-Za-z0-9]) (?-i:LOGIN)(?! PASSWORD) "?[^\s"]{1,128}"? "?(?!(?:with|from|as|for|to|on|at|password|valid|connection)\b)(?P<secret>[^\s"]{1,256})""",
    ),
    _plain("pass ", r"(?:^|(?<=> )|(?<=>)|(?<=: ))PASS (?P<secret>[^\s*]{1,256})$"),
    _plain('"auth" ', r'"auth" (?:"[^"\n]{1,64}" )?"(?P<secret>[^"\n]{1,256})"'),
    # configurations that put a blank between a name and its value
    _plain("login ", rf"login\s+\S{{1,128}}\s+password\s+{WORD}", lines=True),
    _plain("auth ", r"(?<=> )auth (?:[^\s\"]{1,64} )?(?P<secret>[^\s\"]{4,256})$"),
    *(
        _plain(word, rf"(?<!\w){word}\s+(?!\()(?P<secret>[^\s\"']{{4,256}})")
        for word in ("requirepass", "masterauth", "bindpw", "rootpw", "-setcookie")
    ),
    _plain("acl setuser", r"acl setuser \S{1,64}(?: [^\s>]\S{0,128}){0,16} >(?P<secret>\S{1,256})"),
    _plain("--secret-string", rf"--secret-string[= ]{WORD}"),
    _plain("secret set ", rf"secret set \S{{1,128}} [^\n]{{0,200}}?--body[= ]{WORD}"),
    _plain("put-parameter", rf"put-parameter(?=[^\n]{{0,300}}SecureString)[^\n]{{0,300}}?--value[= ]{WORD}"),
    _plain("psk", r"""(?<!\w)psk\b\s{0,2}[=:]?\s{0,2}"(?P<secret>[^"\n]{4,128})\""""),
    _plain("enable ", r"(?<!\w)enable (?:secret|password) (?:\d{1,2} )?" + NO_WORD + r"(?P<secret>\S{4,128})$"),
    _plain(
        "username ",
        r"username \S{1,64} (?:privilege \d{1,2} )?(?:secret|password) (?:\d{1,2} )?"
        + NO_WORD
        + r"(?P<secret>\S{4,128})$",
    ),
    _plain("snmp-server community ", r"snmp-server community (?P<secret>\S{1,128})"),
    _plain("-server key ", r"-server key (?:\d{1,2} )?(?P<secret>\S{4,128})"),
    _plain("neighbor ", r"neighbor \S{1,64} password (?:\d{1,2} )?" + NO_WORD + r"(?P<secret>\S{4,128})"),
    _plain(
        "user ", r"(?<!\w)user \S{1,64} (?:insecure-)?password (?!(?:e|u&)?[\"'])" + NO_WORD + r"(?P<secret>\S{4,256})"
    ),
    _plain(" password", rf" password(?: \S{{1,32}}){{1,4}}: {MIXED}"),
    *(
        _plain(word, rf"{word}(?: \w{{1,16}}){{0,3}} (?:lautet|ist|est|es|é|to) {MIXED}")
        for word in ("passwort", "kennwort", "mot de passe", "contraseña", "senha", "hasło")
    ),
    *(_plain(word, rf"{word}(?: are|:) [\w.-]{{1,64}}\s?[/:]\s?{MIXED}") for word in ("creds", "credentials")),
    _plain(
        " password",
        r" password(?: \w{1,16}){0,4} (?:is|to) (?P<secret>(?=\S{0,64}\d)(?=\S{0,64}[A-Za-z])[A-Za-z0-9_!#%^*+.~-]{8,128}?)(?=[.,;:]?(?:\s|$))",
    ),
)
HASHES = re.compile(
    r"(?P<secret>\$(?:1|2[abxy]?|5|6|7|y|apr1|argon2(?:id|i|d)|pbkdf2-sha\d{1,3}|scrypt)\$[A-Za-z0-9./$,=+_-]{20,256})"
)
PGPASS = re.compile(
    r"^[A-Za-z*][\w.*-]{0,128}:(?:\d{2,5}|\*):[\w*.-]{1,64}:[\w*.-]{1,64}:(?P<secret>[^\s:]{4,256})$", re.MULTILINE
)
HEADING = re.compile(rf"(?:[\w .-]{{0,24}}[_ .-])?{NAME}", re.IGNORECASE)
LONGEST_HEADING = 800  # letters
ROWS = 200  # below one heading
RECORD = re.compile(
    rf"^[ \t]{{0,8}}[\w.-]{{0,32}}{NAME}[ \t]{{0,40}}\|[ \t]{{0,8}}(?P<secret>\S[^\n|]{{0,512}}?)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
SECRET_OBJECT = re.compile(r"""["']?kind["']?\s{0,2}:\s{0,2}["']?Secret\b(?!\w)""")
BLOCK = re.compile(
    r"^(?P<in>[ \t]{0,40})(?:data|stringData):[ \t]*\n(?P<rows>(?:(?P=in)[ \t]{1,8}\S[^\n]{0,100000}\n?){1,200})",
    re.MULTILINE,
)
ROW = re.compile(
    r"^[ \t]{1,48}[\w.-]{1,253}:[ \t]+(?![|>]\s*$)[\"']?(?P<secret>[^\s\"'{}][^\n\"']{0,100000})", re.MULTILINE
)
OBJECT = re.compile(r'"(?:data|stringData)"\s{0,4}:\s{0,4}\{(?P<rows>[^{}]{1,100000})\}')
PAIR = re.compile(r'"[\w.-]{1,253}"\s{0,4}:\s{0,4}"(?P<secret>(?:[^"\\]|\\.){1,100000})"')
INSERT = re.compile(
    r"insert\s+into\s+\S{1,128}\s*\((?P<names>[^()]{1,600})\)\s*values\s*\((?P<values>[^()]{1,4000})\)", re.IGNORECASE
)
VALUE = re.compile(r"\s*(?:'(?P<secret>(?:[^'\\]|\\.|''){1,512})'|[^,']{1,512})\s*(?:,|$)")
DSN = re.compile(r"(?<![\w.-])[\w.-]{1,64}:(?P<secret>[^\s:@\"'()/]{1,256})@(?:tcp|udp|unix)\(")
SASL = re.compile(r"^\[?[\w.-]{1,128}\]?:\d{2,5}[ \t]+[^\s:@]{1,64}@[\w.-]{1,128}:(?P<secret>\S{4,256})$", re.MULTILINE)
USERLIST = re.compile(r'^"[\w.-]{1,64}" "(?P<secret>(?=[^"\n]{0,64}\d)[^"\s]{8,512})"$', re.MULTILINE)
BLOCK_SCALAR = re.compile(
    rf"{NAME}[\"']?:[ \t]*[>|][-+]?\d?[ \t]*\n[ \t]+(?P<secret>\S{{4,512}})[ \t]*$", re.IGNORECASE | re.MULTILINE
)
SET_TO = re.compile(rf"""{NAME}[ ]set[ ]to[ ]["'](?P<secret>[^"'\n]{{4,512}})["']""", re.IGNORECASE)
LITERAL = re.compile(r"""--from-literal[= ]["']?[\w.-]{1,253}=(?P<secret>[^\s"']{1,512})""")  # of `create secret`
LICENCE = re.compile(r"(?<![0-9A-Za-z])(?P<secret>[0-9a-f]{36}NRAL)(?![0-9A-Za-z])")  # New Relic's
AROUND = (
    ("@", SASL),
    ('" "', USERLIST),
    (": >", BLOCK_SCALAR),
    (": |", BLOCK_SCALAR),
    (" set to ", SET_TO),
    ("nral", LICENCE),
)
PROSE = re.compile(
    r"(?<!\w)(?:token|secret|api[ -]key|passphrase)(?: \w{1,16}){0,4} (?:is|to|was changed from) (?P<secret>(?=\S{0,64}\d)"
    r"(?=\S{0,64}[A-Za-z])[A-Za-z0-9_!#%^*+~]{12,128})(?=[.,;:]?(?:\s|$))",
    re.IGNORECASE,
)
COOKIES = re.compile(r"cookie\\{0,7}[\"']?\s{0,2}:\s{0,2}[^\n]{1,4096}", re.IGNORECASE)
CRUMB = re.compile(r"[\w.-]{1,64}=(?P<secret>[^;\s\"'\\]{12,4096})")


def spans(text: str, small: str) -> Iterator[Span]:
    """Where they stand; `small` is the text in small letters, letter for letter."""
    for carrier in CARRIERS:
        yield from _carried(text, small, carrier)
    if "$" in text:
        yield from (found.span("secret") for found in HASHES.finditer(text))
    if text.count(":") >= 4:
        yield from (found.span("secret") for found in PGPASS.finditer(text))
    if "-[ RECORD" in text:
        yield from (found.span("secret") for found in RECORD.finditer(text))
    elif "|" in text or "," in text or "\t" in text:
        yield from _columns(text, small)
    if SECRET_OBJECT.search(text):
        yield from _of_secret(text)
    if "insert" in small:
        yield from _inserted(text)
    if "@tcp(" in small or "@unix(" in small or "@udp(" in small:
        yield from (found.span("secret") for found in DSN.finditer(text))
    yield from _literals(text, small)
    for mark, pattern in AROUND:
        if mark in small:
            yield from (found.span("secret") for found in pattern.finditer(text))
    if " is " in small or " to " in small or " from " in small:
        yield from (found.span("secret") for found in PROSE.finditer(text))
    if "cookie" in small:
        for line in COOKIES.finditer(text):
            yield from (found.span("secret") for found in CRUMB.finditer(text, line.start(), line.end()))


def _literals(text: str, small: str) -> Iterator[Span]:
    """Each value of `kubectl create secret … --from-literal=any=…`; of a ConfigMap they are nobody's secret."""
    at = small.find("create secret")
    while at >= 0:
        ends = text.find("\n", at, at + 4096)
        ends = ends if ends >= 0 else min(len(text), at + 4096)
        yield from (found.span("secret") for found in LITERAL.finditer(text, at, ends))
        at = small.find("create secret", ends)


def _carried(text: str, small: str, carrier: Carrier) -> Iterator[Span]:
    at = small.find(carrier.anchor)
    while at >= 0:
        ends = min(len(text), at + carrier.within)
        if not carrier.lines:
            line = text.find("\n", at, ends)
            ends = line if line >= 0 else ends
        found = carrier.pattern.match(text, at, ends)  # here and nowhere behind it, where the next anchor stands
        span = _secret(found)
        if span is not None:
            yield span
        at = small.find(carrier.anchor, max(at + 1, span[1] if span is not None else 0))


def _secret(found: re.Match[str] | None) -> Span | None:
    if found is None:
        return None
    groups = found.groupdict()
    name = next((one for one in ("secret", "double", "single", "bare") if groups.get(one)), "")
    if not name or groups[name].startswith(("$", "[masked", "<", "{{", "%(")) or set(groups[name]) <= set("*x."):
        return None
    return found.span(name)


def _columns(text: str, small: str) -> Iterator[Span]:
    """Cells below a heading that says password, in CSV, in Markdown and as psql prints tables."""
    done = 0
    for at, ends in _lines_with_name(text, small):
        head = text[at:ends]
        mark = next((one for one in ("|", "\t", ",") if one in head), "")
        if at < done or not mark:
            continue
        names = [cell.strip().strip('"') for cell in head.split(mark)]
        columns = [number for number, name in enumerate(names) if HEADING.fullmatch(name)]
        if not columns or any(len(name.split()) > 3 for name in names):  # a sentence with a comma is no heading
            continue
        done = ends + 1
        for begins, until in _below(text, ends + 1, mark, len(names), columns):
            yield begins, until
            done = until


def _lines_with_name(text: str, small: str) -> list[Span]:
    """Lines that may be headings, each once."""
    found = set()
    for name in ("pass", "pwd", "secret", "token", "key"):
        at = small.find(name)
        while at >= 0:
            begins, ends = (
                text.rfind("\n", max(0, at - LONGEST_HEADING), at) + 1,
                text.find("\n", at, at + LONGEST_HEADING),
            )
            ends = ends if ends >= 0 else min(len(text), at + LONGEST_HEADING)
            found.add((begins, ends))
            at = small.find(name, ends)
    return sorted(one for one in found if one[1] - one[0] <= LONGEST_HEADING)


def _below(text: str, at: int, mark: str, many: int, columns: list[int]) -> Iterator[Span]:
    for _ in range(ROWS):
        ends = text.find("\n", at)
        ends = len(text) if ends < 0 else ends
        line = text[at:ends]
        if set(line) <= set("-+|: \t") and line:
            at = ends + 1
            continue
        cells = line.split(mark)
        if len(cells) != many:
            return
        begins = at
        for number, cell in enumerate(cells):
            bare = cell.strip().strip('"')
            if number in columns and len(bare) >= 4 and " " not in bare:
                start = begins + cell.index(bare)
                yield start, start + len(bare)
            begins += len(cell) + 1
        at = ends + 1
        if at > len(text):
            return


def _of_secret(text: str) -> Iterator[Span]:
    """All values of a Kubernetes Secret, whatever their names."""
    for block in BLOCK.finditer(text):
        yield from (row.span("secret") for row in ROW.finditer(text, block.start("rows"), block.end("rows")))
    for block in OBJECT.finditer(text):
        yield from (row.span("secret") for row in PAIR.finditer(text, block.start("rows"), block.end("rows")))


def _inserted(text: str) -> Iterator[Span]:
    """The value of the column that is called so."""
    for found in INSERT.finditer(text):
        names = [name.strip().strip('`"') for name in found["names"].split(",")]
        at = found.start("values")
        for name in names:
            value = VALUE.match(text, at, found.end("values"))
            if value is None:
                break
            if value["secret"] and HEADING.fullmatch(name):
                yield value.span("secret")
            at = value.end()
