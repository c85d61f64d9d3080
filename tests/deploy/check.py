"""The manifests under k8s/ against the schemas of Kubernetes, the list of services, the sources, and what every workload
here must be: see the rules below. Says all that is wrong, and fails then."""

import argparse
import functools
import json
import os
import pathlib
import re
import runpy
import subprocess
import sys

import kubernetes_validate
import kubernetes_validate.utils
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# The oldest that still gets fixes, more or less, and the newest that is known here.
VERSIONS = ["1.30", "1.36"]
# Kinds of others than Kubernetes (the Prometheus operator, the Gateway API): custom.mjs has their schemas.
CUSTOM = {"ServiceMonitor", "PrometheusRule", "Gateway", "HTTPRoute"}
EACH = ["Deployment", "Service", "ServiceAccount", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"]
NAME = "app.kubernetes.io/name"

# What makes the files that follow from the list of services; it writes nothing when it is only read.
GENERATE = runpy.run_path(str(ROOT / "deploy/generate.py"), run_name="list")

# It would read its files, megabytes of them, for each document anew.
for reads in ("schema_contents", "all_versions"):
    setattr(kubernetes_validate.utils, reads, functools.cache(getattr(kubernetes_validate.utils, reads)))
# The same in C, where PyYAML was built with it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

problems = []


def wrong(where, what):
    problems.append(f"{where}: {what}")


def build(folder):
    kubectl = os.environ.get("KUBECTL", "kubectl")
    made = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    if made.returncode:
        wrong(folder, made.stderr.strip())
        return []
    return [document for document in yaml.load_all(made.stdout, Loader=LOADER) if document]


def schemas(where, documents):
    custom = [document for document in documents if document["kind"] in CUSTOM]
    if custom:
        script = pathlib.Path(__file__).with_name("custom.mjs")
        said = subprocess.run(["node", script], input=json.dumps(custom), capture_output=True, text=True, check=False)
        if said.returncode:
            wrong(where, said.stderr.strip())
        for line in said.stdout.splitlines():
            wrong(where, line)
    for document in documents:
        if document["kind"] in CUSTOM:
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except Exception as error:  # each kind of refusal has its own
                place = "/".join(str(part) for part in getattr(error, "path", []))
                text = getattr(error, "message", error)
                wrong(where, f"{document['kind']} {document['metadata']['name']}, Kubernetes {version}: {place}: {text}")


# --- what every workload is -----------------------------------------------------------------------------------


def pods(documents):
    for document in documents:
        if document["kind"] in ("Deployment", "StatefulSet"):
            yield document["metadata"]["name"], document["spec"]["template"]


def restricted(where, template):
    """The profile `restricted` of the Pod Security Standards, and a root file system that is read-only."""
    spec = template["spec"]
    security = spec.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        wrong(where, "must run as another user than root")
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        wrong(where, "needs the seccomp profile RuntimeDefault")
    if spec.get("automountServiceAccountToken") is not False:
        wrong(where, "must not get a token of the cluster")
    for host in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(host):
            wrong(where, f"must not have {host}")
    for volume in spec.get("volumes", []):
        if "hostPath" in volume:
            wrong(where, f"volume {volume['name']} is a folder of the host")
    for container in spec.get("initContainers", []) + spec["containers"]:
        place = f"{where}, container {container['name']}"
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            wrong(place, "must not gain privileges")
        if own.get("capabilities", {}).get("drop") != ["ALL"] or own["capabilities"].get("add"):
            wrong(place, "must drop all capabilities")
        if own.get("readOnlyRootFilesystem") is not True:
            wrong(place, "needs a read-only root file system")
        resources = container.get("resources", {})
        if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get("limits", {}):
            wrong(place, "needs requests of CPU and memory, and a limit of memory")
        tag = container["image"].partition(":")[2]
        if tag in ("", "latest"):
            wrong(place, f"image {container['image']} needs a version")


# --- what the sources say -------------------------------------------------------------------------------------


@functools.cache
def known_names(name):
    """The names of settings, as the sources of a service and of the shared crates have them."""
    own = ROOT / "gateway/src" if name == "gateway" else ROOT / "services" / name / "src"
    folders = [own] + [crate / "src" for crate in (ROOT / "crates").iterdir() if crate.name not in ("hms", "hms-testkit")]
    text = "".join(file.read_text() for folder in folders for file in folder.rglob("*.rs"))
    return set(re.findall(r'"([A-Z][A-Z0-9_]+)"', text))


def seconds(path, constant):
    return int(re.search(constant + r": u64 = (\d+);", (ROOT / path).read_text()).group(1))


def health_paths(name):
    if name == "gateway":
        return set(re.findall(r'page\(cfg, "(/health[^"]*)"', (ROOT / "gateway/src/own.rs").read_text()))
    return set(re.findall(r'#\[get\("(/health[^"]*)"\)\]', (ROOT / "crates/hms-service/src/health.rs").read_text()))


# --- one service ----------------------------------------------------------------------------------------------


def service(k8s, name, port):
    documents = build(k8s / name)
    if documents:
        schemas(f"k8s/{name}", documents)
        judge(k8s, name, port, documents)


def judge(k8s, name, port, documents):
    where = f"k8s/{name}"
    of_kind = {}
    for document in documents:
        of_kind.setdefault(document["kind"], []).append(document)
    for kind in EACH:
        if len(of_kind.get(kind, [])) != 1:
            wrong(where, f"needs one {kind}")
    if problems:
        return
    if "Secret" in of_kind:
        wrong(where, "secrets are not part of it")
    if set(of_kind) - set(EACH) - {"ConfigMap"}:
        wrong(where, f"holds {sorted(of_kind)}")
    full = f"hms-{name}"
    for kind in EACH:
        if of_kind[kind][0]["metadata"]["name"] != full:
            wrong(where, f"its {kind} must be called {full}")
    deployment, template = of_kind["Deployment"][0], of_kind["Deployment"][0]["spec"]["template"]
    restricted(where, template)
    rollout(where, name, deployment, of_kind)
    ports_and_probes(where, name, port, deployment, of_kind["Service"][0])
    selectors(where, full, deployment, of_kind)
    settings(k8s, where, name, deployment, of_kind["ConfigMap"])


def rollout(where, name, deployment, of_kind):
    spec, pod = deployment["spec"], deployment["spec"]["template"]["spec"]
    if "replicas" in spec:
        wrong(where, "the autoscaler says how many replicas there are")
    if spec["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
        wrong(where, "a rolling update must not take a replica away before another is ready")
    if of_kind["HorizontalPodAutoscaler"][0]["spec"]["minReplicas"] < 2:
        wrong(where, "one replica is none while it is moved")
    target = of_kind["HorizontalPodAutoscaler"][0]["spec"]["scaleTargetRef"]
    if (target["kind"], target["name"]) != ("Deployment", deployment["metadata"]["name"]):
        wrong(where, "the autoscaler is for another deployment")
    account = of_kind["ServiceAccount"][0]
    if pod["serviceAccountName"] != account["metadata"]["name"]:
        wrong(where, "the service account is another one")
    if account.get("automountServiceAccountToken") is not False:
        wrong(where, "its service account hands tokens of the cluster out")
    spread = [each["labelSelector"]["matchLabels"] for each in pod.get("topologySpreadConstraints", [])]
    if not any(labels.get(NAME) == f"hms-{name}" for labels in spread):
        wrong(where, "replicas must be spread over nodes")
    migrations = [container for container in pod.get("initContainers", []) if container.get("args") == ["migrate"]]
    if name == "gateway":
        if pod.get("initContainers"):
            wrong(where, "the gateway has nothing to migrate")
        ending = seconds("gateway/src/server.rs", "DRAIN_SECONDS")
    else:
        if len(migrations) != 1 or migrations[0]["image"] != pod["containers"][0]["image"]:
            wrong(where, "needs one init container that migrates, of the same image")
        ending = seconds("crates/hms-service/src/server.rs", "DRAIN_SECONDS")
    settings = {k: v for config in of_kind["ConfigMap"] for k, v in config["data"].items()}
    drain = float(settings["HMS_DRAIN_SECONDS"])
    if pod["terminationGracePeriodSeconds"] < drain + ending + 10:
        wrong(where, "it is killed before it has drained")
    ready = pod["containers"][0].get("readinessProbe", {})
    if ready.get("periodSeconds", 10) * ready.get("failureThreshold", 3) >= drain:
        wrong(where, "it stops before anybody can see that it is no longer ready")


def ports_and_probes(where, name, port, deployment, made):
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    if container["ports"] != [{"name": "http", "containerPort": port}]:
        wrong(where, f"its port is {port} in the list of services")
    if [(p["port"], p["targetPort"], p["name"]) for p in made["spec"]["ports"]] != [(port, "http", "http")]:
        wrong(where, f"the port of its Service is {port} in the list of services")
    if container["image"].partition(":")[0] != f"hms-{name}":
        wrong(where, f"its image is called hms-{name}")
    paths = health_paths(name)
    for probe, path in (("startup", "/health"), ("readiness", "/health/ready"), ("liveness", "/health")):
        get = container.get(f"{probe}Probe", {}).get("httpGet")
        if not get:
            wrong(where, f"has no {probe} probe")
        elif get["path"] not in paths or get["path"] != path or get["port"] != "http":
            wrong(where, f"the {probe} probe asks {get['path']} of {get['port']}")


def selectors(where, full, deployment, of_kind):
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    named = {
        "Deployment": deployment["spec"]["selector"]["matchLabels"],
        "Service": of_kind["Service"][0]["spec"]["selector"],
        "PodDisruptionBudget": of_kind["PodDisruptionBudget"][0]["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": of_kind["NetworkPolicy"][0]["spec"]["podSelector"].get("matchLabels", {}),
    }
    for kind, selector in named.items():
        if selector.get(NAME) != full:
            wrong(where, f"the selector of its {kind} finds other pods too")
        if not selector.items() <= labels.items():
            wrong(where, f"the selector of its {kind} does not find its pods")


def settings(k8s, where, name, deployment, configs):
    known = known_names(name)
    for config in configs:
        for key in config["data"]:
            if re.fullmatch(r"[A-Z][A-Z0-9_]*", key) and key not in known:
                wrong(where, f"{key} is no setting of it")
    examples = list(yaml.safe_load_all((k8s / name / "secret.example.yaml").read_text()))
    keys = examples[0]["stringData"]
    for key in keys:
        if key not in known:
            wrong(where, f"{key} of its secret is no setting of it")
    if name != "gateway":
        for key in GENERATE["sealing_keys"](name):
            if key not in keys:
                wrong(where, f"replicas need one {key}, so that its secret has it")
    if name != "gateway" and not keys["DATABASE_URL"].endswith(f"/{name}_db"):
        wrong(where, f"its database is {name}_db")
    pod = deployment["spec"]["template"]["spec"]
    there = {example["metadata"]["name"] for example in examples}
    there |= {config["metadata"]["name"] for config in configs}
    for container in pod.get("initContainers", []) + pod["containers"]:
        sources = [next(iter(source.values()))["name"] for source in container["envFrom"]]
        if len(sources) != 2 or f"hms-{name}" not in sources or not set(sources) <= there:
            wrong(where, f"takes its settings from {sources}")
    for volume in pod["volumes"]:
        reference = volume.get("configMap", {}).get("name") or volume.get("secret", {}).get("secretName")
        if reference and reference not in there:
            wrong(where, f"nobody makes {reference}")


# --- who reaches whom -----------------------------------------------------------------------------------------


def matches(selector, labels):
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(labels.get(e["key"]) in e["values"] for e in selector.get("matchExpressions", []) if e["operator"] == "In")


def lets(rules, direction, peer, port):
    """Whether rules let a peer (its namespace and labels) through at a port (its number and name)."""
    for rule in rules:
        if "ports" in rule and not any(p["port"] in port for p in rule["ports"]):
            continue
        if direction not in rule:
            return True
        for of in rule[direction]:
            # Addresses are those of others than pods.
            if "ipBlock" in of:
                continue
            namespace = {"kubernetes.io/metadata.name": peer["namespace"]}
            same = peer["namespace"] == "hms" if "namespaceSelector" not in of else matches(of["namespaceSelector"], namespace)
            if same and matches(of.get("podSelector", {}), peer["labels"]):
                return True
    return False


def network(documents, listed):
    policies = [document["spec"] for document in documents if document["kind"] == "NetworkPolicy"]
    inside = {}
    for name, template in pods(documents):
        port = template["spec"]["containers"][0]["ports"][0]
        own = [p for p in policies if matches(p["podSelector"], template["metadata"]["labels"])]
        inside[name] = {
            "namespace": "hms",
            "labels": template["metadata"]["labels"],
            "port": (port["containerPort"], port["name"]),
            "policies": own,
        }

    def reaches(source, target):
        into = any(lets(p.get("ingress", []), "from", source, target["port"]) for p in target["policies"])
        out = not source.get("policies") or any(
            lets(p.get("egress", []), "to", target, target["port"]) for p in source["policies"]
        )
        return into and out

    prometheus = {"namespace": "monitoring", "labels": {NAME: "prometheus"}}
    stranger = {"namespace": "default", "labels": {}}
    services = [f"hms-{name}" for name, _, _ in listed]
    wanted = {("gateway", service) for service in services} | {(service, "hms-auth") for service in services}
    wanted = {("hms-gateway" if a == "gateway" else a, b) for a, b in wanted}
    wanted |= {(service, store) for service in services for store in ("postgresql", "rabbitmq")}
    for a in inside:
        for b in inside:
            if a != b and reaches(inside[a], inside[b]) != ((a, b) in wanted):
                wrong("network", f"{a} {'must not reach' if (a, b) not in wanted else 'cannot reach'} {b}")
    dns = {"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}
    for name in services + ["hms-gateway"]:
        if not reaches(prometheus, inside[name]):
            wrong("network", f"Prometheus cannot reach {name}")
        if reaches(stranger, inside[name]) != (name == "hms-gateway"):
            wrong("network", f"strangers and {name}")
        if not any(lets(p.get("egress", []), "to", dns, (53,)) for p in inside[name]["policies"]):
            wrong("network", f"{name} cannot resolve names")
    for name, pod in inside.items():
        # By policies of its own: that of the namespace may not be there yet.
        kinds = {kind for policy in pod["policies"] if policy["podSelector"] for kind in policy["policyTypes"]}
        if kinds != {"Ingress", "Egress"}:
            wrong("network", f"{name} is not closed in both directions")


# --- the whole ------------------------------------------------------------------------------------------------


def overlay(k8s, name, listed):
    documents = build(k8s / "overlays" / name)
    schemas(f"overlay {name}", documents)
    return documents, judge_overlay(name, listed, documents)


def judge_overlay(name, listed, documents):
    for workload, template in pods(documents):
        restricted(f"overlay {name}: {workload}", template)
    there = {(document["kind"], document["metadata"]["name"]): document for document in documents}
    for service_name in [service for service, _, _ in listed] + ["gateway"]:
        if ("Deployment", f"hms-{service_name}") not in there:
            wrong(f"overlay {name}", f"has no {service_name}")
    for document in documents:
        if document["kind"] != "Namespace" and document["metadata"].get("namespace") != "hms":
            wrong(f"overlay {name}", f"{document['metadata']['name']} is in no namespace")
        for service, port in backends(document):
            target = there.get(("Service", service))
            if not target or port not in [wanted for p in target["spec"]["ports"] for wanted in (p["name"], p["port"])]:
                wrong(f"overlay {name}", f"the {document['kind']} leads to {service} at {port}")
        for path in paths(document):
            if path not in OPEN:
                wrong(f"overlay {name}", f"the {document['kind']} opens {path} to the internet")
        if document["kind"] in ("Ingress", "Gateway") and not encrypted(document):
            wrong(f"overlay {name}", f"the {document['kind']} lets clients in without TLS")
    if name != "dev" and not {"Ingress", "HTTPRoute"} & {document["kind"] for document in documents}:
        wrong(f"overlay {name}", "nothing leads in from outside")
    restricted_namespace(name, there)
    return there


# --- the way in -----------------------------------------------------------------------------------------------

# What the gateway tells of itself (/metrics, /health/detailed, /admin) is not for the internet.
OPEN = {"/api", "/v1", "/.well-known", "/console"}


def backends(document):
    """The Services, with their ports, that a way in leads to."""
    if document["kind"] == "Ingress":
        for rule in document["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                yield backend["name"], backend["port"].get("name", backend["port"].get("number"))
    if document["kind"] == "HTTPRoute":
        for rule in document["spec"]["rules"]:
            for backend in rule.get("backendRefs", []):
                yield backend["name"], backend["port"]


def paths(document):
    if document["kind"] == "Ingress":
        return [path["path"] for rule in document["spec"]["rules"] for path in rule["http"]["paths"]]
    if document["kind"] == "HTTPRoute":
        # A rule that says no path takes all of them; one that sends clients elsewhere leads to no service.
        rules = [rule for rule in document["spec"]["rules"] if rule.get("backendRefs")]
        found = [match.get("path", {}).get("value", "/") for rule in rules for match in rule.get("matches", [{}])]
        return found
    return []


def encrypted(document):
    if document["kind"] == "Ingress":
        named = {host for entry in document["spec"].get("tls", []) for host in entry["hosts"]}
        return {rule.get("host") for rule in document["spec"]["rules"]} <= named
    # The other listener may only send clients to this one: the route says so.
    return any(listener["protocol"] == "HTTPS" for listener in document["spec"]["listeners"])


def restricted_namespace(name, there):
    labels = there.get(("Namespace", "hms"), {}).get("metadata", {}).get("labels", {})
    if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
        wrong(f"overlay {name}", "the namespace does not enforce the profile restricted")
    closed = [
        document["spec"]
        for (kind, _), document in there.items()
        if kind == "NetworkPolicy" and not document["spec"]["podSelector"]
    ]
    if not any(set(spec["policyTypes"]) == {"Ingress", "Egress"} and len(spec) == 2 for spec in closed):
        wrong(f"overlay {name}", "what has no policy of its own is not closed")


def folder(k8s, only, listed):
    """All of a folder of manifests, or what one service needs."""
    for name, port in [(name, port) for name, port, _ in listed] + [("gateway", 8080)]:
        if only in (None, name):
            if not (k8s / name / "kustomization.yaml").exists():
                wrong(f"k8s/{name}", "is missing: run deploy/generate.py")
                continue
            service(k8s, name, port)
    if not problems:
        documents, there = overlay(k8s, "dev", listed)
        network(documents, listed)
        for workload, template in pods(documents):
            for container in template["spec"].get("initContainers", []) + template["spec"]["containers"]:
                for source in container.get("envFrom", []):
                    secret = source.get("secretRef", {}).get("name")
                    if secret and ("Secret", secret) not in there:
                        wrong("overlay dev", f"{workload} has no secret {secret}")
    if not problems and not only:
        overlay(k8s, "production", listed)
        overlay(k8s, "production-gateway-api", listed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only")
    parser.add_argument("folder", nargs="?", default=ROOT / "k8s", type=pathlib.Path)
    arguments = parser.parse_args()
    listed = GENERATE["services"]()
    folder(arguments.folder, arguments.only, listed)
    if problems:
        sys.exit("\n".join(problems))
    print(f"all is well: {len(listed)} services and the gateway, Kubernetes {' and '.join(VERSIONS)}")


if __name__ == "__main__":
    main()
