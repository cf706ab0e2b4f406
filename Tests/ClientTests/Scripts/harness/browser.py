# SPDX-License-Identifier: Apache-2.0
"""A real chromium, told what to do over a pipe (Chrome DevTools Protocol), with many tabs at a time."""
import base64
import json
import os
import select
import subprocess
import time


class Browser:
    """One chromium; its tabs are all awake, as if each were looked at."""

    def __init__(self, profile, *options):
        to_child, self.out = os.pipe()
        self.inn, from_child = os.pipe()

        def fds():
            # Chromium reads from 3 and writes to 4; the pipes' own numbers may be those.
            reading, writing = os.dup(to_child), os.dup(from_child)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", "--no-first-run",
             "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
             f"--user-data-dir={profile}", *options, "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=fds, close_fds=False)
        os.close(to_child)
        os.close(from_child)
        self.buffer, self.answers, self.tabs, self.number = b"", {}, {}, 0

    def tell(self, method, session=None, **parameters):
        """Sends a command and does not wait; gives its number."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        return self.number

    def call(self, method, session=None, **parameters):
        number = self.tell(method, session, **parameters)
        deadline = time.time() + 600
        while number not in self.answers:
            assert time.time() < deadline, f"chromium does not answer {method}"
            self.read(1)
        answer = self.answers.pop(number)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def read(self, seconds):
        """Takes in what comes within some time."""
        if not select.select([self.inn], [], [], seconds)[0]:
            return
        piece = os.read(self.inn, 1 << 20)
        assert piece, "chromium has ended"
        self.buffer += piece
        *messages, self.buffer = self.buffer.split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self.answers[message["id"]] = message
            elif message.get("sessionId") in self.tabs:
                self.tabs[message["sessionId"]].happened(message["method"], message["params"])

    def watch(self, seconds):
        """Lets pages live for some time."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            self.read(max(0, deadline - time.time()))

    def open(self, address, width, height=900):
        target = self.call("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self.tabs[session] = Tab(self, session, target)
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(domain + ".enable", session)
        self.call("Emulation.setDeviceMetricsOverride", session, width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setFocusEmulationEnabled", session, enabled=True)
        self.call("Page.navigate", session, url=address)
        return tab

    def close(self):
        self.process.kill()
        self.process.wait()


class Tab:
    """One page: what it logged, how often it was loaded, and what its scripts can tell."""

    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target
        self.errors, self.loads, self.requests, self.loaded = [], 0, 0, False

    def happened(self, method, parameters):
        if method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"].get("text", "") + " " + parameters["entry"].get("url", ""))
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.errors.append(str([a.get("value", a.get("description")) for a in parameters["args"]]))
        elif method == "Page.frameNavigated" and "parentId" not in parameters["frame"]:
            self.loads += 1
        elif method == "Network.requestWillBeSent":
            self.requests += 1
        elif method == "Page.loadEventFired":
            self.loaded = True

    def wait(self, seconds=600):
        """Until the page is loaded."""
        deadline = time.time() + seconds
        while not self.loaded:
            assert time.time() < deadline, "a page does not load"
            self.browser.read(0.5)
        return self

    def ask(self, script):
        """What a script gives, once its promise is kept."""
        answer = self.browser.call("Runtime.evaluate", self.session, expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, (script, answer["exceptionDetails"])
        return answer["result"].get("value")

    def until(self, script, seconds=600):
        """Until a script's value is true."""
        deadline = time.time() + seconds
        while not (value := self.ask(script)):
            assert time.time() < deadline, f"it does not come true: {script}"
            self.browser.watch(0.1)
        return value

    def type(self, text):
        """As on a keyboard, where the focus is."""
        self.browser.call("Input.insertText", self.session, text=text)

    def picture(self, path, whole=False):
        data = self.browser.call("Page.captureScreenshot", self.session, captureBeyondViewport=whole)["data"]
        open(path, "wb").write(base64.b64decode(data))

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
