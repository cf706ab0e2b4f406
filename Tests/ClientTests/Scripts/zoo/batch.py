# SPDX-License-Identifier: Apache-2.0
"""Whole datasets predicted by models of each kind: the same answers as the models' own pyfunc, with lineage."""
import sys
import warnings

warnings.simplefilter("ignore")

import mlflow
import numpy
import pandas
from mlflow.models import infer_signature
from server import Server
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

work = sys.argv[2]
server = Server(sys.argv[1], work, options=["--trust-models"]).start()
mlflow.set_tracking_uri(server.url)
luck = numpy.random.default_rng(5)
rows = pandas.DataFrame({"price": luck.normal(10, 3, 20_000), "age": luck.integers(1, 90, 20_000), "city": luck.choice(["Rome", "Oslo", "Lima"], 20_000)})
sold = numpy.where((rows["price"] < 10) ^ (rows["city"] == "Oslo"), "yes", "no")
pipe = make_pipeline(
    ColumnTransformer([("n", StandardScaler(), ["price", "age"]), ("c", OneHotEncoder(), ["city"])]), LogisticRegression()).fit(rows, sold)
mlflow.sklearn.log_model(
    pipe, name="model", registered_model_name="mixed", signature=infer_signature(rows, sold), input_example=rows.head(50), serialization_format="cloudpickle")
numbers = rows[["price", "age"]].astype(float)
boosted = XGBClassifier(n_estimators=5).fit(numbers, (sold == "yes").astype(int))
mlflow.xgboost.log_model(boosted, name="model", registered_model_name="boosted", signature=infer_signature(numbers))


class Own(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return pandas.DataFrame({"double": model_input["price"] * 2, "city": model_input["city"].str.upper()})


mlflow.pyfunc.log_model(
    name="model", python_model=Own(), registered_model_name="own", signature=infer_signature(rows), pip_requirements=["mlflow"])
rows.to_parquet(f"{work}/rows.parquet", index=False)
rows.to_csv(f"{work}/rows.csv", index=False)

told = server.run("model", "predict", "mixed", "--input", f"{work}/rows.parquet", "--output", f"{work}/mixed.parquet").stdout
assert "20000 rows" in told and "model/mixed@1" in told, told
found = pandas.read_parquet(f"{work}/mixed.parquet")
assert list(found.columns) == ["price", "age", "city", "predict"] and (found["price"] == rows["price"]).all()
assert (found["predict"] == pipe.predict(rows)).all()
# The same data as CSV is another dataset of the same rows; a dataset is asked by its name, and again it is no new version.
server.run("model", "predict", "boosted", "--input", f"{work}/rows.csv", "--output", f"{work}/boosted.csv", "--dataset", "scored")
found = pandas.read_csv(f"{work}/boosted.csv")
output = [name for name in found.columns if name not in rows.columns]
assert len(found) == 20_000 and (found[output[0]] == boosted.predict(numbers)).all(), found.head()
first = server.run("model", "predict", "own@1", "--input", "dataset/rows", "--dataset", "doubled", "--format", "json").stdout
again = server.run("model", "predict", "own@1", "--input", "dataset/rows", "--dataset", "doubled", "--format", "json").stdout
assert first == again
lineage = server.run("lineage", "dataset/doubled").stdout
assert "model/own@1" in lineage and "dataset/rows@" in lineage, lineage
# Times, lists and large numbers among the columns keep nobody from the others, and come back as they were.
odd = rows.head(10).assign(at=pandas.Timestamp("2026-01-02 03:04:05"), tags=[["a"]] * 10, big=numpy.uint64(2**63))
odd.to_parquet(f"{work}/odd.parquet", index=False)
server.run("model", "predict", "mixed", "--input", f"{work}/odd.parquet", "--output", f"{work}/odd-out.parquet")
found = pandas.read_parquet(f"{work}/odd-out.parquet")
assert (found["predict"] == pipe.predict(rows.head(10))).all() and (found["at"] == odd["at"]).all() and list(found["tags"][0]) == ["a"], found.head()
# What it would do; what cannot be.
assert "would predict" in server.run("model", "predict", "own", "--input", "dataset/rows", "--dry-run").stdout
server.run("model", "predict", "own", "--input", "dataset/nothing", status=3)
server.run("model", "predict", "nothing", "--input", "dataset/rows", status=3)
server.run("model", "predict", "own", "--input", f"{work}/gone.csv", status=3)
open(f"{work}/narrow.csv", "w").write("price\n1.0\n")
said = server.run("model", "predict", "mixed", "--input", f"{work}/narrow.csv", status=64).stderr
assert "age" in said, said
open(f"{work}/empty.csv", "w").write("price,age,city\n")
assert "no rows" in server.run("model", "predict", "mixed", "--input", f"{work}/empty.csv", status=64).stderr
server.stop()
print("whole datasets were predicted")
