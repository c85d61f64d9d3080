// Holds the documents on the standard input, a JSON array, against the schemas of the Prometheus operator and of the
// Gateway API. Writes a line for each that is refused.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const kinds = {
  Gateway: "gateway-api/gateway.networking.k8s.io/v1/Gateway",
  HTTPRoute: "gateway-api/gateway.networking.k8s.io/v1/HTTPRoute",
  ServiceMonitor: "prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor",
  PrometheusRule: "prometheus-operator/monitoring.coreos.com/v1/PrometheusRule",
};
// Modules are not looked for along NODE_PATH; the folder is where check.sh has put them.
const modules = createRequire(`${process.env.NODE_PATH}/`);

for (const document of JSON.parse(readFileSync(0, "utf8"))) {
  const { kind, metadata } = document;
  const file = modules.resolve(`${process.env.NODE_PATH}/@kubernetes-models/${kinds[kind]}.js`);
  const model = (await import(pathToFileURL(file)))[kind];
  try {
    if (model.apiVersion !== document.apiVersion) throw new Error(`its version is ${model.apiVersion}`);
    new model(document).validate();
  } catch (refused) {
    console.log(`${kind} ${metadata.name}: ${refused.message}`);
  }
}
