"""What a change holds: by what its words name, never by the program."""

from __future__ import annotations

import shlex
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.runs import holding
from handrail.targets import Ask, keys
from handrail.targets.ground import GroundSettings, RealGround
from handrail.targets.masking import Masker


def of(text: str) -> str:
    """What a command holds in the environment `lab`, whose services run in `production`."""
    stages = [shlex.split(stage) for stage in text.split(" | ")]
    return keys.of(stages, environment="lab", namespace="production", repository="/srv/platform.git")


HOLDS = [
    # a cluster, by environment and namespace
    ("kubectl rollout restart deployment/web", "lab/production"),
    ("kubectl rollout restart deployment/web -n shop", "lab/shop"),
    ("kubectl -n shop delete pod web-0", "lab/shop"),
    ("kubectl exec -n shop web-0 -- redis-cli flushall", "lab/shop"),
    ("kubectl exec web-0 -- sh -c 'kill 1' -n other", "lab/production"),
    ("kubectl exec web-0 -- iptables -A INPUT -s 10.0.0.1 -j DROP", "lab/production"),
    ("helm rollback azora-prod 7 -n shop", "lab/shop"),
    ("kubectl cordon node-1", "lab"),
    ("kubectl delete node node-1", "lab"),
    ("kubectl delete pod -l app=web -A", "lab"),
    # HTTP, by host and port
    ("curl -X POST http://127.0.0.1:8080/restart -d service=web", "http:localhost:8080"),
    ("curl -X DELETE https://API.example.com/cache", "http:api.example.com:443"),
    ("curl -X POST example.com/cache", "http:example.com:80"),
    ("wget --post-data=x https://api.example.com/flush", "http:api.example.com:443"),
    ("curl -X POST http://[::1]:9093/-/reload", "http:localhost:9093"),
    # a machine, by what is named there
    ("systemctl restart nginx", "host:localhost/nginx"),
    ("systemctl restart nginx.service", "host:localhost/nginx"),
    ("sudo -u root service nginx restart", "host:localhost/nginx"),
    ("docker restart -t 10 web", "host:localhost/web"),
    ("docker exec -it web nginx -s reload", "host:localhost/web"),
    ("docker compose restart web", "host:localhost/web"),
    ("rm -rf /var/log/app/", "host:localhost/var/log/app"),
    ("truncate -s 0 /var/log/a.log /var/log/b.log", "host:localhost/var/log/a.log; host:localhost/var/log/b.log"),
    ("echo 3 | tee /proc/sys/vm/drop_caches", "host:localhost/proc/sys/vm/drop_caches"),
    ("sysctl -w vm.swappiness=10", "host:localhost/vm.swappiness"),
    ("kill -9 4711", "host:localhost/process 4711"),
    ("ssh -p 2222 ops@WEB-1 sudo systemctl restart nginx", "host:web-1/nginx"),
    ("ssh web-1 'systemctl restart nginx'", "host:web-1/nginx"),
    ("ssh web-1", "host:web-1"),
    ("scp app.conf ops@web-1:/etc/app.conf", "host:localhost/app.conf; host:web-1/etc/app.conf"),
    ("env A=b timeout 10 systemctl restart nginx", "host:localhost/nginx"),
    ("bash -c 'systemctl stop nginx && systemctl start nginx'", "host:localhost/nginx"),
    ("bash -c 'for i in $(ls); do rm $i; done'", "host:localhost"),
    ("reboot", "host:localhost"),
    ("aws ec2 reboot-instances --instance-ids=i-1", "host:localhost/ec2"),
    # the platform's repository
    ("git tag v1", "git:/srv/platform.git"),
    ("npm publish", "git:/srv/platform.git"),
]
TOGETHER = [  # may these two be made at one time?
    ("systemctl restart nginx", "systemctl restart postfix", True),
    ("systemctl restart nginx", "service nginx restart", False),
    ("systemctl restart nginx", "docker restart web", True),
    ("docker restart web", "docker restart api", True),
    ("docker restart web", "docker stop web", False),
    ("rm -rf /var/log/app", "truncate -s 0 /var/log/app/today.log", False),
    ("rm -rf /var/log/app", "rm -rf /var/log/application", True),
    ("reboot", "systemctl restart nginx", False),
    ("ssh web-1 systemctl restart nginx", "ssh web-2 systemctl restart nginx", True),
    ("ssh web-1 systemctl restart nginx", "ssh ops@web-1 service nginx reload", False),
    ("ssh web-1 systemctl restart nginx", "systemctl restart nginx", True),
    ("curl -X POST http://localhost:8080/a", "wget --post-data=x http://127.0.0.1:8080/b", False),
    ("curl -X POST http://localhost:8080/a", "curl -X POST http://localhost:8081/a", True),
    ("kubectl exec web-0 -n shop -- redis-cli flushall", "kubectl rollout restart deployment/web -n shop", False),
    ("kubectl exec web-0 -n shop -- redis-cli flushall", "kubectl exec web-0 -n depot -- redis-cli flushall", True),
    ("kubectl drain node-1", "helm rollback shop 3 -n shop", False),
    ("git tag v1", "npm publish", False),
]


@pytest.mark.parametrize(("command", "held"), HOLDS)
def test_what_a_command_holds(command: str, held: str) -> None:
    assert of(command) == held


@pytest.mark.parametrize(("one", "other", "together"), TOGETHER)
def test_which_changes_exclude_one_another(one: str, other: str, together: bool) -> None:
    odds = any(holding.at_odds(mine, theirs) for mine in holding.apart(of(one)) for theirs in holding.apart(of(other)))
    assert odds is not together
    assert not odds or holding.at_odds(of(one), of(one))


@pytest.mark.parametrize(
    ("one", "other", "odds"),
    [
        ("lab/production", "lab/production", True),
        ("lab", "lab/production", True),
        ("lab/production", "lab", True),
        ("lab/production", "lab/production-eu", False),
        ("git:/srv/p.git", "git:/srv/p.git#fix", True),
        ("git:/srv/p.git#fix", "git:/srv/p.git#other", False),
        ("7301/primary", "7301/standby", False),
        ("http:a:80", "http:a:8080", False),
    ],
)
def test_a_part_and_its_whole_exclude_one_another(one: str, other: str, odds: bool) -> None:
    assert holding.at_odds(one, other) is odds
    assert holding.at_odds(other, one) is odds


@pytest.mark.parametrize(
    ("command", "held"),
    [
        ("psql -h db-7.example -p 6432 -c 'VACUUM orders'", "postgresql:db-7.example:6432"),
        ("psql postgresql://ops@db-7.example/shop -c 'VACUUM orders'", "postgresql:db-7.example:5432"),
        ("psql -h primary.shop -c 'VACUUM orders'", "lab/postgresql/primary"),  # known, and it says nothing of itself
        ("kubectl exec deploy/web -n shop -- redis-cli flushall", "lab/shop"),
        ("systemctl restart nginx", "host:localhost/nginx"),
        ("terraform apply -target=module.web", "host:localhost"),
    ],
)
def test_the_ground_gives_each_plan_its_key(tmp_path: Path, command: str, held: str) -> None:
    settings = GroundSettings(name="lab", namespace="production", database_hosts={"primary": "primary.shop"})
    ground = RealGround(settings, masker=Masker(), scratch=tmp_path)
    ask = Ask(target="local", identity="none", stages=(tuple(shlex.split(command)),), deadline=timedelta(seconds=5))
    assert ground.prospect(ask).target_key == held
