# SPDX-License-Identifier: Apache-2.0
"""The example of prices, as its first lines say: trained by uv with versions of its own, served in an environment with the same."""
import os
import subprocess
import sys

from server import Server

root = os.path.abspath(f"{os.path.dirname(__file__)}/../../../..")
server = Server(sys.argv[1], sys.argv[2], options=["--trust-models"]).start()
clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
done = subprocess.run(
    [f"{os.path.dirname(sys.executable)}/uv", "run", "--quiet", f"{root}/Examples/prices/train.py", server.url], env=clean, capture_output=True, text=True)
assert done.returncode == 0, done.stderr
expected = float(done.stdout.strip().splitlines()[-1].rsplit(" ", 1)[1])
server.run("endpoint", "deploy", "prices")
status, answer = server.request(
    "POST", "/endpoints/prices/invocations", {"dataframe_records": [{"rooms": 3, "size": 71.5, "city": "Zürich", "condition": "as new"}]},
    {"Content-Type": "application/json"})
assert status == 200 and abs(answer["predictions"][0] - expected) < 0.01, (status, answer, expected)
# A missing number, and a spelling that was never seen.
status, answer = server.request(
    "POST", "/v1/models/prices:predict", {"instances": [{"rooms": 3, "size": None, "city": " ZÜRICH", "condition": "as new"}]})
assert status == 200 and answer["predictions"][0] > 0, (status, answer)
pinned = server.api("GET", "/releases/prices/1")["pins"]["environment"]
assert "scikit-learn==1.8.0" in str(pinned) and "unidecode==1.4.0" in str(pinned), pinned
server.stop()
print("the example is served in its own environment")
