// SPDX-License-Identifier: Apache-2.0

internal import GyreServing

/// The program that makes an ONNX model of a scikit-learn model, with the same inputs and outputs, and compares what both answer.
///
/// It begins as a worker does, so that what it compares with is what a worker would have answered.
enum ConverterScript {
    static let text = WorkerScript.common + PyfuncScript.text + converting

    /// The output of a converted model that holds the probabilities of classes where its owner did not ask for them.
    static let probabilities = HostedModel.probabilities

    private static let converting = #"""
        ROWS = 512


        def estimator(path):
            if os.path.basename(path) != "MLmodel":
                if path.endswith(".joblib"):
                    import joblib

                    return joblib.load(path)
                with open(path, "rb") as file:
                    return pickle.load(file)
            import mlflow.sklearn

            return mlflow.sklearn.load_model(os.path.dirname(path))


        def examples(path, inputs):
            """Rows that the model's owner gave, one array an input; none where there are none."""
            if os.path.basename(path) != "MLmodel":
                return None
            import mlflow.models

            folder = os.path.dirname(path)
            known = mlflow.models.Model.load(folder)
            example = known.load_input_example(folder) if known.saved_input_example_info else None
            if example is None:
                return None
            if hasattr(example, "columns"):
                if len(inputs) == 1 and len(inputs[0]["shape"]) == 2:
                    return {inputs[0]["name"]: example.to_numpy()}
                return {entry["name"]: example[entry["name"]].to_numpy() for entry in inputs}
            return {inputs[0]["name"]: numpy.asarray(example)}


        def samples(path, inputs, model):
            """The owner's rows, rows like them, and rows drawn evenly; texts only from the owner's."""
            given, luck = examples(path, inputs), numpy.random.default_rng(0)
            drawn = {}
            for entry in inputs:
                values = None if given is None else numpy.asarray(given[entry["name"]])
                if entry["datatype"] == "BYTES":
                    if values is None or not len(values):
                        raise ValueError(f"the column {entry['name']} holds texts, and the model has no input example to compare answers on")
                    drawn[entry["name"]] = values[luck.integers(0, len(values), ROWS)].astype(object)
                    continue
                shape = [ROWS] + [length if length > 0 else 1 for length in entry["shape"][1:]]
                some = luck.normal(0, 2, shape)
                if values is not None and len(values):
                    values = values.reshape([len(values)] + shape[1:]).astype(float)
                    near = values[luck.integers(0, len(values), ROWS)] * luck.normal(1, 0.3, shape)
                    some = numpy.where(luck.random(shape[:1] + [1] * (len(shape) - 1)) < 0.7, near, some)
                    some[: min(len(values), ROWS)] = values[:ROWS]
                else:
                    some[ROWS // 2:] = luck.uniform(-100, 100, shape)[ROWS // 2:]
                drawn[entry["name"]] = some.astype(TYPES[entry["datatype"]])
            return drawn


        def converted(model, inputs, outputs, real, beside):
            """A graph with the worker's inputs and outputs around what skl2onnx makes of the model; `real` is the type it computes in."""
            from onnx import TensorProto, compose, helper
            from skl2onnx import to_onnx
            from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

            kinds = {"FP32": TensorProto.FLOAT, "FP64": TensorProto.DOUBLE, "INT64": TensorProto.INT64, "INT32": TensorProto.INT32,
                     "INT16": TensorProto.INT16, "INT8": TensorProto.INT8, "UINT8": TensorProto.UINT8, "BOOL": TensorProto.BOOL, "BYTES": TensorProto.STRING}
            number, code = (DoubleTensorType, TensorProto.DOUBLE) if real == "FP64" else (FloatTensorType, TensorProto.FLOAT)
            is_matrix = len(inputs) == 1 and len(inputs[0]["shape"]) == 2
            by_name = picks(model)
            width = inputs[0]["shape"][1] if is_matrix else len(inputs)
            if is_matrix and width < 1:
                raise ValueError("the model does not say how many columns it takes")
            if by_name and not is_matrix:
                types = [(entry["name"], StringTensorType([None, 1]) if entry["datatype"] == "BYTES" else number([None, 1])) for entry in inputs]
            else:
                types = [("gyre_matrix", number([None, width]))]
            options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
            made = compose.add_prefix(to_onnx(model, initial_types=types, options=options), "m/")
            before, after, ports = [], [], []
            for entry in inputs:
                ports.append(helper.make_tensor_value_info(entry["name"], kinds[entry["datatype"]], ["n", *entry["shape"][1:]]))
            axis = helper.make_tensor("gyre_axis", TensorProto.INT64, [1], [1])
            flat = helper.make_tensor("gyre_flat", TensorProto.INT64, [1], [-1])
            columns = []
            for entry in inputs:
                name = entry["name"]
                if entry["datatype"] != "BYTES":
                    before.append(helper.make_node("Cast", [name], [f"gyre_cast/{name}"], to=code))
                    name = f"gyre_cast/{name}"
                target = "m/gyre_matrix" if is_matrix else f"m/{entry['name']}" if by_name else f"gyre_column/{entry['name']}"
                before.append(helper.make_node("Identity" if is_matrix else "Unsqueeze", [name] if is_matrix else [name, "gyre_axis"], [target]))
                columns.append(target)
            if not is_matrix and not by_name:
                before.append(helper.make_node("Concat", columns, ["m/gyre_matrix"], axis=1))
            results = []
            wanted = list(zip(outputs, made.graph.output))
            if beside is not None and len(outputs) == 1 and len(made.graph.output) == 2:
                wanted.append((beside, made.graph.output[1]))
            for entry, output in wanted:
                name = output.name
                if len(entry["shape"]) == 1 and len(output.type.tensor_type.shape.dim) != 1:
                    after.append(helper.make_node("Reshape", [name, "gyre_flat"], [f"gyre_flat/{entry['name']}"]))
                    name = f"gyre_flat/{entry['name']}"
                to = kinds[entry["datatype"]]
                is_text = entry["datatype"] == "BYTES"
                after.append(helper.make_node("Identity", [name], [entry["name"]]) if is_text else helper.make_node("Cast", [name], [entry["name"]], to=to))
                results.append(helper.make_tensor_value_info(entry["name"], to, entry["shape"] and ["n", *entry["shape"][1:]]))
            nodes = before + list(made.graph.node) + after
            used = {name for node in nodes for name in node.input}
            own = [value for value in (axis, flat) if value.name in used]
            graph = helper.make_graph(nodes, "gyre", ports, results, initializer=list(made.graph.initializer) + own)
            whole = helper.make_model(graph, opset_imports=made.opset_import, functions=made.functions)
            whole.ir_version = made.ir_version
            return whole.SerializeToString(deterministic=True)


        def compare(mine, theirs):
            """The share of rows with the same answer, and the greatest difference of a number."""
            same, most = None, 0.0
            for name, own in mine.items():
                own, other = numpy.asarray(own), numpy.asarray(theirs[name])
                if own.dtype.kind in "OUS" or own.dtype.kind in "iub":
                    equal = own.astype(str) == other.astype(str)
                else:
                    equal = numpy.isclose(own.astype(float), other.astype(float), rtol=1e-4, atol=1e-5, equal_nan=True)
                    spread = numpy.abs(own.astype(float) - other.astype(float))
                    most = max(most, float(numpy.nanmax(spread)) if spread.size else 0.0)
                equal = equal.reshape(len(equal), -1).all(axis=1)
                same = equal if same is None else same & equal
            return float(same.mean()), most


        def missing(predict, rows, answer):
            """What becomes of missing numbers: refused by the model itself, taken by both alike, or left to the original where the two differ."""
            spoilt = {name: values[:8].copy() for name, values in rows.items()}
            reals = [values for values in spoilt.values() if values.dtype.kind == "f"]
            for values in reals:
                values.reshape(len(values), -1)[::2, 0] = numpy.nan
            if not reals:
                return "refused"
            try:
                expected = predict(spoilt)
            except Exception:
                return "refused"
            found = answer(spoilt)
            same, _ = compare(expected, {name: found[name] for name in expected})
            return "taken" if same == 1 else "original"


        def flavours(path):
            import mlflow.models

            return mlflow.models.Model.load(os.path.dirname(path)).flavors if os.path.basename(path) == "MLmodel" else {}


        def trees(path):
            """Whether XGBoost's own library answers as the model's pyfunc does: what it is to answer, and in which file it is."""
            import xgboost

            folder, flavour = os.path.dirname(path), flavours(path)["xgboost"]
            kind = str(flavour.get("model_class", "")).split(".")[-1]
            answers = {"Booster": "values", "XGBRegressor": "bestValues", "XGBRFRegressor": "bestValues", "XGBRanker": "bestValues",
                       "XGBClassifier": "classes", "XGBRFClassifier": "classes"}.get(kind)
            if answers is None:
                raise ValueError(f"how {kind or 'its class'} decides is known to Python alone")
            file = flavour.get("data", "model.xgb")
            booster = xgboost.Booster()
            booster.load_model(os.path.join(folder, file))
            if any(kind == "c" for kind in booster.feature_types or []):
                raise ValueError("it has columns of categories, whose codes are known to Python alone")
            served = Pyfunc(folder)
            width = booster.num_features()
            names = served.features if len(served.features) == width else None
            luck = numpy.random.default_rng(0)
            rows = luck.normal(0, 2, (ROWS, width))
            rows[ROWS // 2:] = luck.uniform(-100, 100, rows.shape)[ROWS // 2:]
            example = served.example
            if example is not None and getattr(example, "shape", (0, 0))[1:] == (width,):
                values = numpy.asarray(example, dtype=float)
                rows[: ROWS // 2] = values[luck.integers(0, len(values), ROWS // 2)] * luck.normal(1, 0.3, (ROWS // 2, width))
            rows[::7, luck.integers(0, width)] = numpy.nan
            table = served.pandas.DataFrame(rows, columns=names) if names else rows
            if served.columns:
                whole = [index for index in range(width) if served.kind(index) in ("long", "integer")]
                rows[:, whole] = numpy.round(numpy.nan_to_num(rows[:, whole]))
                table = served.fitted(served.pandas.DataFrame(rows, columns=served.columns))
            expected = numpy.asarray(served.model.predict(table))
            end = booster.best_iteration + 1 if answers != "values" and booster.attr("best_iteration") is not None else 0
            found = booster.inplace_predict(rows.astype(numpy.float32), iteration_range=(0, end), validate_features=False)
            if answers == "classes":
                found = found.argmax(axis=1) if found.ndim == 2 else (found > 0.5).astype(int)
            same, most = compare({"predict": expected}, {"predict": found})
            return {"agrees": same == 1, "same": same, "greatest_difference": most, "native": "xgboost", "file": file, "answers": answers,
                    "features": names or [], "xgboost": xgboost.__version__, **({} if same == 1 else {"reason": f"{same:.4f} of the rows have the same answer"})}


        def convert(path, target):
            if "xgboost" in flavours(path):
                return {**trees(path), "rows": ROWS}
            import onnxruntime
            import skl2onnx
            import sklearn

            inputs, predict, platform = load(path)
            model = estimator(path)
            rows = samples(path, inputs, model)
            # Of texts an encoder may refuse what it has not seen, so that a row of nothing is none.
            outputs = described(inputs, predict, {name: values[:1] for name, values in rows.items()})
            expected, problems, best, beside = predict(rows), [], None, None
            if getattr(own, "probabilities", None) is not None:
                expected[PROBABILITIES] = own.probabilities(rows)
                beside, _ = encode(PROBABILITIES, numpy.asarray(expected[PROBABILITIES]))
            for real in ["FP64", "FP32"]:
                try:
                    content = converted(model, inputs, outputs, real, beside)
                    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
                    names = [entry["name"] for entry in outputs] + ([] if beside is None else [PROBABILITIES])
                    found = session.run(names, rows)
                except Exception as error:
                    problems.append(f"{real}: " + "".join(traceback.format_exception_only(error)).strip()[:500])
                    continue
                same, most = compare(expected, dict(zip(names, found)))
                if best is None or same > best["same"]:
                    best = {"same": same, "greatest_difference": most, "computes_in": real}
                if same >= 0.999:
                    names = [entry["name"] for entry in outputs]
                    best["missing"] = missing(predict, rows, lambda rows: dict(zip(names, session.run(names, rows))))
                    with open(target, "wb") as file:
                        file.write(content)
                    best["agrees"] = True
                    break
            answer = {"agrees": False, **(best or {}), "rows": ROWS, "features": getattr(own, "features", []), "skl2onnx": skl2onnx.__version__, "scikit_learn": sklearn.__version__}
            if best is None:
                answer["reason"] = "; ".join(problems)
            elif not answer["agrees"]:
                answer["reason"] = "; ".join(problems) or f"{best['same']:.4f} of the rows have the same answer"
            return answer


        try:
            confine(int(sys.argv[2]))
            import warnings

            import numpy

            warnings.simplefilter("ignore")
            send(convert(sys.argv[1], sys.argv[3]))
        except BaseException as error:
            send({"agrees": False, "reason": "".join(traceback.format_exception_only(error)).strip()[:1000]})
        """#
}
