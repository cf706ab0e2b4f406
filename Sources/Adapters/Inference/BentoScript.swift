// SPDX-License-Identifier: Apache-2.0

/// What a process runs that serves a bento.
///
/// It is BentoML's own worker on a socket of the file system; the process says that it is ready once the service says so, and ends with
/// the server that started it.
enum BentoScript {
    static let text = """
        import os, sys

        folder, limit, path, title = sys.argv[1:5]
        channel_file = os.dup(3)
        os.set_inheritable(channel_file, False)
        import collections, json, re, resource, socket, struct, threading, time, traceback

        channel = socket.socket(fileno=channel_file)

        def say(head):
            text = json.dumps(head).encode()
            channel.sendall(struct.pack("<I", len(text)) + text)

        class Remembering:
            # A service that does not start is told by lines of its log alone.
            lines = collections.deque(maxlen=400)

            def __init__(self, file):
                self.file = file

            def write(self, text):
                self.lines.extend(text.splitlines())
                return self.file.write(text)

            def __getattr__(self, name):
                return getattr(self.file, name)

            def cause(self, problem):
                if isinstance(problem, SystemExit):
                    for line in reversed(self.lines):
                        if re.match(r"[A-Za-z_][\\w.]*(Error|Exception): ", line):
                            return line
                return "%s: %s" % (type(problem).__name__, problem)

        sys.stdout, sys.stderr = Remembering(sys.stdout), Remembering(sys.stderr)

        def ends_with_server():
            while channel.recv(4096):
                pass
            os._exit(0)

        def is_ready():
            try:
                with socket.socket(socket.AF_UNIX) as asking:
                    asking.settimeout(5)
                    asking.connect(path)
                    asking.sendall(b"GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
                    return asking.recv(64).split(b" ")[1:2] == [b"200"]
            except OSError:
                return False

        def tells_when_ready():
            while not is_ready():
                time.sleep(0.05)
            say({"inputs": [], "outputs": [], "platform": "bentoml"})

        try:
            name = title.encode()[:15]
            try:
                import ctypes
                ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
            except Exception:
                pass
            if int(limit) > 0:
                resource.setrlimit(resource.RLIMIT_DATA, (int(limit), int(limit)))
            os.environ.update(BENTOML_DO_NOT_TRACK="True", BENTOML_HOME=os.path.dirname(path) + "/home", DO_NOT_TRACK="1")
            os.makedirs(os.environ["BENTOML_HOME"], exist_ok=True)
            server = socket.socket(socket.AF_UNIX)
            server.bind(path)
            server.listen(1024)
            sys.argv = ["bentoml"]
            from _bentoml_impl.loader import load
            from _bentoml_impl.server.serving import server_on_deployment
            from _bentoml_impl.worker.service import main
            # What BentoML's own server does before its workers: models, hooks of the deployment, the store of tasks.
            for service in load(folder, standalone_load=True).all_services().values():
                server_on_deployment(service)
        except BaseException as problem:
            say({"error": "%s: %s" % (type(problem).__name__, problem)})
            raise
        threading.Thread(target=ends_with_server, daemon=True).start()
        threading.Thread(target=tells_when_ready, daemon=True).start()
        try:
            main.main([folder, "--service-name", "", "--fd", str(server.fileno()), "--worker-id", "1"], standalone_mode=False)
        except BaseException as problem:
            said = sys.stderr.cause(problem)
            traceback.print_exc()
            say({"error": said})
            os._exit(1)
        os._exit(0)
        """
}
