"""A service account as Google's console gives it, with a key that is made anew; says it as JSON, and the public key beside it."""

import json

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
# PKCS #1, as ring takes it.
public = key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
account = {
    "type": "service_account",
    "project_id": "clinic-7",
    "private_key_id": "key-1",
    "private_key": private.decode(),
    "client_email": "hms@clinic-7.iam.gserviceaccount.example",
}
print(json.dumps({"account": account, "public": public.hex()}))
