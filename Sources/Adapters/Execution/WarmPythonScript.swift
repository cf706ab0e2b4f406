// SPDX-License-Identifier: Apache-2.0

/// The program of a Python that is up: it has imported what tasks need, and makes a process of itself for each.
enum WarmPythonScript {
    static let text = #"""
        # Requests come by line on standard input, and what became of them goes out by line; both are JSON.
        import ctypes, gc, importlib, json, os, select, signal, sys

        report = os.dup(1)
        os.dup2(2, 1)
        libc = ctypes.CDLL(None, use_errno=True)
        NEWNS, NEWIPC, NEWUSER, NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
        BIND, REC, PRIVATE = 4096, 16384, 1 << 18


        def check(result, what):
            if result != 0:
                raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


        def give_up(kept=0):
            """Whatever it may do beyond what its user may; `kept`: a bit for each capability that stays."""
            libc.prctl(38, 1, 0, 0, 0)
            libc.prctl(47, 4, 0, 0, 0)
            for capability in range(64):
                if not kept >> capability & 1:
                    libc.prctl(24, capability, 0, 0, 0)
            header = (ctypes.c_uint32 * 2)(0x20080522, 0)
            check(libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)), "capset")



        if sys.argv[1] == "isolated":
            check(libc.mount(b"proc", b"/proc", b"proc", 0, None), "mount /proc")
            # CAP_SETFCAP: without it the first user of a space cannot be the first one of a space within it.
            give_up(1 << 31)
        for module in sys.argv[2:]:
            try:
                importlib.import_module(module)
            except Exception:
                pass  # The task says so itself.


        def say(**message):
            os.write(report, json.dumps(message).encode() + b"\n")


        def mount(source, target, kind, flags, options=None):
            check(libc.mount(source.encode(), target.encode(), kind.encode(), flags, options and options.encode()), f"mount {target}")


        def shut_off(task):
            """Leaves of all tasks this one's folders alone, a temporary folder of its own, and no other process."""
            user, group = os.getuid(), os.getgid()
            check(libc.unshare(NEWUSER | NEWNS | NEWIPC | NEWPID), "unshare")
            open("/proc/self/setgroups", "w").write("deny")
            open("/proc/self/uid_map", "w").write(f"{user} {user} 1")
            open("/proc/self/gid_map", "w").write(f"{group} {group} 1")
            mount("none", "/", "none", REC | PRIVATE)
            mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
            # What it keeps is held elsewhere while everything around it is covered.
            kept = [path for path in task["writable"] if path.startswith("/tmp/") and os.path.exists(path)]
            kept += [task["workspace"], task["folder"]]
            for number, path in enumerate([task["folder"] + "/tmp", *kept]):
                os.mkdir(f"/run/{number}")
                mount(path, f"/run/{number}", "none", BIND | REC)
            mount("tmpfs", task["tasks"], "tmpfs", 0, "mode=755")
            mount("/run/0", "/tmp", "none", BIND | REC)
            for number, path in enumerate(kept, 1):
                os.makedirs(path, exist_ok=True)
                mount(f"/run/{number}", path, "none", BIND | REC)
            mount("tmpfs", "/run", "tmpfs", 0, "mode=755")


        def inside(task):
            """The first process of its own space: what it may do is taken from it."""
            mount("proc", "/proc", "proc", 0)
            give_up()


        def begin(task):
            os.setsid()
            null, log = os.open("/dev/null", os.O_RDONLY), os.open(task["log"], os.O_WRONLY)
            os.dup2(null, 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.closerange(3, 256)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
            if task["isolated"]:
                shut_off(task)
                # It waits for the end of the task whoever asks both to end, and is made to end with it.
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                child = os.fork()
                if child:
                    _, status = os.waitpid(child, 0)
                    os._exit(os.waitstatus_to_exitcode(status) % 256 if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
                inside(task)
                # The first process of a space ends by no signal that it does not take itself.
                signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
            os.environ.clear()
            os.environ.update(task["environment"])
            os.chdir(task["folder"])


        def wait_for_task():
            """Gives the next task in a process of its own; never comes back in this one."""
            running, buffer = {}, b""
            reading, waking = os.pipe()
            os.set_blocking(waking, False)
            os.set_blocking(reading, False)
            signal.set_wakeup_fd(waking)
            signal.signal(signal.SIGCHLD, lambda *_: None)
            # What is in memory now is the same for all tasks: the collector need not touch it.
            gc.freeze()
            say(ready=True)
            while True:
                ready, _, _ = select.select([0, reading], [], [])
                if reading in ready:
                    try:
                        os.read(reading, 4096)
                    except BlockingIOError:
                        pass
                while running:
                    process, status, used = os.wait4(-1, os.WNOHANG)
                    if not process:
                        break
                    end = os.waitstatus_to_exitcode(status)
                    say(id=running.pop(process), status=end if end >= 0 else 128 - end,
                        seconds=used.ru_utime + used.ru_stime, bytes=used.ru_maxrss * 1024)
                if 0 not in ready:
                    continue
                piece = os.read(0, 1 << 16)
                if not piece:
                    for process in running:
                        os.killpg(process, signal.SIGKILL)
                    os._exit(0)
                buffer += piece
                *lines, buffer = buffer.split(b"\n")
                for line in lines:
                    task = json.loads(line)
                    if "stop" in task:
                        for process, number in running.items():
                            if number == task["stop"]:
                                try:
                                    os.killpg(process, task["signal"])
                                except ProcessLookupError:
                                    pass  # It has ended.
                        continue
                    process = os.fork()
                    if process == 0:
                        signal.set_wakeup_fd(-1)
                        try:
                            begin(task)
                        except BaseException:
                            import traceback
                            traceback.print_exc()
                            sys.stderr.flush()
                            os._exit(126)
                        return task
                    running[process] = task["id"]
                    say(id=task["id"], began=process)


        task = wait_for_task()
        # As PYTHONUNBUFFERED has it: what is printed comes in its order, and at once.
        sys.stdout.reconfigure(line_buffering=True, write_through=True)
        path = task["folder"] + "/ephemeral_component.py"
        with open(path, "w") as file:
            file.write(task["source"])
        sys.argv = ["-m", task["source_argument"], path, *task["arguments"]]
        import atexit, random, runpy, threading, traceback
        random.seed()
        status = 0
        try:
            runpy.run_module(task["module"], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            if isinstance(end.code, int):
                status = end.code & 255
            elif end.code is not None:
                print(end.code, file=sys.stderr)
                status = 1
        except BaseException:
            traceback.print_exc()
            status = 1
        # As at the end of any Python, but what is in memory is not taken apart: it is most of the time of a small task.
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
        """#
}
