# SPDX-License-Identifier: Apache-2.0
"""The training pipeline: ordinary Kubeflow components. Run: python pipeline.py OUT.yaml"""
import sys
from typing import NamedTuple

from kfp import compiler, dsl

PACKAGES = [
    "duckdb==2.0.0", "numpy==2.4.6", "pandas==2.3.3", "scikit-learn==1.9.1", "skl2onnx==1.20.0", "onnx==1.23.2", "onnxruntime==1.32.0",
    "protobuf==6.33.6", "mlflow-skinny==3.17.2",
]


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def baseline(training: dsl.Input[dsl.Dataset]) -> float:
    """The Brier score of always saying the mean: what a model has to beat."""
    import duckdb

    mean, = duckdb.sql(f"SELECT avg(late) FROM '{training.path}/*.parquet'").fetchall()[0]
    return mean * (1 - mean)


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def train(
    training: dsl.Input[dsl.Dataset], shuffle_labels: bool, model: dsl.Output[dsl.Model], metrics: dsl.Output[dsl.Metrics],
) -> NamedTuple("Result", [("auc", float), ("brier", float), ("rows", int)]):
    """Fits on the earlier days and scores the last tenth of the days, then fits on all and writes ONNX."""
    import duckdb
    import numpy
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import brier_score_loss, roc_auc_score

    features = [
        "minute_of_day", "weekday", "carrier_code", "origin_code", "distance", "temp", "humid", "wind_speed", "precip", "pressure", "visib",
        "mean_delay", "departures", "late_share",
    ]
    columns = ", ".join(f"CAST({name} AS FLOAT) AS {name}" for name in features)
    table = duckdb.sql(f"SELECT {columns}, late FROM '{training.path}/*.parquet' ORDER BY scheduled_departure, flight_id").fetchnumpy()
    x = numpy.column_stack([numpy.ma.filled(table[name], numpy.nan) for name in features]).astype(numpy.float32)
    y = numpy.asarray(table["late"])
    if shuffle_labels:
        y = numpy.random.default_rng(7).permutation(y)

    def fit(x, y):
        return HistGradientBoostingClassifier(
            max_iter=100, learning_rate=0.1, max_leaf_nodes=15, min_samples_leaf=100, l2_regularization=1.0, early_stopping=False,
            random_state=7).fit(x, y)

    # By time, not at random: a random split would see tomorrow's weather.
    cut = int(len(y) * 0.9)
    score = fit(x[:cut], y[:cut]).predict_proba(x[cut:])[:, 1]
    auc, brier = float(roc_auc_score(y[cut:], score)), float(brier_score_loss(y[cut:], score))
    final = fit(x, y)
    # A fixed name and sorted bytes: the same fit gives the same file, bit for bit.
    graph = convert_sklearn(
        final, name="late_arrival", initial_types=[("features", FloatTensorType([None, len(features)]))],
        options={id(final): {"zipmap": False}}, target_opset={"": 18, "ai.onnx.ml": 3})
    with open(model.path, "wb") as file:
        file.write(graph.SerializeToString(deterministic=True))
    model.metadata["features"] = features
    metrics.log_metric("auc", auc)
    metrics.log_metric("brier", brier)
    print(f"{len(y)} rows, AUC {auc:.4f}, Brier {brier:.4f}")
    return (auc, brier, len(y))


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def register(
    model: dsl.Input[dsl.Model], training: dsl.Input[dsl.Dataset], name: str, auc: float, brier: float, baseline_brier: float, rows: int,
    shuffled: bool,
) -> str:
    """Logs the run and the model with mlflow, and registers it."""
    import mlflow
    import numpy
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    features = model.metadata["features"]
    mlflow.set_experiment("flight delays")
    with mlflow.start_run() as run:
        mlflow.log_params({"rows": rows, "features": len(features), "shuffled_labels": shuffled, "learner": "HistGradientBoosting"})
        mlflow.log_metrics({"auc": auc, "brier": brier, "baseline_brier": baseline_brier, "brier_skill": 1 - brier / baseline_brier})
        signature = ModelSignature(
            Schema([TensorSpec(numpy.dtype("float32"), (-1, len(features)), "features")]),
            Schema([TensorSpec(numpy.dtype("int64"), (-1,), "label"), TensorSpec(numpy.dtype("float32"), (-1, 2), "probabilities")]))
        mlflow.onnx.log_model(
            onnx.load(model.path), name="model", registered_model_name=name, signature=signature, metadata={"features": features},
            pip_requirements=["onnxruntime==1.32.0"])
        return run.info.run_id


@dsl.pipeline(name="train-delay", description="Trains the model of late arrivals on a training set that Gyre joined.")
def train_delay(training: str, model_name: str = "delay", minimum_auc: float = 0.6, shuffle_labels: bool = False):
    data = dsl.importer(artifact_uri=training, artifact_class=dsl.Dataset, reimport=False)
    floor = baseline(training=data.output)
    fitted = train(training=data.output, shuffle_labels=shuffle_labels).set_retry(1)
    with dsl.If(fitted.outputs["auc"] >= minimum_auc, name="good-enough"):
        register(
            model=fitted.outputs["model"], training=data.output, name=model_name, auc=fitted.outputs["auc"], brier=fitted.outputs["brier"],
            baseline_brier=floor.output, rows=fitted.outputs["rows"], shuffled=shuffle_labels).set_caching_options(False)


if __name__ == "__main__":
    compiler.Compiler().compile(train_delay, sys.argv[1])
