// SPDX-License-Identifier: Apache-2.0

/// The part of a worker's program that serves models of MLflow as their own `pyfunc` answers.
///
/// A model is handed what clients send as it came: a body of MLflow's scoring server or of TensorFlow Serving, or tensors by name. It is
/// read by mlflow's own functions, so that types, missing columns and parameters are what the model's signature says. Beside that, rows
/// go by position and columns by name wherever that says the same, numbers of another type go where they are the same numbers, and a
/// parameter that the model has not is an error.
enum PyfuncScript {
    static let text = #"""
        FORMATS = ["dataframe_split", "dataframe_records", "instances", "inputs"]


        class Pyfunc:
            def __init__(self, folder):
                import mlflow.pyfunc
                import pandas
                from mlflow.pyfunc import scoring_server

                self.pandas, self.server = pandas, scoring_server
                self.model = mlflow.pyfunc.load_model(folder)
                metadata = self.model.metadata
                try:
                    self.raw = self.model.get_raw_model()
                except Exception:
                    self.raw = None  # a class of a user's own has none
                self.schema = metadata.get_input_schema()
                self.params = metadata.get_params_schema() if hasattr(metadata, "get_params_schema") else None
                self.has_params = "params" in self.signature(self.model.predict)
                self.hinted = getattr(metadata, "_is_signature_from_type_hint", lambda: False)()
                self.is_own = metadata.flavors.get("python_function", {}).get("loader_module") in ("mlflow.pyfunc.model", "mlflow.pyfunc.loaders.code_model")
                self.is_tensor = self.schema is not None and self.schema.is_tensor_spec()
                named = self.schema is not None and not self.is_tensor and all(getattr(column, "name", None) for column in self.schema.inputs)
                self.columns = [column.name for column in self.schema.inputs] if named else []
                self.features = self.columns or self.names()
                one = self.schema.inputs[0] if self.is_tensor and len(self.schema.inputs) == 1 and not self.schema.inputs[0].name else None
                # The width of the one matrix that it takes; None for a model of another form.
                self.width = one.shape[1] if one is not None and len(one.shape) == 2 and one.shape[1] > 0 else None
                self.example = self.load_example(folder, metadata)

            @staticmethod
            def signature(function):
                import inspect

                return inspect.signature(function).parameters

            def names(self):
                """The columns that the model itself knows by name; none where it knows none."""
                raw = self.raw
                for read in [lambda: raw.feature_names_in_, lambda: raw.feature_names_, lambda: raw.feature_names, lambda: raw.feature_name(),
                             lambda: raw.model.exog_names]:
                    try:
                        names = [str(name) for name in read()]
                    except Exception:
                        continue
                    if names:
                        return names
                return []

            @staticmethod
            def load_example(folder, metadata):
                try:
                    return metadata.load_input_example(folder) if metadata.saved_input_example_info else None
                except Exception:
                    return None  # it is only there to look at

            # What clients send

            def document(self, kind, content_type, body):
                """Rows, parameters, and the member of the answer that the predictions stand in; none where they stand alone."""
                mime = content_type.split(";")[0].strip().lower()
                if mime == "text/csv":
                    import io

                    if self.width:
                        return self.matrix(self.pandas.read_csv(io.StringIO(body))), None, "predictions"
                    return self.server.parse_csv_input(io.StringIO(body), self.schema), None, "predictions"
                if mime not in ("", "application/json"):
                    raise ValueError(f"the content type {mime[:80]} is not taken: send application/json or text/csv")
                said = json.loads(body)
                if not isinstance(said, dict):
                    raise ValueError("the body is no object")
                is_llm = getattr(self.server, "is_unified_llm_input", None)
                if is_llm is not None and is_llm(said):
                    data, params = self.server._split_data_and_params_for_llm_input(said, self.params)
                    return data, params, None
                found = [name for name in FORMATS if name in said]
                if len(found) != 1:
                    raise ValueError(f"the body has {' and '.join(found) or 'none'} of {', '.join(FORMATS)}, and needs one")
                params = said.get("params", said.get("parameters"))
                member = "outputs" if kind == "instances" and found[0] == "inputs" else "predictions"
                return self.rows(found[0], said[found[0]]), params, member

            def rows(self, form, value):
                if self.hinted:
                    return value
                if form in ("instances", "inputs"):
                    table = self.table(value)
                    if table is not None:
                        return table
                if form == "dataframe_split" and self.columns and isinstance(value, dict) and isinstance(value.get("data"), list):
                    # Numbers are what a table has in the place of names.
                    names = value.get("columns")
                    if names is None or [str(name) for name in names] == [str(number) for number in range(len(self.columns))]:
                        return self.table(value["data"])
                data = self.server.infer_and_parse_data({form: value}, self.schema)
                # scikit-learn refuses another order, so that no answer of its own is changed.
                return self.ordered(data) if hasattr(data, "columns") and hasattr(self.raw, "feature_names_in_") else data

            def matrix(self, frame):
                """A table as the matrix that the model takes: by the names of its columns where it knows them, else by their places."""
                if len(frame.columns) != self.width:
                    raise ValueError(f"a row has {len(frame.columns)} values, and the model takes {self.width}")
                if self.features and set(frame.columns) == set(self.features):
                    frame = frame[self.features]
                return self.exact(frame.to_numpy(), self.schema.inputs[0].type, "input")

            def table(self, value):
                """Rows or records as the table that the model takes; None where mlflow's own way is the only one."""
                if self.width and (isinstance(value, dict) or isinstance(value, list) and value and isinstance(value[0], dict)):
                    return self.matrix(self.pandas.DataFrame(value))
                if isinstance(value, dict):
                    is_list = value and all(isinstance(inner, list) for inner in value.values())
                    return self.ordered(self.pandas.DataFrame(value)) if is_list and self.schema is None and not self.is_own else None
                if not isinstance(value, list) or not value:
                    return None
                if isinstance(value[0], dict):
                    if self.columns or (self.schema is None and not self.is_own):
                        return self.fitted(self.ordered(self.pandas.DataFrame.from_records(value)))
                    return None
                if self.columns and not (len(self.columns) == 1 and self.kind(0) is None):
                    rows = value if isinstance(value[0], list) else [[element] for element in value] if len(self.columns) == 1 else None
                    if rows is None:
                        return None
                    wrong = next((row for row in rows if not isinstance(row, list) or len(row) != len(self.columns)), None)
                    if wrong is not None:
                        raise ValueError(f"a row has {len(wrong) if isinstance(wrong, list) else 1} values, and the model takes {len(self.columns)}: {', '.join(self.columns[:50])}")
                    return self.fitted(self.pandas.DataFrame(rows, columns=self.columns))
                if self.schema is None and not self.is_own and isinstance(value[0], list) and self.by_name(len(value[0])):
                    return self.pandas.DataFrame(value, columns=self.features)
                return None

            def ordered(self, frame):
                """The columns in the order in which the model knows them, where it knows them by name."""
                return frame[self.features] if self.schema is None and set(frame.columns) == set(self.features) else frame

            def by_name(self, width):
                """Whether a model without a signature is to be given its columns by name."""
                is_scikit = hasattr(self.raw, "n_features_in_") and hasattr(self.raw, "get_params")
                return len(self.features) == width and (not is_scikit or picks(self.raw) or hasattr(self.raw, "get_booster"))

            def kind(self, index):
                return getattr(self.schema.inputs[index].type, "name", None)

            def fitted(self, frame):
                """The table with each column in the type of the signature, where that holds the same values."""
                for index, name in enumerate(self.columns):
                    if name in frame.columns:
                        frame[name] = self.fit(frame[name], self.kind(index), name)
                return frame

            @staticmethod
            def read(values, kind, name):
                """Texts as what the signature says they are."""
                readers = {"integer": int, "long": int, "float": float, "double": float, "boolean": lambda text: {"true": True, "false": False}[text.lower()]}
                reader = readers.get(kind)
                if reader is None:
                    return values
                found = []
                for row, value in enumerate(values):
                    try:
                        found.append(reader(value) if isinstance(value, str) else value)
                    except (ValueError, KeyError):
                        raise ValueError(f"row {row} of the column {name} is {value!r}, which is no {kind}") from None
                return type(values)(found, name=values.name)

            def fit(self, values, kind, name):
                if kind in ("integer", "long"):
                    if values.dtype.kind == "f" or values.dtype == object and all(type(value) in (int, float) for value in values):
                        code = numpy.int32 if kind == "integer" else numpy.int64
                        for row, value in enumerate(values):
                            if value != value or value != int(value) or not numpy.iinfo(code).min <= value <= numpy.iinfo(code).max:
                                raise ValueError(f"row {row} of the column {name} is {value}, which is no {kind}")
                        return values.astype(code)
                    if values.dtype.kind in "iu" and kind == "integer":
                        for row, value in enumerate(values):
                            if not -2**31 <= value < 2**31:
                                raise ValueError(f"row {row} of the column {name} is {value}, which is no integer of 32 bits")
                        return values.astype(numpy.int32)
                elif kind in ("float", "double"):
                    if values.dtype == object and all(value is None or type(value) in (int, float) for value in values):
                        values = self.pandas.to_numeric(values)
                    if values.dtype.kind in "iuf":
                        if values.dtype.kind != "f" and any(abs(int(value)) > 2**53 for value in values):
                            raise ValueError(f"the column {name} holds whole numbers that a {kind} does not hold")
                        return values.astype(numpy.float32 if kind == "float" else numpy.float64)
                elif kind == "boolean" and values.dtype == object and all(type(value) is bool for value in values):
                    return values.astype(bool)
                elif kind == "datetime" and values.dtype.kind not in "M":
                    return self.pandas.to_datetime(values)
                elif kind == "binary":
                    import base64

                    return values.map(lambda value: base64.b64decode(value) if isinstance(value, str) else value)
                elif kind is None:
                    return values.map(lambda value: json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value)
                return values

            def tensors(self, given):
                """What the model takes of tensors by name."""
                arrays = {name: array.reshape(len(array)) if array.ndim == 2 and array.shape[1] == 1 and len(given) > 1 else array for name, array in given.items()}
                only = next(iter(arrays.items())) if len(arrays) == 1 else None
                if self.is_tensor:
                    return self.as_tensors(arrays, only)
                if self.columns:
                    if only and only[0] not in self.columns:
                        array = only[1].reshape(len(only[1]), -1)
                        if array.shape[1] != len(self.columns):
                            raise ValueError(f"the rows in {only[0]} have {array.shape[1]} values, and the model takes {len(self.columns)}: {', '.join(self.columns[:50])}")
                        frame = self.pandas.DataFrame(array, columns=self.columns)
                        if array.dtype == object:
                            # Texts are what rows of several types have in common.
                            for index, name in enumerate(self.columns):
                                frame[name] = self.read(frame[name], self.kind(index), name)
                        return self.fitted(frame)
                    unknown = next((name for name in arrays if name not in self.columns), None)
                    if unknown is not None:
                        raise ValueError(f"the model has no column {unknown}; it has {', '.join(self.columns[:50])}")
                    return self.fitted(self.frame(arrays))
                if self.hinted:
                    return only[1].tolist() if only else {name: array.tolist() for name, array in arrays.items()}
                if not only:
                    return self.frame(arrays) if self.is_own else self.ordered(self.frame(arrays))
                if only[1].ndim == 2 and not self.is_own and self.by_name(only[1].shape[1]):
                    return self.pandas.DataFrame(only[1], columns=self.features)
                return only[1].tolist() if only[1].dtype == object and only[1].ndim == 1 else only[1]

            def frame(self, arrays):
                lengths = {len(array) for array in arrays.values()}
                if len(lengths) > 1:
                    raise ValueError(f"the columns differ in length: {sorted(lengths)}")
                return self.pandas.DataFrame({name: array.reshape(len(array)) if array.size == len(array) else list(array) for name, array in arrays.items()})

            def as_tensors(self, arrays, only):
                specs = self.schema.inputs
                if self.width and not only:
                    return self.matrix(self.frame(arrays))
                if len(specs) == 1 and only:
                    array = self.exact(only[1], specs[0].type, only[0])
                    return {specs[0].name: array} if specs[0].name else array
                names = [spec.name for spec in specs]
                unknown = next((name for name in arrays if name not in names), None)
                if unknown is not None:
                    raise ValueError(f"the model has no input {unknown}; it has {', '.join(map(str, names))}")
                return {spec.name: self.exact(arrays[spec.name], spec.type, spec.name) for spec in specs if spec.name in arrays}

            @staticmethod
            def exact(array, wanted, name):
                if array.dtype == wanted or array.dtype == object or wanted == object:
                    return array
                cast = array.astype(wanted)
                if wanted.kind != "f" and not (cast == array).all():
                    raise ValueError(f"the input {name} holds numbers that are no {wanted}")
                return cast

            # What the model says

            def ask(self, data, params):
                if params:
                    known = [param.name for param in self.params.params] if self.params is not None else []
                    unknown = [str(name) for name in params if name not in known]
                    if unknown:
                        raise ValueError(f"the model has no parameter {', '.join(unknown)}" + (f"; it has {', '.join(known)}" if known else ""))
                if self.has_params and params is not None:
                    return self.model.predict(data, params=params)
                return self.model.predict(data)

            def answer(self, head, given):
                kind = head["kind"]
                if kind == "tensors":
                    said = {name: given[str(number + 1)] for number, name in enumerate(head["names"])}
                    params, own_params = head.get("parameters") or {}, [param.name for param in self.params.params] if self.params is not None else []
                    data, params, member = self.tensors(said), {name: value for name, value in params.items() if name in own_params} or None, None
                else:
                    data, params, member = self.document(kind, head["content_type"], given["1"][0])
                    params = params if params is None or isinstance(params, dict) else self.refuse_params(params)
                kept = self.kept(data)
                result = self.ask(data, params)
                outputs = columns_of(result, self.pandas)
                inputs, logged = kept, outputs
                rows = {len(array) for array in list(inputs.values()) + list(outputs.values())}
                if len(rows) > 1:
                    inputs = {"input": numpy.array([json_text(data)], dtype=object)}
                    logged = {"predict": numpy.array([json_text(result)], dtype=object)} if kind != "tensors" else outputs
                parts, names = [], {"inputs": list(inputs), "outputs": list(logged)}
                if kind != "tensors":
                    parts.append(numpy.array([self.written(result, member)], dtype=object))
                    names["document"] = True
                elif len(rows) > 1:
                    inputs, names["inputs"] = {}, []
                parts += list(inputs.values()) + list(logged.values())
                probabilities = self.probabilities(data, len(next(iter(logged.values()), [])))
                if probabilities is not None:
                    names["outputs"] = names["outputs"] + [PROBABILITIES]
                    parts.append(probabilities)
                return [numpy.array([json.dumps(names)], dtype=object)] + parts

            @staticmethod
            def refuse_params(params):
                raise ValueError(f"the parameters are no object: {str(params)[:100]}")

            def written(self, result, member):
                import io

                text = io.StringIO()
                if member is None:
                    self.server.unwrapped_predictions_to_json(result, text)
                    return text.getvalue()
                if hasattr(result, "toarray"):
                    result = result.toarray()
                self.server.predictions_to_json(result, text)
                whole = text.getvalue()
                return whole if member == "predictions" else '{"outputs":' + whole[whole.index(":") + 1:]

            def kept(self, data):
                """The rows as columns, for the log of predictions."""
                if hasattr(data, "columns"):
                    return {str(name): column(data[name].to_numpy()) for name in data.columns}
                if isinstance(data, dict) and data and all(isinstance(array, numpy.ndarray) and array.ndim for array in data.values()):
                    return {str(name): column(array) for name, array in data.items()}
                if isinstance(data, numpy.ndarray) and data.ndim:
                    return {"input": column(data)}
                if isinstance(data, list):
                    return {"input": column(listed(data))}
                return {"input": numpy.array([json_text(data)], dtype=object)}

            def probabilities(self, data, rows):
                raw = self.raw
                if not (hasattr(raw, "predict_proba") and hasattr(raw, "classes_") and getattr(getattr(self.model, "_predict_fn", None), "__name__", "") == "predict"):
                    return None
                try:
                    found = numpy.asarray(raw.predict_proba(data[self.features] if hasattr(data, "columns") and self.features else data), dtype=numpy.float64)
                except Exception:
                    return None  # it is for the log alone
                return found if found.ndim == 2 and len(found) == rows else None

            # What it tells of itself

            def inputs(self):
                kinds = {"long": "INT64", "integer": "INT32", "double": "FP64", "float": "FP32", "boolean": "BOOL"}
                if self.is_tensor:
                    code = lambda wanted: next((name for name, code in TYPES.items() if numpy.dtype(code) == wanted), "BYTES")
                    return [{"name": spec.name or "input", "datatype": code(spec.type), "shape": list(spec.shape)} for spec in self.schema.inputs]
                if self.columns:
                    return [{"name": name, "datatype": kinds.get(self.kind(index), "BYTES"), "shape": [-1]} for index, name in enumerate(self.columns)]
                width = getattr(self.raw, "n_features_in_", len(self.features))
                if self.schema is None and width:
                    return [{"name": "input", "datatype": "FP64", "shape": [-1, int(width)]}]
                return [{"name": "input", "datatype": "BYTES", "shape": [-1]}]

            def outputs(self):
                """What it gives, by what it gives for its example or a row of nothing; unknown where it takes neither."""
                entries = [{"name": entry["name"], "datatype": entry["datatype"], "shape": entry["shape"]} for entry in self.inputs()]
                for make in [lambda: self.example, lambda: self.tensors({entry["name"]: sample(entry) for entry in entries})]:
                    try:
                        data = make()
                        if data is None:
                            continue
                        found = []
                        for name, value in columns_of(self.model.predict(data), self.pandas).items():
                            entry, _ = encode(name, value)
                            found.append({**entry, "shape": [-1] + entry["shape"][1:]})
                        return found
                    except Exception:
                        continue
                return []


        def json_text(value):
            def plain(inner):
                for read in ["tolist", "to_dict", "model_dump", "isoformat"]:
                    if hasattr(inner, read):
                        return getattr(inner, read)()
                return str(inner)

            return json.dumps(value, default=plain)


        def listed(values):
            array = numpy.empty(len(values), dtype=object)
            array[:] = values
            return array


        def column(array):
            """Values as numbers, truths or texts; what is none of these as JSON."""
            array = numpy.asarray(array)
            if array.dtype.kind in "biuf":
                return array.astype(numpy.float32) if array.dtype == numpy.float16 else array
            if array.dtype.kind == "M":
                return numpy.array([str(value) for value in array.ravel()], dtype=object).reshape(array.shape)
            if array.dtype.kind in "US":
                return array.astype(object)
            flat = list(array.ravel())
            missing = lambda value: value is None or value is getattr(sys.modules.get("pandas"), "NA", None) or (isinstance(value, float) and value != value)
            present = [value for value in flat if not missing(value)]
            if present and all(isinstance(value, (bool, numpy.bool_)) for value in present) and len(present) == len(flat):
                return array.astype(bool)
            if present and all(isinstance(value, (int, numpy.integer)) and not isinstance(value, bool) for value in present) and len(present) == len(flat):
                try:
                    return array.astype(numpy.int64)
                except OverflowError:
                    pass
            if present and all(isinstance(value, (int, float, numpy.number)) and not isinstance(value, bool) for value in present):
                return numpy.array([float("nan") if missing(value) else float(value) for value in flat]).reshape(array.shape)
            texts = [value if isinstance(value, (str, bytes)) else "" if missing(value) else json_text(value) for value in flat]
            made = numpy.empty(len(texts), dtype=object)
            made[:] = texts
            return made.reshape(array.shape)


        def columns_of(result, pandas):
            """What a model predicted, as columns by name."""
            if hasattr(result, "toarray"):
                result = result.toarray()
            if hasattr(result, "columns"):
                return {str(name): column(result[name].to_numpy()) for name in result.columns}
            if hasattr(result, "to_numpy"):
                return {"predict": column(result.to_numpy())}
            if isinstance(result, numpy.ndarray):
                return {"predict": column(result.reshape(1) if result.ndim == 0 else result)}
            if isinstance(result, dict) and result and all(isinstance(value, (numpy.ndarray, list)) for value in result.values()):
                return {str(name): column(value if isinstance(value, numpy.ndarray) else listed(value)) for name, value in result.items()}
            if isinstance(result, (list, tuple)):
                rows = list(result)
                if rows and all(isinstance(row, dict) and row.keys() == rows[0].keys() for row in rows) and not any(
                        isinstance(value, (dict, list)) for row in rows for value in row.values()):
                    return {str(name): column(listed([row[name] for row in rows])) for name in rows[0]}
                if rows and all(isinstance(row, (list, tuple)) for row in rows):
                    try:
                        matrix = numpy.array(rows)
                        if matrix.dtype.kind in "biufU" and matrix.ndim == 2:
                            return {"predict": column(matrix)}
                    except ValueError:
                        pass
                return {"predict": column(listed(rows))}
            return {"predict": column(listed([result]))}


        """#
}
