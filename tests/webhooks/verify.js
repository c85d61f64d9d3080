// The verifier of npm's standardwebhooks on each case.
const { Webhook, WebhookVerificationError } = require("standardwebhooks");

for (const one of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  let accepted = true;
  try {
    new Webhook(one.secret).verify(one.payload, one.headers);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    accepted = false;
  }
  if (accepted !== one.accepted) {
    console.error(`node: ${one.name}: accepted is ${accepted}`);
    process.exit(1);
  }
}
console.log("node: all is well");
