#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that a fact is in a signed ledger, without Gyre: check_proof.py PROOF.json KEY (pip install cryptography)."""
import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

proof, key = json.load(open(sys.argv[1])), sys.argv[2]
sha = lambda data: hashlib.sha256(data).digest()
# The fact gives its hash, and its hash a leaf of the tree.
hash = sha(bytes.fromhex(proof["prev_hash"]) + proof["canonical"].encode())
assert hash.hex() == proof["hash"], "the fact is not the one that was hashed"
fact = json.loads(proof["canonical"])
index, size, root, path = fact["seq"] - 1, proof["size"], sha(b"\0" + hash), [bytes.fromhex(d) for d in proof["path"]]
# From the leaf to the root (RFC 9162, 2.1.3.2).
last = size - 1
for sister in path:
    assert last > 0, "the path is too long"
    if index % 2 or index == last:
        root = sha(b"\1" + sister + root)
        while index and not index % 2:
            index, last = index // 2, last // 2
    else:
        root = sha(b"\1" + root + sister)
    index, last = index // 2, last // 2
assert last == 0, "the path is too short"
# The root is the one that was signed, by the key that whoever checks has from elsewhere.
text, signature = proof["checkpoint"].split("\n\n")
lines = text.split("\n")
assert int(lines[1]) == size and base64.b64decode(lines[2]) == root, "the signed state is another one"
Ed25519PublicKey.from_public_bytes(base64.b64decode(key.split("+", 2)[2])[1:]).verify(
    base64.b64decode(signature.split(" ")[2])[4:], (text + "\n").encode())
print(f"fact {fact['seq']} of {lines[0]} is in the ledger signed {lines[4][3:]}: {fact['actor']} {fact['kind']} {fact['subject']}")
