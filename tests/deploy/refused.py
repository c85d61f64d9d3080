"""Each rule of check.py refuses what it is there for: one case a rule. The manifests are built once; a case changes what was
built, in one place, and is well only if exactly the expected is said. Some cases change the files themselves, and the whole is
built of them. A rule of check.py without a case fails too."""

import copy
import itertools
import pathlib
import re
import shutil
import sys
import tempfile

import check

GONE = object()
POD = "spec/template/spec"
SERVICE = POD + "/containers/0"
LABEL = "app.kubernetes.io/name"

# Of one service: the kind that is changed, where, what is put there, and what is said.
OF_A_SERVICE = [
    ("Deployment", f"{POD}/securityContext/runAsNonRoot", False, "must run as another user than root"),
    ("Deployment", f"{POD}/securityContext/runAsUser", 0, "must run as another user than root"),
    ("Deployment", f"{POD}/securityContext/seccompProfile", GONE, "needs the seccomp profile RuntimeDefault"),
    ("Deployment", f"{POD}/automountServiceAccountToken", GONE, "must not get a token of the cluster"),
    ("ServiceAccount", "automountServiceAccountToken", GONE, "its service account hands tokens of the cluster out"),
    ("Deployment", f"{POD}/hostNetwork", True, "must not have hostNetwork"),
    ("Deployment", f"{POD}/volumes/0", {"name": "data", "hostPath": {"path": "/"}}, "volume data is a folder of the host"),
    ("Deployment", f"{SERVICE}/securityContext/allowPrivilegeEscalation", True, "must not gain privileges"),
    ("Deployment", f"{SERVICE}/securityContext/capabilities/drop", [], "must drop all capabilities"),
    ("Deployment", f"{POD}/initContainers/0/securityContext/readOnlyRootFilesystem", False, "needs a read-only root"),
    ("Deployment", f"{SERVICE}/resources/limits", GONE, "a limit of memory"),
    ("Deployment", f"{SERVICE}/resources/requests/cpu", GONE, "needs requests of CPU and memory"),
    ("Deployment", f"{SERVICE}/image", "hms-appointment:latest", "image hms-appointment:latest needs a version"),
    ("Deployment", f"{SERVICE}/image", "other:1", "its image is called hms-appointment"),
    ("Deployment", f"{SERVICE}/startupProbe", GONE, "has no startup probe"),
    ("Deployment", f"{SERVICE}/readinessProbe", GONE, "has no readiness probe"),
    ("Deployment", f"{SERVICE}/livenessProbe", GONE, "has no liveness probe"),
    ("Deployment", f"{SERVICE}/livenessProbe/httpGet/path", "/healthz", "the liveness probe asks /healthz"),
    ("Deployment", f"{SERVICE}/ports/0/containerPort", 1, "its port is 8002"),
    ("Service", "spec/ports/0/port", 1, "the port of its Service is 8002"),
    ("Deployment", "spec/replicas", 1, "the autoscaler says how many replicas there are"),
    ("Deployment", "spec/strategy/rollingUpdate/maxUnavailable", 1, "must not take a replica away"),
    ("HorizontalPodAutoscaler", "spec/minReplicas", 1, "one replica is none while it is moved"),
    ("HorizontalPodAutoscaler", "spec/scaleTargetRef/name", "other", "the autoscaler is for another deployment"),
    ("Deployment", f"{POD}/serviceAccountName", "default", "the service account is another one"),
    ("Deployment", f"{POD}/topologySpreadConstraints", GONE, "replicas must be spread over nodes"),
    ("Deployment", f"{POD}/initContainers", GONE, "needs one init container that migrates"),
    ("Deployment", f"{POD}/terminationGracePeriodSeconds", 15, "it is killed before it has drained"),
    ("Deployment", f"{SERVICE}/readinessProbe/periodSeconds", 9, "it stops before anybody can see"),
    ("Service", f"spec/selector/{LABEL.replace('/', '~')}", GONE, "the selector of its Service finds other pods too"),
    ("Service", "spec/selector/tier", "x", "the selector of its Service does not find its pods"),
    ("ConfigMap", "data/HMS_BIN", "1", "HMS_BIN is no setting of it"),
    ("Deployment", f"{SERVICE}/envFrom/1/secretRef/name", "hms-auth", "takes its settings from"),
    ("Deployment", f"{POD}/volumes/0", {"name": "data", "configMap": {"name": "no"}}, "nobody makes no"),
    ("Deployment", "spec/minReadySecond", 5, "minReadySecond"),
    ("Service", "metadata/name", "other", "its Service must be called hms-appointment"),
] + [(kind, "", GONE, f"needs one {kind}") for kind in check.EACH]

# Of the gateway.
OF_THE_GATEWAY = [
    ("Deployment", f"{POD}/initContainers", [{"name": "migrate", "image": "a:1"}], "the gateway has nothing to migrate"),
]

# Of the network of the overlay dev: the policy, where, what, and what is said.
OF_THE_NETWORK = [
    ("hms-user", "spec/ingress/0/from/0", GONE, "hms-gateway cannot reach hms-user"),
    ("hms-user", "spec/ingress/0/from", GONE, "hms-billing must not reach hms-user", ("hms-billing", "spec/egress", [{}])),
    ("hms-user", "spec/ingress/0/from/1", GONE, "Prometheus cannot reach hms-user"),
    ("hms-user", "spec/egress/0", GONE, "hms-user cannot resolve names"),
    ("hms-user", "spec/ingress/0", {}, "strangers and hms-user"),
    ("hms-user", "spec/policyTypes", ["Ingress"], "hms-user is not closed in both directions"),
    ("postgresql", "spec/ingress", [], "hms-user cannot reach postgresql"),
]

# Of an overlay: which, the kind and name, where, what, and what is said.
OF_AN_OVERLAY = [
    ("production", ("Ingress", "hms"), "spec/tls", GONE, "lets clients in without TLS"),
    ("production", ("Ingress", "hms"), "spec/rules/0/http/paths/0/path", "/", "opens / to the internet"),
    ("production", ("Ingress", "hms"), "spec/rules/0/http/paths/0/backend/service/name", "x", "leads to x at http"),
    ("production", ("Ingress", "hms"), "", GONE, "nothing leads in from outside"),
    ("production", ("Namespace", "hms"), "metadata/labels", {}, "does not enforce the profile restricted"),
    ("production", ("NetworkPolicy", "default-deny"), "", GONE, "what has no policy of its own is not closed"),
    ("production", ("Deployment", "hms-user"), "", GONE, "has no user"),
    ("production", ("Deployment", "hms-user"), "metadata/namespace", GONE, "hms-user is in no namespace"),
    ("production", ("ServiceMonitor", "hms"), "spec/endpoints/0/interval", 15, "interval must be string"),
    ("production-gateway-api", ("Gateway", "hms"), "spec/listeners/0/protocol", "HTTP", "lets clients in without TLS"),
    ("production-gateway-api", ("Gateway", "hms"), "spec/gatewayClassName", GONE, "required property"),
    ("production-gateway-api", ("HTTPRoute", "hms"), "spec/rules/0/backendRefs/0/port", 1, "leads to hms-gateway at 1"),
    ("production-gateway-api", ("HTTPRoute", "hms"), "spec/rules/0/matches", GONE, "opens / to the internet"),
]

# Of the files that the service appointment is built of: which, what stands in it, what is put there, and what is said.
BASE = "base/service"
OF_A_FILE = [
    ("appointment/secret.example.yaml", "  AMQP_URL", "  AMQP_URI", "AMQP_URI of its secret is no setting"),
    (f"{BASE}/deployment.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "another user than root"),
    (f"{BASE}/deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "read-only root"),
    (f"{BASE}/deployment.yaml", "drop: [ALL]", "drop: []", "drop all capabilities"),
    (f"{BASE}/deployment.yaml", "limits: { memory: 256Mi }", "limits: {}", "a limit of memory"),
    (f"{BASE}/deployment.yaml", "path: /health/ready", "path: /readyz", "readiness probe asks /readyz"),
    (
        f"{BASE}/deployment.yaml",
        "terminationGracePeriodSeconds: 40",
        "terminationGracePeriodSeconds: 20",
        "killed before",
    ),
    (f"{BASE}/deployment.yaml", "minReadySeconds: 5", "minReadySecond: 5", "minReadySecond"),
    (f"{BASE}/kustomization.yaml", "HMS_BIND", "HMS_BIN", "HMS_BIN is no setting"),
    (f"{BASE}/kustomization.yaml", "  - disruption.yaml\n", "", "needs one PodDisruptionBudget"),
    (f"{BASE}/network.yaml", "[hms-gateway]", "[hms-gatewy]", "hms-gateway cannot reach hms-appointment"),
    (f"{BASE}/network.yaml", "[hms-auth]", "[hms-user]", "hms-appointment cannot reach hms-auth"),
    ("appointment/kustomization.yaml", "value: 8002", "value: 8003", "its port is 8002"),
]

# Rules that look at more than what was built, and that no case breaks: that a folder is there at all, and its secrets.
ELSEWHERE = {
    "is missing: run deploy/generate.py",
    "so that its secret has it",
    "its database is",
    "has no secret",
    "holds",
    "secrets are not part of it",
}


def change(documents, chosen, path, value):
    """A copy of the documents in which one place of one document is another."""
    documents = copy.deepcopy(documents)
    (document,) = [document for document in documents if chosen(document)][:1]
    if not path:
        return [other for other in documents if other is not document]
    *way, last = [int(key) if key.isdigit() else key.replace("~", "/") for key in path.split("/")]
    place = document
    for key in way:
        place = place[key]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return documents


def said(changed, judge, *arguments):
    """What is said of documents, of which only the changed one can break a schema."""
    check.problems.clear()
    try:
        check.schemas("schemas", changed)
        judge(*arguments)
    except (KeyError, IndexError, TypeError) as error:
        # A broken manifest may be one that a later rule cannot even read; it has been refused before.
        if not check.problems:
            check.wrong("check.py", f"stumbled over {error!r} before it refused anything")
    return list(check.problems)


def new(changed, documents):
    return [document for document in changed if document not in documents]


def kind(of):
    return lambda document: document["kind"] == of


def named(of, name):
    return lambda document: document["kind"] == of and document["metadata"]["name"] == name


def cases(listed):
    k8s = check.ROOT / "k8s"
    for service, port, table in (("appointment", 8002, OF_A_SERVICE), ("gateway", 8080, OF_THE_GATEWAY)):
        built = check.build(k8s / service)
        yield service, said(built, check.judge, k8s, service, port, built), None
        for of, path, value, expected in table:
            changed = change(built, kind(of), path, value)
            problems = said(new(changed, built), check.judge, k8s, service, port, changed)
            yield f"{service}: {of} {path}", problems, expected
    built = check.build(k8s / "overlays/dev")
    yield "network", said([], check.network, built, listed), None
    for policy, path, value, expected, *more in OF_THE_NETWORK:
        changed = change(built, named("NetworkPolicy", policy), path, value)
        for other, other_path, other_value in more:
            changed = change(changed, named("NetworkPolicy", other), other_path, other_value)
        yield f"network: {policy} {path}", said([], check.network, changed, listed), expected
    overlays = {}
    for name, (of, resource), path, value, expected in OF_AN_OVERLAY:
        if name not in overlays:
            overlays[name] = check.build(k8s / "overlays" / name)
            yield name, said([], check.judge_overlay, name, listed, overlays[name]), None
        changed = change(overlays[name], named(of, resource), path, value)
        problems = said(new(changed, overlays[name]), check.judge_overlay, name, listed, changed)
        yield f"{name}: {of} {path}", problems, expected


def of_files(listed):
    with tempfile.TemporaryDirectory(prefix="hms-k8s-") as made:
        for number, (file, old, new, expected) in enumerate(OF_A_FILE):
            k8s = pathlib.Path(made) / str(number)
            shutil.copytree(check.ROOT / "k8s", k8s)
            text = (k8s / file).read_text()
            check.problems.clear()
            if old not in text:
                check.wrong(file, f"has no {old!r}")
            (k8s / file).write_text(text.replace(old, new))
            check.folder(k8s, "appointment", listed)
            yield f"{file}: {new!r}", list(check.problems), expected


def untried(heard):
    """The sentences of check.py that no case has provoked."""
    source = (check.ROOT / "tests/deploy/check.py").read_text()
    for text in re.findall(r'wrong\([^"\n]*?(?:f"[^"\n]*", )?f?"([^"\n]*)"\)', source):
        fixed = max((part.strip() for part in re.split(r"\{[^}]*\}", text)), key=len)
        if fixed and not any(fixed in sentence for sentence in heard) and not any(e in text for e in ELSEWHERE):
            yield text


def main():
    failures, heard, count = [], [], 0
    listed = check.GENERATE["services"]()
    for case, problems, expected in itertools.chain(cases(listed), of_files(listed)):
        heard += problems
        count += expected is not None
        if expected is None and problems:
            failures.append(f"{case}: refused as it is: {problems}")
        if expected is not None and not any(expected in problem for problem in problems):
            failures.append(f"{case}: {expected!r} was not said, but {problems}")
    failures += [f"no case provokes {text!r}" for text in untried(heard)]
    if failures:
        sys.exit("\n".join(failures))
    print(f"{count} broken manifests were refused")


main()
