#!/usr/bin/env python3
"""Makes what follows from the list of services (crates/hms-model/src/service.rs).

    deploy/generate.py            writes it
    deploy/generate.py --check    says what is not up to date, and fails then

A service's own folder under k8s/ is made once, when it is missing; everything else here is written anew each time.
Only Python's own library is used.
"""

import json
import pathlib
import re
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATEWAY_PORT = 8080
# Where notification sends; its messages are files where there is none.
PROVIDERS = ["HMS_MAIL_FROM", "SMTP_URL", "SMS_URL", "WEB_PUSH_URL", "FCM_URL", "HMS_FCM_ACCOUNT"]
MADE = "Made by deploy/generate.py from the list of services."


def services():
    """Name, port and resources of each service, in the order of the list."""
    text = (ROOT / "crates/hms-model/src/service.rs").read_text()
    rows = re.findall(r'^ {12}(\w+) (\d+) \[([^\]]*)\],$', text, re.M)
    if not rows:
        sys.exit("the list of services cannot be read")
    return [(name, int(port), re.findall(r'"([^"]+)"', resources)) for name, port, resources in rows]


def sealing_keys(name):
    """The settings of a service that hold a key which all its replicas share and no database has (hms-seal)."""
    text = "".join(file.read_text() for file in sorted((ROOT / "services" / name / "src").rglob("*.rs")))
    return sorted(set(re.findall(r'OwnKey::open\([^"]*"(HMS_\w+_KEY)"', text)))


def kustomization(name, port):
    return f"""apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base/service]
nameSuffix: -{name}
labels:
  - pairs: {{ app.kubernetes.io/name: hms-{name}, app.kubernetes.io/component: {name} }}
    includeSelectors: true
images:
  - {{ name: hms/service, newName: hms-{name}, newTag: 0.1.0 }}
patches:
  - target: {{ kind: Deployment }}
    patch: |-
      - {{ op: replace, path: /spec/template/spec/containers/0/ports/0/containerPort, value: {port} }}
      - {{ op: replace, path: /spec/template/spec/containers/0/envFrom/1/secretRef/name, value: hms-{name} }}
      - {{ op: replace, path: /spec/template/spec/initContainers/0/envFrom/1/secretRef/name, value: hms-{name} }}
  - target: {{ kind: Service }}
    patch: |-
      - {{ op: replace, path: /spec/ports/0/port, value: {port} }}
"""


def secret(name):
    text = f"""# What must be there before `kubectl apply -k k8s/{name}`: from a secret store (docs/operating.md), or, with values of
# your own, by `kubectl apply -f`. It is not part of the kustomization.
apiVersion: v1
kind: Secret
metadata:
  name: hms-{name}
type: Opaque
stringData:
  DATABASE_URL: postgres://{name}:change-me@postgresql:5432/{name}_db
  AMQP_URL: amqp://{name}:change-me@rabbitmq:5672/%2f
"""
    # The same for all replicas: openssl rand -base64 32
    return text + "".join(f"  {key}: change-me\n" for key in sealing_keys(name))


def platform(listed):
    lines = "".join(f"  - ../{name}\n" for name, _, _ in listed)
    return f"""# {MADE}
# All services and the gateway. Each of them can be applied alone.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
{lines}  - ../gateway
"""


def routes(listed):
    text = f"# {MADE}\n# gateway/README.md describes it; `hms-gateway routes check FILE` checks it.\n"
    for name, port, resources in listed:
        quoted = ", ".join(f'"{resource}"' for resource in resources)
        text += f'\n[[upstream]]\nname = "{name}"\nurl = "http://hms-{name}:{port}"\nresources = [{quoted}]\n'
    return text


def databases(listed):
    text = f"-- {MADE}\n-- For development: the password of each role is its name.\n"
    for name, _, _ in listed:
        text += f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{name}';\nCREATE DATABASE {name}_db OWNER \"{name}\";\n"
    return text


def dev_secrets(listed):
    text = f"""# {MADE}
# Secrets for development only: everybody can read them here.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
generatorOptions: {{ disableNameSuffixHash: true }}
secretGenerator:
  - name: hms-service-clients
    literals:
"""
    names = [name for name, _, _ in listed] + ["gateway"]
    text += "".join(f"      - {name}=client-of-{name}-for-development\n" for name in names)
    for name, _, _ in listed:
        text += f"  - name: hms-{name}\n    literals:\n"
        text += f"      - DATABASE_URL=postgres://{name}:{name}@postgresql:5432/{name}_db\n"
        text += "      - AMQP_URL=amqp://guest:guest@rabbitmq:5672/%2f\n"
        for key in sealing_keys(name):
            text += f"      - {key}=aGVyZSBhcmUgMzIgYnl0ZXMgZm9yIGRldmVsb3BtZW4=\n"
        if name == "auth":
            text += "      - HMS_ADMIN_PASSWORD=only for development\n"
    text += "  - name: hms-gateway\n    literals:\n      - HMS_CLIENT_SECRET=client-of-gateway-for-development\n"
    return text


def compose(listed):
    text = f"# {MADE} compose.yaml includes it.\nservices:\n"
    for name, port, _ in listed:
        text += f"""  {name}:
    extends: {{ file: service.yaml, service: service }}
    image: hms-{name}:${{HMS_VERSION:-0.1.0}}
    build: {{ context: ../.., dockerfile: deploy/image/Dockerfile, args: {{ SERVICE: {name} }} }}
    environment:
      DATABASE_URL: postgres://{name}:{name}@postgresql:5432/{name}_db
"""
        for key in sealing_keys(name):
            text += f"      {key}: ${{{key}:?32 bytes in base64, see .env.example}}\n"
        if name == "auth":
            text += "      HMS_SERVICE_CLIENTS: /run/secrets\n"
            text += "      HMS_ADMIN_PASSWORD: ${HMS_ADMIN_PASSWORD:?see .env.example}\n"
            text += "    secrets: [{ source: client-gateway, target: gateway }]\n"
        if name == "notification":
            text += "".join(f"      {key}: ${{{key}:-}}\n" for key in PROVIDERS)
            # What has no provider is written as files in it.
            text += "    volumes: [outgoing:/data]\n"
        else:
            text += '    tmpfs: ["/data:uid=65532,gid=65532,mode=0700"]\n'
        text += f"    networks: {{ hms: {{ aliases: [hms-{name}] }} }}\n"
        text += f'    expose: ["{port}"]\n'
    return text


def targets(listed):
    rows = [
        {"targets": [f"hms-{name}:{port}"], "labels": {"service": name}}
        for name, port, _ in listed + [("gateway", GATEWAY_PORT, [])]
    ]
    return json.dumps(rows, indent=2) + "\n"


# --- dashboards -----------------------------------------------------------------------------------------------


def panel(title, exprs, unit, place, kind="timeseries"):
    x, y, w = place
    made = {
        "type": kind,
        "title": title,
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "gridPos": {"x": x, "y": y, "w": w, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + i), "expr": expr, "legendFormat": legend} for i, (expr, legend) in enumerate(exprs)
        ],
    }
    return made


TRACES = "/explore?" + urllib.parse.urlencode(
    {
        "schemaVersion": 1,
        "orgId": 1,
        "panes": json.dumps(
            {
                "hms": {
                    "datasource": "tempo",
                    "queries": [
                        {
                            "refId": "A",
                            "datasource": {"type": "tempo", "uid": "tempo"},
                            "queryType": "traceql",
                            "query": '{ resource.service.namespace = "hms" && status = error }',
                        }
                    ],
                }
            },
            separators=(",", ":"),
        ),
    }
)


def dashboard(uid, title, panels):
    made = []
    for i, (name, exprs, unit, *kind) in enumerate(panels):
        made.append(panel(name, exprs, unit, ((i % 2) * 12, (i // 2) * 8, 12), *kind) | {"id": i + 1})
    document = {
        "uid": uid,
        "title": title,
        "tags": ["hms"],
        "timezone": "browser",
        "schemaVersion": 39,
        "version": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "panels": made,
        # Traces that failed; there a trace is found by its id of the log too.
        "links": [
            {"title": "Traces", "type": "link", "icon": "external link", "url": TRACES, "targetBlank": True, "keepTime": True}
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


REQUESTS = "http_server_request_duration_seconds"


def requests(selector, by, share=None):
    """Rate, errors and durations of what a selector names; errors by another label where they are not to be told apart."""
    rate, by = by, share or by
    return [
        ("Requests", [(f"sum by ({rate}) (rate({REQUESTS}_count{{{selector}}}[5m]))", "{{" + rate + "}}")], "reqps"),
        (
            "Answers with 5xx, share",
            [
                (
                    # Where there is none, the share is nothing, and not unknown.
                    f'(sum by ({by}) (rate({REQUESTS}_count{{{selector},status=~"5.."}}[5m]))'
                    f" or sum by ({by}) (rate({REQUESTS}_count{{{selector}}}[5m])) * 0)"
                    f" / sum by ({by}) (rate({REQUESTS}_count{{{selector}}}[5m]))",
                    "{{" + by + "}}",
                )
            ],
            "percentunit",
        ),
        (
            "Duration",
            [
                (f"histogram_quantile({q}, sum by (le) (rate({REQUESTS}_bucket{{{selector}}}[5m])))", f"p{q * 100:g}")
                for q in (0.5, 0.95, 0.99)
            ],
            "s",
        ),
    ]


def process(selector):
    return [
        ("CPU", [(f"rate(process_cpu_seconds_total{{{selector}}}[5m])", "{{instance}}")], "percentunit"),
        ("Memory", [(f"process_resident_memory_bytes{{{selector}}}", "{{instance}}")], "bytes"),
    ]


AUTH = [
    (
        "Sign-ins",
        [
            ("sum(rate(hms_auth_sign_ins_total[5m]))", "admitted"),
            ("sum(rate(hms_auth_failed_attempts_total[5m]))", "wrong"),
            ("sum(rate(hms_auth_attempts_locked_out_total[5m]))", "in a wait"),
            ("sum(rate(hms_auth_lockouts_total[5m]))", "waits begun"),
        ],
        "cps",
    )
]
AUDIT = [
    ("The chain is broken", [("max(hms_audit_chain_broken)", "broken")], "none", "stat"),
    (
        "Since the whole chain was looked at",
        [("time() - max(hms_audit_chain_inspected_timestamp_seconds)", "age")],
        "s",
        "stat",
    ),
]
OWN = {"auth": AUTH, "audit": AUDIT}


def service_dashboard(name):
    own = f'service="{name}"'
    panels = requests(own, "route") + [
        (
            "Database connections",
            [
                (f"sum(hms_database_connections_in_use{{{own}}})", "at work"),
                (f"sum(hms_database_connections_max{{{own}}})", "at most"),
                (f"sum(hms_database_requests_waiting{{{own}}})", "waiting"),
            ],
            "none",
        ),
        ("Outbox, events", [(f"max(hms_outbox_events{{{own}}})", "events")], "none"),
        ("Outbox, age of the oldest", [(f"max(hms_outbox_oldest_age_seconds{{{own}}})", "age")], "s"),
        (
            "Deliveries",
            [
                (f"sum(rate(hms_bus_deliveries_total{{{own}}}[5m]))", "done"),
                (f"sum(rate(hms_bus_deliveries_retried_total{{{own}}}[5m]))", "put off"),
            ],
            "cps",
        ),
        ("Dead letters", [(f"max(hms_dead_letters{{{own}}})", "waiting")], "none"),
    ]
    return dashboard(f"hms-{name}", f"HMS / {name}", panels + OWN.get(name, []) + process(own))


def gateway_dashboard():
    own = 'service="gateway"'

    def per(metric, legend="{{upstream}}", window=True):
        rate = f"rate({metric}[5m])" if window else metric
        by = legend.strip("{}")
        return [(f"sum by ({by}) ({rate})", legend)]

    panels = requests(own, "status", share="service") + [
        (
            "Services, p95 to the head of the answer",
            [
                (
                    "histogram_quantile(0.95, sum by (le, upstream) (rate(gateway_upstream_duration_seconds_bucket[5m])))",
                    "{{upstream}}",
                )
            ],
            "s",
        ),
        ("No answer, by kind", per("gateway_upstream_failures_total", "{{kind}}"), "cps"),
        (
            "Breakers (0 closed, 1 half open, 2 open)",
            [("max by (upstream) (gateway_upstream_breaker_state)", "{{upstream}}")],
            "none",
        ),
        ("Requests under way", per("gateway_upstream_requests", window=False), "none"),
        ("Streams open", per("gateway_upstream_streams", window=False), "none"),
        (
            "Sent again",
            [
                ("sum by (upstream) (rate(gateway_upstream_retries_total[5m]))", "{{upstream}}"),
                ("sum by (upstream) (rate(gateway_upstream_retries_refused_total[5m]))", "{{upstream}} refused"),
            ],
            "cps",
        ),
        ("Endpoints ejected", per("gateway_upstream_ejections_total"), "cps"),
        ("Usable endpoints", per("gateway_endpoint_usable", window=False), "none"),
        ("Refused by a limit", per("hms_gateway_rate_limited_total", "{{rule}}"), "reqps"),
        (
            "Connections",
            [("sum(gateway_connections)", "open"), ("sum(rate(gateway_connections_refused_total[5m]))", "refused")],
            "none",
        ),
        (
            "Bodies",
            [
                ("sum(rate(gateway_request_bytes_total[5m]))", "received"),
                ("sum(rate(gateway_response_bytes_total[5m]))", "sent"),
            ],
            "Bps",
        ),
        ("Age of the list of what is revoked", [("max(hms_gateway_revocations_age_seconds)", "age")], "s"),
        ("Counting in Redis", [("min(hms_gateway_limits_redis_up)", "redis")], "none", "stat"),
        (
            "Certificate ends in",
            [("min(gateway_tls_certificate_expiry_timestamp_seconds) - time()", "left")],
            "s",
            "stat",
        ),
        ("Log lines dropped", [("sum(rate(log_lines_dropped_total[5m]))", "lines")], "cps"),
    ]
    return dashboard("hms-gateway", "HMS / gateway", panels + process(own))


def events_dashboard():
    panels = [
        ("Outbox, events", [("max by (service) (hms_outbox_events)", "{{service}}")], "none"),
        ("Outbox, age of the oldest", [("max by (service) (hms_outbox_oldest_age_seconds)", "{{service}}")], "s"),
        ("Published", [("sum by (service) (rate(hms_bus_events_published_total[5m]))", "{{service}}")], "cps"),
        ("Deliveries", [("sum by (service) (rate(hms_bus_deliveries_total[5m]))", "{{service}}")], "cps"),
        ("Put off", [("sum by (service) (rate(hms_bus_deliveries_retried_total[5m]))", "{{service}}")], "cps"),
        (
            "p95 from change to effect",
            [("histogram_quantile(0.95, sum by (service, le) (rate(hms_bus_delivery_lag_seconds_bucket[5m])))", "{{service}}")],
            "s",
        ),
        ("Jobs, waiting", [("max by (queue) (hms_jobs_waiting)", "{{queue}}")], "none"),
        ("Jobs, age of the oldest", [("max by (queue) (hms_jobs_oldest_age_seconds)", "{{queue}}")], "s"),
        ("Jobs, done", [("sum by (queue) (rate(hms_jobs_done_total[5m]))", "{{queue}}")], "cps"),
        ("Jobs, put off", [("sum by (queue) (rate(hms_jobs_retried_total[5m]))", "{{queue}}")], "cps"),
        ("Dead letters, new", [("sum by (service) (increase(hms_bus_dead_letters_total[1h]))", "{{service}}")], "none"),
        ("Dead letters, waiting", [("max by (service) (hms_dead_letters)", "{{service}}")], "none"),
    ]
    return dashboard("hms-events", "HMS / events", panels)


def overview_dashboard():
    panels = [
        ("Up", [("sum by (service) (up{job=\"hms\"})", "{{service}}")], "none", "stat"),
        (
            "Availability at the gateway, 30 days",
            [("1 - hms:gateway_errors:ratio_rate30d", "available")],
            "percentunit",
            "stat",
        ),
        (
            "Error budget burnt, 1 = just as fast as allowed",
            [("hms:gateway_errors:ratio_rate1h / 0.001", "1 h"), ("hms:gateway_errors:ratio_rate6h / 0.001", "6 h")],
            "none",
        ),
        ("Alerts", [("sum by (alertname) (ALERTS{alertstate=\"firing\"})", "{{alertname}}")], "none"),
        *requests('service!="gateway"', "service"),
        ("Outbox, age of the oldest", [("max by (service) (hms_outbox_oldest_age_seconds)", "{{service}}")], "s"),
        ("Dead letters", [("max by (service) (hms_dead_letters)", "{{service}}")], "none"),
        (
            "Breakers (0 closed, 1 half open, 2 open)",
            [("max by (upstream) (gateway_upstream_breaker_state)", "{{upstream}}")],
            "none",
        ),
    ]
    return dashboard("hms-overview", "HMS / overview", panels)


# --- all of it ------------------------------------------------------------------------------------------------


def rule_resource():
    """The rules once more, as the Prometheus operator reads them."""
    groups = (ROOT / "deploy/prometheus/rules.yml").read_text().split("\ngroups:\n", 1)[1]
    body = "".join("  " + line + "\n" if line else "\n" for line in groups.rstrip("\n").split("\n"))
    return f"""# {MADE[:-len("the list of services.")]}deploy/prometheus/rules.yml.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: hms
spec:
  groups:
{body}"""


def made(listed):
    files = {
        "k8s/platform/kustomization.yaml": platform(listed),
        "k8s/gateway/routes.toml": routes(listed),
        "k8s/base/postgresql/databases.sql": databases(listed),
        "k8s/components/dev-secrets/kustomization.yaml": dev_secrets(listed),
        "k8s/components/monitoring/rules.yaml": rule_resource(),
        "deploy/compose/services.yaml": compose(listed),
        "deploy/prometheus/targets.json": targets(listed),
        "deploy/grafana/dashboards/overview.json": overview_dashboard(),
        "deploy/grafana/dashboards/gateway.json": gateway_dashboard(),
        "deploy/grafana/dashboards/events.json": events_dashboard(),
    }
    for name, port, _ in listed:
        files[f"deploy/grafana/dashboards/service-{name}.json"] = service_dashboard(name)
        folder = ROOT / "k8s" / name
        if not (folder / "kustomization.yaml").exists():
            files[f"k8s/{name}/kustomization.yaml"] = kustomization(name, port)
        if not (folder / "secret.example.yaml").exists():
            files[f"k8s/{name}/secret.example.yaml"] = secret(name)
    return files


def main():
    check = sys.argv[1:] == ["--check"]
    stale = []
    for path, text in made(services()).items():
        file = ROOT / path
        if file.exists() and file.read_text() == text:
            continue
        stale.append(path)
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    for path in stale:
        print(f"{'not up to date' if check else 'written'}: {path}")
    if check and stale:
        sys.exit("run deploy/generate.py")


if __name__ != "list":
    main()
