# SPDX-License-Identifier: Apache-2.0
"""Everyday models as data scientists log them by the real mlflow client: each with rows to ask it for."""
import datetime
import os
import sys

import cloudpickle
import mlflow
import numpy
import pandas

# Classes of this file go with the models, as those of a notebook do.
cloudpickle.register_pickle_by_value(sys.modules[__name__])
luck = numpy.random.default_rng(7)
COUNT = 300


def table():
    """Usual data: numbers, whole numbers, texts, truths, with some values missing in some columns."""
    frame = pandas.DataFrame({
        "price": luck.normal(10, 3, COUNT),
        "age": luck.integers(1, 90, COUNT),
        "city": luck.choice(["Rome", "Oslo", "Lima"], COUNT),
        "member": luck.random(COUNT) < 0.5,
        "income": luck.normal(50, 9, COUNT),
    })
    frame["city"] = frame["city"].astype(object)
    return frame


FRAME = table()
NUMBERS = FRAME[["price", "age", "income"]].astype(float)
MISSING = NUMBERS.mask(luck.random(NUMBERS.shape) < 0.2)
SOLD = numpy.where((FRAME["price"] < 10) ^ (FRAME["city"] == "Oslo"), "yes", "no")
THREE = (NUMBERS["price"] > 8).astype(int) + (NUMBERS["price"] > 12).astype(int)
TWO = (NUMBERS["price"] > 10).astype(int)
TARGET = NUMBERS["price"] * 2 + NUMBERS["age"] * 0.1
MODELS = {}


def model():
    """Marks a function that logs a model under a name and returns the rows that it is asked for."""
    def mark(function):
        MODELS[function.__name__] = function
        return function
    return mark


def sklearn(name, estimator, rows, signature=True, target=None, **named):
    import mlflow.sklearn
    from mlflow.models import infer_signature

    if signature:
        predict = getattr(estimator, named.get("pyfunc_predict_fn", "predict"))
        named["signature"] = infer_signature(rows, predict(rows))
    mlflow.sklearn.log_model(
        estimator, name="model", registered_model_name=name, serialization_format="cloudpickle",
        pip_requirements=requirements("scikit-learn"), **named)
    return rows.head(5) if hasattr(rows, "head") else rows[:5]


def requirements(*names):
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in ("mlflow", "numpy", "pandas", *names)]


# scikit-learn

@model()
def linear(name):
    from sklearn.linear_model import LinearRegression
    return sklearn(name, LinearRegression().fit(NUMBERS, TARGET), NUMBERS)


@model()
def logistic(name):
    from sklearn.linear_model import LogisticRegression
    return sklearn(name, LogisticRegression(max_iter=1000).fit(NUMBERS, THREE), NUMBERS)


@model()
def forest_of_matrix(name):
    from sklearn.ensemble import RandomForestClassifier
    values = NUMBERS.to_numpy()
    return sklearn(name, RandomForestClassifier(n_estimators=10, random_state=0).fit(values, TWO), values)


@model()
def forest_without_signature(name):
    from sklearn.ensemble import RandomForestRegressor
    return sklearn(name, RandomForestRegressor(n_estimators=10, random_state=0).fit(NUMBERS, TARGET), NUMBERS, signature=False)


@model()
def vectors(name):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    return sklearn(name, make_pipeline(StandardScaler(), SVC()).fit(NUMBERS, SOLD), NUMBERS)


@model()
def neighbours(name):
    from sklearn.neighbors import KNeighborsClassifier
    return sklearn(name, KNeighborsClassifier(3).fit(NUMBERS, SOLD), NUMBERS)


@model()
def bayes(name):
    from sklearn.naive_bayes import GaussianNB
    return sklearn(name, GaussianNB().fit(NUMBERS, SOLD), NUMBERS)


@model()
def clusters(name):
    from sklearn.cluster import KMeans
    return sklearn(name, KMeans(3, random_state=0, n_init=2).fit(NUMBERS), NUMBERS)


@model()
def outliers(name):
    from sklearn.ensemble import IsolationForest
    return sklearn(name, IsolationForest(n_estimators=20, random_state=0).fit(NUMBERS), NUMBERS)


@model()
def several_outputs(name):
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.multioutput import MultiOutputRegressor
    goals = numpy.column_stack([TARGET, -TARGET])
    return sklearn(name, MultiOutputRegressor(RandomForestRegressor(n_estimators=5, random_state=0)).fit(NUMBERS, goals), NUMBERS)


@model()
def calibrated(name):
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.naive_bayes import GaussianNB
    return sklearn(name, CalibratedClassifierCV(GaussianNB(), cv=3).fit(NUMBERS, SOLD), NUMBERS)


@model()
def stacked(name):
    from sklearn.ensemble import StackingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier
    parts = [("a", DecisionTreeClassifier(max_depth=3, random_state=0)), ("b", LogisticRegression(max_iter=500))]
    return sklearn(name, StackingClassifier(parts, LogisticRegression(), cv=3).fit(NUMBERS, TWO), NUMBERS)


def mixed(final, target):
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(
        ColumnTransformer([
            ("n", numbers, ["price", "age", "income"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["city"]), ("b", "passthrough", ["member"])]),
        final).fit(FRAME, target)


@model()
def pipeline_of_texts_and_numbers(name):
    from sklearn.ensemble import GradientBoostingClassifier
    return sklearn(name, mixed(GradientBoostingClassifier(n_estimators=10, random_state=0), SOLD), FRAME, input_example=FRAME.head(3))


@model()
def pipeline_regression(name):
    from sklearn.linear_model import Ridge
    return sklearn(name, mixed(Ridge(), TARGET), FRAME)


@model()
def missing_values(name):
    from sklearn.ensemble import HistGradientBoostingClassifier
    rows = MISSING.copy()
    sklearn(name, HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(rows, TWO), rows)
    return rows[rows.isna().any(axis=1)].head(5)


@model()
def imputed(name):
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    sklearn(name, make_pipeline(SimpleImputer(), LinearRegression()).fit(MISSING, TARGET), MISSING)
    return MISSING[MISSING.isna().any(axis=1)].head(5)


@model()
def words(name):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    import mlflow.sklearn
    texts = ["good film", "bad film", "good", "bad", "a good day", "such a bad day"] * 5
    fitted = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0, 1, 0] * 5)
    mlflow.sklearn.log_model(
        fitted, name="model", registered_model_name=name, serialization_format="cloudpickle", input_example=["good"],
        pip_requirements=requirements("scikit-learn"))
    return ["good film", "a bad one", "day"]


@model()
def words_without_signature(name):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    import mlflow.sklearn
    texts = ["good film", "bad film", "good", "bad"] * 5
    fitted = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["up", "down", "up", "down"] * 5)
    mlflow.sklearn.log_model(
        fitted, name="model", registered_model_name=name, serialization_format="cloudpickle", pip_requirements=requirements("scikit-learn"))
    return ["good film", "a bad one", "day"]


@model()
def probabilities(name):
    from sklearn.linear_model import LogisticRegression
    return sklearn(name, LogisticRegression(max_iter=1000).fit(NUMBERS, THREE), NUMBERS, pyfunc_predict_fn="predict_proba")


@model()
def own_code(name):
    folder = os.path.join(os.environ["ZOO_WORK"], "own_code")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "zoo_own_transformer.py")
    open(path, "w").write(
        "from sklearn.base import BaseEstimator, TransformerMixin\n\n\nclass Doubled(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, x, y=None):\n        return self\n\n    def transform(self, x):\n        return x * 2\n")
    sys.path.insert(0, folder)
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from zoo_own_transformer import Doubled
    return sklearn(name, make_pipeline(Doubled(), LinearRegression()).fit(NUMBERS, TARGET), NUMBERS, code_paths=[path])


# Boosted trees

def boosted(name, flavour, fitted, rows, package, **named):
    from mlflow.models import infer_signature

    module = getattr(mlflow, flavour)
    module.log_model(
        fitted, name="model", registered_model_name=name, signature=infer_signature(rows) if named.pop("signed", True) else None,
        pip_requirements=requirements("scikit-learn", package), **named)
    return rows.head(5)


@model()
def xgboost_classifier(name):
    import mlflow.xgboost
    from xgboost import XGBClassifier
    return boosted(name, "xgboost", XGBClassifier(n_estimators=8, max_depth=3).fit(NUMBERS, THREE), NUMBERS, "xgboost-cpu")


@model()
def xgboost_binary(name):
    import mlflow.xgboost
    from xgboost import XGBClassifier
    return boosted(name, "xgboost", XGBClassifier(n_estimators=8).fit(MISSING, TWO), MISSING, "xgboost-cpu")


@model()
def xgboost_regressor(name):
    import mlflow.xgboost
    from xgboost import XGBRegressor
    return boosted(name, "xgboost", XGBRegressor(n_estimators=8).fit(NUMBERS, TARGET), NUMBERS, "xgboost-cpu", signed=False)


@model()
def xgboost_booster(name):
    import mlflow.xgboost
    import xgboost
    data = xgboost.DMatrix(NUMBERS, THREE)
    fitted = xgboost.train({"objective": "multi:softprob", "num_class": 3}, data, 6)
    return boosted(name, "xgboost", fitted, NUMBERS, "xgboost-cpu", model_format="ubj")


@model()
def xgboost_dart(name):
    import mlflow.xgboost
    import xgboost
    fitted = xgboost.train({"booster": "dart", "objective": "binary:logistic", "rate_drop": 0.3}, xgboost.DMatrix(NUMBERS, TWO), 6)
    return boosted(name, "xgboost", fitted, NUMBERS, "xgboost-cpu", model_format="json")


@model()
def xgboost_ranker(name):
    import mlflow.xgboost
    from xgboost import XGBRanker
    groups = numpy.repeat(numpy.arange(30), 10)
    return boosted(name, "xgboost", XGBRanker(n_estimators=5).fit(NUMBERS, THREE, qid=groups), NUMBERS, "xgboost-cpu")


@model()
def xgboost_early(name):
    import mlflow.xgboost
    from xgboost import XGBRegressor
    fitted = XGBRegressor(n_estimators=60, early_stopping_rounds=2, learning_rate=0.9).fit(
        NUMBERS[:200], TARGET[:200] + luck.normal(0, 9, 200), eval_set=[(NUMBERS[200:], TARGET[200:])], verbose=False)
    return boosted(name, "xgboost", fitted, NUMBERS, "xgboost-cpu")


@model()
def lightgbm_classifier(name):
    import mlflow.lightgbm
    from lightgbm import LGBMClassifier
    return boosted(name, "lightgbm", LGBMClassifier(n_estimators=8, verbose=-1).fit(NUMBERS, THREE), NUMBERS, "lightgbm")


@model()
def lightgbm_booster(name):
    import lightgbm
    import mlflow.lightgbm
    fitted = lightgbm.train({"objective": "multiclass", "num_class": 3, "verbose": -1}, lightgbm.Dataset(NUMBERS, THREE), 6)
    return boosted(name, "lightgbm", fitted, NUMBERS, "lightgbm")


@model()
def lightgbm_unsigned(name):
    import lightgbm
    import mlflow.lightgbm
    fitted = lightgbm.train({"objective": "regression", "verbose": -1}, lightgbm.Dataset(MISSING, TARGET), 6)
    return boosted(name, "lightgbm", fitted, MISSING, "lightgbm", signed=False)


@model()
def catboost_classifier(name):
    import mlflow.catboost
    from catboost import CatBoostClassifier
    fitted = CatBoostClassifier(iterations=8, verbose=False, allow_writing_files=False, cat_features=["city"]).fit(FRAME[["price", "age", "city"]], SOLD)
    return boosted(name, "catboost", fitted, FRAME[["price", "age", "city"]], "catboost")


@model()
def least_squares(name):
    import mlflow.statsmodels
    import statsmodels.api
    fitted = statsmodels.api.OLS(TARGET, NUMBERS).fit()
    return boosted(name, "statsmodels", fitted, NUMBERS, "statsmodels")


@model()
def onnx(name):
    import mlflow.onnx
    from mlflow.models import infer_signature
    from onnx import TensorProto, helper
    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["x", "axis"], ["y"], keepdims=1)], "sum", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])], [helper.make_tensor("axis", TensorProto.INT64, [1], [1])])
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    whole.ir_version = 9
    rows = NUMBERS.to_numpy().astype("float32")
    mlflow.onnx.log_model(whole, name="model", registered_model_name=name, signature=infer_signature(rows), pip_requirements=requirements("onnx", "onnxruntime"))
    return rows[:5]


# Users' own

class Plain(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        k = (params or {}).get("k", 1)
        return model_input[["price", "age"]].sum(axis=1) * k


class Table(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return pandas.DataFrame({"double": model_input["price"] * 2, "city": model_input["city"].str.upper(), "member": ~model_input["member"].astype(bool)})


class Dicts(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return [{"length": len(text), "words": text.split()} for text in model_input["city"]]


class Kinds(mlflow.pyfunc.PythonModel):
    """Says what it was given, so that a wrong type is seen."""

    def predict(self, context, model_input):
        return [" ".join(f"{name}={type(value).__name__}:{value}" for name, value in row.items()) for row in model_input.to_dict("records")]


class Hinted(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[str], params=None) -> list[str]:
        return [text[::-1] for text in model_input]


class Nested(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return [{"sum": sum(row["values"]), "name": row["who"]["name"]} for row in model_input.to_dict("records")]


class Unsigned(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input.assign(total=model_input.sum(axis=1, numeric_only=True))


class WithFile(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.add = float(open(context.artifacts["offset"]).read())

    def predict(self, context, model_input):
        return (model_input["price"] + self.add).tolist()


def pyfunc(name, python_model, rows, signature=None, **named):
    import mlflow.pyfunc
    mlflow.pyfunc.log_model(
        name="model", python_model=python_model, registered_model_name=name, signature=signature, pip_requirements=requirements(), **named)
    return rows.head(5) if hasattr(rows, "head") else rows


@model()
def parameters(name):
    from mlflow.models import infer_signature
    rows = FRAME[["price", "age"]]
    return pyfunc(name, Plain(), rows, infer_signature(rows, TARGET, params={"k": 3, "word": "x"}))


@model()
def answers_tables(name):
    from mlflow.models import infer_signature
    rows = FRAME[["price", "city", "member"]]
    return pyfunc(name, Table(), rows, infer_signature(rows))


@model()
def answers_dicts(name):
    from mlflow.models import infer_signature
    return pyfunc(name, Dicts(), FRAME[["city"]], infer_signature(FRAME[["city"]]))


@model()
def kinds(name):
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    schema = Schema([
        ColSpec("integer", "i"), ColSpec("long", "l"), ColSpec("float", "f"), ColSpec("double", "d"), ColSpec("boolean", "b"), ColSpec("string", "s"),
        ColSpec("datetime", "t"), ColSpec("double", "o", required=False)])
    rows = pandas.DataFrame({
        "i": numpy.array([1, -2, 3], "int32"), "l": [2**40, 2, 3], "f": numpy.array([0.5, 1.5, -2.5], "float32"), "d": [0.1, 1e300, -3.0],
        "b": [True, False, True], "s": ["a", "ü", ""], "t": pandas.to_datetime(["2020-01-01 10:00:00", "1999-12-31 00:00:00", "2021-06-05 04:03:02"]),
        "o": [1.0, 2.0, 3.5]})
    return pyfunc(name, Kinds(), rows, ModelSignature(schema))


@model()
def optional_columns(name):
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    schema = Schema([ColSpec("double", "d"), ColSpec("double", "o", required=False)])
    return pyfunc(name, Kinds(), pandas.DataFrame({"d": [1.0, 2.0]}), ModelSignature(schema))


@model()
def type_hints(name):
    return pyfunc(name, Hinted(), ["abc", "", "ü!"])


@model()
def objects(name):
    from mlflow.models import infer_signature
    rows = pandas.DataFrame({"values": [[1.0, 2.0], [3.5, 0.5]], "who": [{"name": "a", "age": 1}, {"name": "b", "age": 2}]})
    return pyfunc(name, Nested(), rows, infer_signature(rows.to_dict("records")))


@model()
def unsigned(name):
    return pyfunc(name, Unsigned(), FRAME[["price", "city"]])


@model()
def context_artifacts(name):
    from mlflow.models import infer_signature
    path = os.path.join(os.environ["ZOO_WORK"], "offset.txt")
    open(path, "w").write("0.25")
    return pyfunc(name, WithFile(), FRAME[["price"]], infer_signature(FRAME[["price"]]), artifacts={"offset": path})


@model()
def from_code(name):
    from mlflow.models import infer_signature
    path = os.path.join(os.environ["ZOO_WORK"], "from_code.py")
    open(path, "w").write(
        "import mlflow\n\n\nclass Model(mlflow.pyfunc.PythonModel):\n    def predict(self, context, model_input):\n        return model_input['age'] + 1\n\n\n"
        "mlflow.models.set_model(Model())\n")
    return pyfunc(name, path, FRAME[["age"]], infer_signature(FRAME[["age"]]))


@model()
def tensors(name):
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    class Picture(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input):
            return numpy.asarray(model_input).sum(axis=(1, 2))

    schema = Schema([TensorSpec(numpy.dtype("float32"), (-1, 2, 3))])
    return pyfunc(name, Picture(), luck.random((4, 2, 3)).astype("float32"), ModelSignature(schema))


@model()
def named_tensors(name):
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    class Two(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input):
            return {"sum": model_input["a"].sum(axis=1) + model_input["b"]}

    schema = Schema([TensorSpec(numpy.dtype("float64"), (-1, 3), "a"), TensorSpec(numpy.dtype("int64"), (-1,), "b")])
    return pyfunc(name, Two(), {"a": luck.random((4, 3)), "b": numpy.arange(4)}, ModelSignature(schema))


@model()
def chat(name):
    from mlflow.types.llm import ChatChoice, ChatCompletionResponse, ChatMessage

    class Echo(mlflow.pyfunc.ChatModel):
        def predict(self, context, messages, params):
            return ChatCompletionResponse(choices=[ChatChoice(index=0, message=ChatMessage(role="assistant", content=messages[-1].content + "!"))], model="echo")

    mlflow.pyfunc.log_model(name="model", python_model=Echo(), registered_model_name=name, pip_requirements=requirements())
    return {"messages": [{"role": "user", "content": "hello"}]}
