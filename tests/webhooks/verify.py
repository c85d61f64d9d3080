"""The verifier of PyPI's standardwebhooks on each case."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

for case in json.load(sys.stdin):
    try:
        Webhook(case["secret"]).verify(case["payload"], case["headers"])
        accepted = True
    except WebhookVerificationError:
        accepted = False
    if accepted != case["accepted"]:
        sys.exit(f"python: {case['name']}: accepted is {accepted}")
print("python: all is well")
