// SPDX-License-Identifier: Apache-2.0

/// The program that a Python worker runs: it loads one model, tells what it takes and gives, and answers one request after another.
///
/// A message is the length of its head (4 bytes, little-endian), the head (JSON), and the bytes of its tensors, which follow on the socket
/// or lie in shared memory where they are many. File 3 is the socket, 4 the memory of requests, 5 that of answers.
enum WorkerScript {
    static let text = common + PyfuncScript.text + serving

    /// What is shared with the program that converts models.
    static let common = #"""
        import json, mmap, os, pickle, resource, socket, struct, sys, traceback

        SHARED = 65536
        PROBABILITIES = "gyre_probabilities"
        TYPES = {"BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2", "INT32": "<i4",
                 "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8"}
        maps = {}


        def nursery():
            """Imports what every model needs, and makes workers: the arguments of each come with its three files."""
            import array, fcntl, gc, importlib, random, signal

            for name in ["numpy", "pandas", "joblib", "sklearn.pipeline", "mlflow.pyfunc", "mlflow.pyfunc.scoring_server"]:
                try:
                    importlib.import_module(name)
                except Exception:
                    pass  # an environment without it has models that need it not
            control = socket.socket(fileno=3)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            gc.collect()
            gc.freeze()
            control.settimeout(600)
            while True:
                try:
                    content, ancillary, _, _ = control.recvmsg(1 << 16, socket.CMSG_SPACE(12))
                except OSError:
                    os._exit(0)  # nobody asked for long
                if not content:
                    os._exit(0)  # the server has ended
                files = array.array("i")
                for _, _, data in ancillary:
                    files.frombytes(data[:len(data) - len(data) % files.itemsize])
                process = os.fork()
                if process == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    high = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 10) for file in files]
                    control.close()
                    for place, file in enumerate(high):
                        os.dup2(file, 3 + place)
                        os.close(file)
                    random.seed()
                    if "numpy" in sys.modules:
                        sys.modules["numpy"].random.seed()
                    return json.loads(content)
                for file in files:
                    os.close(file)
                control.send(struct.pack("<i", process))


        if sys.argv[1:] == ["--nursery"]:
            sys.argv[1:] = nursery()
        channel = socket.socket(fileno=3)
        # Processes that a model starts have no part in what is said here.
        os.register_at_fork(after_in_child=lambda: [os.close(number) for number in (3, 4, 5)])


        def receive(count):
            content = bytearray(count)
            view, have = memoryview(content), 0
            while have < count:
                more = channel.recv_into(view[have:])
                if more == 0:
                    os._exit(0)  # the server has ended
                have += more
            return content


        def shared(number, size):
            if number not in maps or len(maps[number]) < size:
                maps[number] = mmap.mmap(number, os.fstat(number).st_size)
            return maps[number]


        def send(head, parts=()):
            size = sum(len(part) for part in parts)
            if size >= SHARED:
                if os.fstat(5).st_size < size:
                    os.ftruncate(5, 1 << (size - 1).bit_length())
                memory, place = shared(5, size), 0
                for part in parts:
                    memory[place:place + len(part)] = bytes(part)
                    place += len(part)
                head["shared"], parts = size, ()
            text = json.dumps(head).encode()
            channel.sendall(b"".join([struct.pack("<I", len(text)), text, *parts]))


        def decode(entry, content):
            if entry["datatype"] != "BYTES":
                return numpy.frombuffer(content, TYPES[entry["datatype"]]).reshape(entry["shape"])
            texts, place = [], 0
            while place < len(content):
                length, = struct.unpack_from("<I", content, place)
                text = bytes(content[place + 4:place + 4 + length])
                try:
                    texts.append(text.decode())
                except UnicodeDecodeError:
                    texts.append(text)  # a picture, say
                place += 4 + length
            return numpy.array(texts, dtype=object).reshape(entry["shape"])


        def encode(name, value):
            array = numpy.asarray(value)
            for datatype, code in TYPES.items():
                if array.dtype == numpy.dtype(code):
                    return {"name": name, "datatype": datatype, "shape": list(array.shape)}, numpy.ascontiguousarray(array).tobytes()
            parts = []
            for element in array.ravel():
                text = element if isinstance(element, bytes) else str(element).encode()
                parts += [struct.pack("<I", len(text)), text]
            return {"name": name, "datatype": "BYTES", "shape": list(array.shape)}, b"".join(parts)


        def named(result):
            if isinstance(result, dict):
                return result
            if hasattr(result, "columns"):
                return {str(column): result[column].to_numpy() for column in result.columns}
            if isinstance(result, list) and result and isinstance(result[0], dict):
                return {key: numpy.array([row[key] for row in result]) for key in result[0]}
            return {"predict": numpy.asarray(result)}


        def names_of(model):
            """The names of the columns that a model of scikit-learn was trained on, in order, in which it is given them."""
            import warnings

            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            return [str(name) for name in getattr(model, "feature_names_in_", [])]


        def picks(model):
            """Whether a model picks its columns by name."""
            return any("ColumnTransformer" in type(step).__name__ for _, step in getattr(model, "steps", [("", model)]))


        def framed(model):
            """What makes of a matrix the table that a model needs which picks its columns by name."""
            if not picks(model) or not names_of(model):
                return lambda value: value
            import pandas

            return lambda value: pandas.DataFrame(value, columns=names_of(model))


        def scikit(model):
            width = getattr(model, "n_features_in_", None)
            has_scores = hasattr(model, "predict_proba")
            own.features = names_of(model)
            table = framed(model)

            def predict(inputs):
                value = table(next(iter(inputs.values())))
                outputs = {"predict": model.predict(value)}
                if has_scores:
                    outputs["predict_proba"] = model.predict_proba(value)
                return outputs

            return [{"name": "input", "datatype": "FP64", "shape": [-1, width or -1]}], predict, "sklearn"


        def beside(model, raw, frame):
            """What gives the probabilities of classes where a model of MLflow's gives the classes alone."""
            if hasattr(raw, "predict_proba") and hasattr(raw, "classes_") and getattr(getattr(model, "_predict_fn", None), "__name__", "") == "predict":
                own.probabilities = lambda given: raw.predict_proba(frame(given))


        def pyfunc(folder):
            import mlflow.pyfunc
            import pandas

            model = mlflow.pyfunc.load_model(folder)
            raw = model.get_raw_model() if hasattr(model, "get_raw_model") else None
            schema = model.metadata.get_input_schema()
            kinds = {"long": "INT64", "integer": "INT32", "double": "FP64", "float": "FP32", "boolean": "BOOL", "string": "BYTES", "datetime": "BYTES"}
            if schema is not None and schema.is_tensor_spec():
                tensors = schema.inputs
                inputs = []
                for index, tensor in enumerate(tensors):
                    kind = next((name for name, code in TYPES.items() if numpy.dtype(code) == tensor.type), "BYTES")
                    inputs.append({"name": tensor.name or "input", "datatype": kind, "shape": list(tensor.shape)})
                one = len(tensors) == 1 and not tensors[0].name
                if one:
                    beside(model, raw, lambda given: next(iter(given.values())))
                return inputs, lambda given: named(model.predict(next(iter(given.values())) if one else dict(given))), "mlflow"
            if schema is not None and all(hasattr(column, "name") and column.name for column in schema.inputs):
                inputs = [
                    {"name": column.name, "datatype": kinds.get(getattr(column.type, "name", ""), "BYTES"), "shape": [-1]} for column in schema.inputs]
                frame = lambda given: pandas.DataFrame({k: v.ravel() for k, v in given.items()})
                beside(model, raw, frame)
                return inputs, lambda given: named(model.predict(frame(given))), "mlflow"
            # Without a signature the model itself may tell how many columns it takes; else the first number that it does not refuse.
            width = getattr(raw, "n_features_in_", None)
            own.features = names_of(raw)
            table = framed(raw)
            frame = lambda given: table(next(iter(given.values())))
            beside(model, raw, frame)
            predict = lambda given: named(model.predict(frame(given)))
            for columns in [width] if width else range(1, 257):
                try:
                    predict({"input": numpy.zeros((1, columns))})
                except Exception:
                    continue
                return [{"name": "input", "datatype": "FP64", "shape": [-1, columns]}], predict, "mlflow"
            raise ValueError("the model has no signature, and it takes no row of up to 256 numbers: log it with a signature")


        def own(path):
            import importlib.util

            sys.path.insert(0, os.path.dirname(path))
            spec = importlib.util.spec_from_file_location("model", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            model = module.Model()
            if hasattr(model, "load"):
                model.load(os.path.dirname(path))
            before, after = getattr(model, "preprocess", lambda given: given), getattr(model, "postprocess", lambda given: given)
            own.explain = getattr(model, "explain", None)
            return list(model.inputs), lambda given: named(after(model.predict(before(given)))), "python"


        def load(path):
            if os.path.basename(path) == "MLmodel":
                return pyfunc(os.path.dirname(path))
            if path.endswith(".py"):
                return own(path)
            if path.endswith(".joblib"):
                import joblib

                return scikit(joblib.load(path))
            with open(path, "rb") as file:
                return scikit(pickle.load(file))


        def sample(entry):
            shape = [1 if length == -1 else length for length in entry["shape"]]
            if entry["datatype"] == "BYTES":
                return numpy.full(shape, "", dtype=object)
            return numpy.zeros(shape, TYPES[entry["datatype"]])


        def described(inputs, predict, row=None):
            """What a model gives, by what it gives for a row; one of nothing where none is at hand."""
            outputs, row = [], row or {entry["name"]: sample(entry) for entry in inputs}
            for name, value in predict(row).items():
                entry, _ = encode(name, value)
                entry["shape"] = [-1] + entry["shape"][1:] if entry["shape"] else []
                outputs.append(entry)
            try:
                getattr(own, "probabilities", len)(row)
            except Exception:
                own.probabilities = None  # a classifier may have the method and refuse it
            return outputs


        def confine(limit):
            os.setsid()
            if limit > 0:
                resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


        """#

    private static let serving = #"""
        try:
            confine(int(sys.argv[2]))
            with open("/proc/self/comm", "w") as comm:
                comm.write(sys.argv[4][:15])  # what lists of processes show
            for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] if int(sys.argv[3]) > 0 else []:
                os.environ[name] = sys.argv[3]  # read when numpy is imported
            import numpy

            explain, served = None, None
            if os.path.basename(sys.argv[1]) == "MLmodel":
                served = Pyfunc(os.path.dirname(sys.argv[1]))
                send({"inputs": served.inputs(), "outputs": served.outputs(), "platform": "mlflow", "explains": False, "features": served.features, "payloads": True})
            else:
                inputs, predict, platform = load(sys.argv[1])
                explain = getattr(own, "explain", None)
                send({"inputs": inputs, "outputs": described(inputs, predict), "platform": platform, "explains": explain is not None,
                      "features": getattr(own, "features", [])})
        except BaseException as error:
            send({"error": "".join(traceback.format_exception_only(error)).strip()})
            os._exit(1)

        while True:
            length, = struct.unpack("<I", receive(4))
            head = json.loads(receive(length))
            if "shared" in head:
                content = memoryview(shared(4, head["shared"]))
            else:
                content = memoryview(receive(head["bytes"]))
            try:
                if "explain" in head:
                    send({"explanation": explain(head["explain"])})
                    continue
                given, place = {}, 0
                for entry in head["inputs"]:
                    given[entry["name"]] = decode(entry, content[place:place + entry["bytes"]])
                    place += entry["bytes"]
                entries, parts = [], []
                if served is not None:
                    answer = dict(enumerate(served.answer(json.loads(given["gyre_payload"][0]), given)))
                else:
                    answer = dict(predict(given))
                    if getattr(own, "probabilities", None) is not None:
                        answer[PROBABILITIES] = own.probabilities(given)
                for name, value in answer.items():
                    entry, part = encode(str(name), value)
                    entry["bytes"] = len(part)
                    entries.append(entry)
                    parts.append(part)
                send({"outputs": entries, "bytes": sum(map(len, parts))}, parts)
            except MemoryError:
                send({"error": "MemoryError: the model needs more memory than it may have"})
                os._exit(1)
            except Exception as error:
                send({"error": "".join(traceback.format_exception_only(error)).strip()})
        """#
}
