"""Credentials that are known by where they stand, after a corpus that was written without a look at the rules."""

from __future__ import annotations

import pytest

from handrail.targets import carriers, shapes
from handrail.targets.masking import MASK, Masker

S = "Copper-meadow77"
MASKED = [
    f"secret_key=b'{S}'",
    f"CREATE LOGIN app WITH PASSWORD = N'{S}';",
    f"Driver=x;UID=app;PWD={{{S}}};Encrypt=yes",
    f"SET PASSWORD = PASSWORD('{S}')",
    f'{{password,<<"{S}">>}}',
    f'["api_secret"]=>\n  string(15) "{S}"',
    f"password: >-\n  {S}\n",
    f'variable "db_password" {{\n  type = string\n  default = "{S}"\n}}',
    f'<add key="DbPassword" value="{S}" />',
    f'<input type="password" name="x" value="{S}">',
    f'"args":["--user","app","--password","{S}"]',
    f"vault_pw={S}",
    f"ldap_default_authtok = {S}",
    f"aes_key: {S}",
    f"requirepass {S}",
    f"ACL SETUSER app on >{S}",
    f"app:{S}@tcp(db:3306)/shop?parseTime=true",
    f"[smtp.example.com]:587 mailer@example.com:{S}",
    f'"app" "{S}"',
    f"curl -sS -usvc:{S} https://api.example.com/",
    f"http -a svc:{S} GET https://api.example.com/",
    f"cqlsh -u app -p {S} cas-1",
    f"ipmitool -I lanplus -H 10.0.0.9 -U ADMIN -P {S} chassis status",
    f"snmpwalk -v2c -c {S} 10.0.0.1 sysDescr",
    f"mc alias set prod https://minio:9000 app {S}",
    f"vault login {S}Qq",
    f"vault kv put secret/shop/db value={S}",
    f"aws secretsmanager create-secret --name a --secret-string {S}",
    f"gh secret set X --body {S}",
    f"kubectl create secret generic db --from-literal=a={S} --from-literal=b={S}",
    f"echo {S} | kinit svc@EXAMPLE.COM",
    f"The API key is {S.replace('-', '')}.",
    f"root password for db-1: {S}",
    f"credentials are ops:{S}",
    f'environment variable DB_PASSWORD set to "{S}"',
    f"Das Passwort lautet {S}",
    f"La contraseña es {S}",
    f"Passwort: {S}",
    "https://app.example.com/password/reset/" + "0a1b" * 10,
    "license " + "0a1b" * 9 + "NRAL",
    f"mysqldump -h db -u etl -p{S} orders",
    f"COMMAND=/usr/bin/mysql -uroot -p{S} -e 'show slave status'",
    f"sshpass -p '{S}' ssh web uptime",
    f"redis-cli -h cache -p 6379 -a {S} INFO",
    f"ldapsearch -x -D 'cn=admin,dc=x' -w {S} -b dc=x",
    f"mosquitto_sub -h mq -u a -P {S} -t t",
    f"zip -P {S} out.zip a",
    f"7z a -p{S} b.7z c",
    f"docker login -u ci -p {S} registry.example.com",
    f"az login --service-principal -u x -p {S} --tenant y",
    f"keytool -list -keystore t.jks -storepass {S}",
    f"schtasks /create /tn b /ru svc /rp {S} /sc daily",
    f"htpasswd -b /etc/htpasswd ana {S}",
    f"rabbitmqctl add_user ana {S}",
    f"net use Z: \\\\files\\share /user:CORP\\ana {S}",
    f"echo '{S}' | docker login --username ci --password-stdin r.example.com",
    f"echo 'ana:{S}' | sudo chpasswd",
    f'ConvertTo-SecureString "{S}" -AsPlainText -Force',
    f"jdbc:oracle:thin:app/{S}@//ora:1521/ORCL",
    "X-Amz-Signature=" + "ab12" * 16,
    f"state=%7B%22password%22%3A%20%22{S}%22%7D",
    f'<wsse:Password Type="PasswordText">{S}</wsse:Password>',
    f"<password>{S}</password>",
    f'ClientOptions {{ token: Some("{S}") }}',
    f"Credentials(app,{S}) rejected",
    f"PDO->__construct('mysql:host=db', 'app', '{S}')",
    '{"auths": {"r": {"auth": "YWRtaW46bGFudGVybg=="}}}',
    f"CREATE USER 'app' IDENTIFIED WITH mysql_native_password BY '{S}';",
    "C: AUTH PLAIN AGpzbWl0aAA4aHBNa0xPM0",
    f"C: a001 LOGIN ana@example.com {S}",
    f"---> PASS {S}",
    f'[0 10.0.0.9:51230] "AUTH" "{S}"',
    f"machine db login app password {S}",
    f'192.0.2.1 198.51.100.7 : PSK "{S}"',
    f"enable secret 5 {S}",
    f"snmp-server community {S}",
    f"user admin insecure-password {S}",
    f"I reset the root password to {S} and restarted the job.",
    "jsmith:$6$8oG0tHNF$PiOqM5g9vFFpRDTy0p0b2Snrgem9xOvp:19800:0:99999:7:::",
    '{"password_hash": "$2b$12$F1KG5GspfQ16rcRZKboXKaMToR4MTaDDEL1fqzLhZ6XXG79zt7ywC"}',
    f"db-01.prod:5432:orders:app:{S}",
    f"username,password,role\nana,{S},admin",
    f"| service | password |\n|---|---|\n| orders | {S} |",
    f"   name   |   password   \n----------+-------\n jsmith   | {S}\n(1 row)",
    f"-[ RECORD 1 ]---\nname     | ana\npassword | {S}",
    f"kind: Secret\nmetadata:\n  name: broker\nstringData:\n  conn: {S}\n",
    '{"kind": "Secret", "data": {"settings": "VGJnMTFlUE8zbmJR"}}',
    f"INSERT INTO users (name, password) VALUES ('ana', '{S}');",
    f"Cookie: theme=dark; ASP.NET_SessionId={S}x1; lang=en",
    f"define( 'DB_PASSWORD', '{S}' );",
    f"\x1b[32mpassword\x1b[0m=\x1b[33m{S}\x1b[0m host=db",
    "userPassword:: e1NTSEF9YU1ZVGZQQ0tD",
    f"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{'aB3d' * 12}\nPrivate-MAC: x",
    "using hf_v1wYHMlKxTpFFrMvkwLT18iFp4Q4Ml7uhN",
    "using 71bd1927531489e9497d65d46925db2f-us9",
    "using 6RBFqmUzaYWa1z.atlasv1." + "aB3" * 20,
]
ORDINARY = [
    "mysql -u root -p orders",
    "mysql --port=3306 -P 3306 -h db",
    "ssh -p 2222 -i key deploy@web01",
    "docker run -p 8080:80 nginx",
    "tar -xpf a.tar; cp -p a b; mkdir -p c",
    "ps -p 1234 -o cmd",
    "zip -r out.zip srv",
    "redis-cli -p 6379 INFO",
    "curl -u $USER:$PASS https://example.com/",
    "sshpass -p $PASS ssh web",
    "mysqldump -p$PW orders",
    "The login of ana was refused: wrong password (attempt 9).",
    "docker login registry.example.com",
    "user ana has no password set",
    "password changed to a longer one",
    "name,count\nana,3",
    "| alert | key |\n|---|---|\n| A | orders |",
    "kind: ConfigMap\ndata:\n  level: info\n",
    "kind: SecretStore\ndata:\n  level: info\n",
    "INSERT INTO orders (id, state) VALUES (1, 'open');",
    "Cookie size is 4 kB",
    "10.0.0.1:5432:a:b:c",
    "def check_password(self, password: str) -> bool:",
    "arn:aws:secretsmanager:eu-west-1:451797022483:secret:orders-PM4Lda",
    "  existingSecret: redis-auth",
    "  proxy_pass http://127.0.0.1:8080;",
    "PASS 12 tests",
    "echo done | tee log",
    "the net user count is 7",
    "the user ana password expired",
    "passwd: user billing changed shell",
    "kubectl create configmap limits --from-literal=mode=Fast-lane77",
    "GRANT x; ROLE replicator LOGIN REPLICATION PASSWORD",
    "CREATE LOGIN app WITH DEFAULT_DATABASE = shop",
    "curl -sS -o out.json https://api.example.com/v1/jobs",
    "the token is refreshed every hour",
    "pw: true",
    "http -v GET https://api.example.com/",
    "enable password encryption",
    "username or password required",
]


@pytest.mark.parametrize("text", MASKED, ids=lambda text: text[:32])
def test_a_credential_is_known_by_where_it_stands(text: str) -> None:
    found = Masker().mask(text)
    assert MASK in found
    assert S not in found


@pytest.mark.parametrize("text", ORDINARY, ids=lambda text: text[:32])
def test_what_stands_elsewhere_stays(text: str) -> None:
    assert Masker().mask(text) == text


def test_what_stands_beside_a_credential_stays() -> None:
    found = Masker().mask(f"   name   |   password   | role\n----+----+---\n ana | {S} | admin\n(1 row)\nand {S} later")
    assert found == f"   name   |   password   | role\n----+----+---\n ana | {MASK} | admin\n(1 row)\nand {S} later"


def test_colours_stay_where_they_were() -> None:
    assert Masker().mask(f"\x1b[1ma\x1b[0m password=\x1b[31m{S}\x1b[0m b") in (
        f"\x1b[1ma\x1b[0m password=\x1b[31m{MASK}\x1b[0m b",
        f"\x1b[1ma\x1b[0m password={MASK}\x1b[0m b",
    )


# -- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("carrier", carriers.CARRIERS, ids=lambda one: one.anchor)
def test_a_carrier_looks_at_a_bounded_stretch(carrier: carriers.Carrier) -> None:
    assert carrier.within <= 16_000
    assert carrier.anchor == carrier.anchor.lower(), "it is searched for in small letters"


@pytest.mark.parametrize("text", ["://" * 5000, "://a:" * 5000, "://a:b@" * 5000, "://:@" * 5000])
def test_addresses_in_a_row_look_at_a_few_of_their_neighbours(text: str) -> None:
    """How many letters are looked at in all, of which there were 384 for each of them."""
    reached = list(shapes._reaching(text, "://", needs="@"))
    assert sum(ends - at for at, ends in reached) <= (shapes.MOST_AGAIN + 1) * len(text)


def test_an_address_without_an_at_sign_is_no_work() -> None:
    assert list(shapes._reaching("://a:b" * 1000, "://", needs="@")) == []


def test_a_table_is_read_once_however_many_of_its_rows_look_like_headings() -> None:
    text = "a,password\n" * 3000
    found = list(carriers._columns(text, text))
    assert len(found) <= 3000
    assert len(set(found)) == len(found)
