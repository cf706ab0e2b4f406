# SPDX-License-Identifier: Apache-2.0
# /// script
# requires-python = "==3.11.*"
# dependencies = ["mlflow==3.17.2", "scikit-learn==1.8.0", "pandas>=2", "unidecode==1.4.0"]
# ///
"""Trains prices of flats from numbers and texts, and registers the model: a pipeline with a step of its own and packages of its own.

uv run Examples/prices/train.py [ADDRESS]

The versions above are not those of set-up. The server makes an environment with them before the model is deployed:

gyre up --trust-models
gyre endpoint deploy prices
curl -s 127.0.0.1:5000/endpoints/prices/invocations -H 'Content-Type: application/json' \\
  -d '{"dataframe_records": [{"rooms": 3, "size": 71.5, "city": "Zürich", "condition": "as new"}]}'
"""
import sys

import mlflow
import numpy
import pandas
from mlflow.models import infer_signature
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


class Plain(BaseEstimator, TransformerMixin):
    """Texts as people write them, in one spelling: without accents, in small letters."""

    def fit(self, x, y=None):
        self.n_features_in_ = x.shape[1]
        return self

    def transform(self, x):
        from unidecode import unidecode

        return pandas.DataFrame(x).map(lambda text: unidecode(str(text)).strip().lower())

    def get_feature_names_out(self, names=None):
        return names


def flats(count=4000):
    """Flats as they are offered, with their prices; drawn, so that nothing has to be fetched."""
    luck = numpy.random.default_rng(11)
    x = pandas.DataFrame({
        "rooms": luck.integers(1, 7, count).astype(float), "size": luck.normal(75, 25, count).clip(18).round(1),
        "city": luck.choice(["Zürich", "zurich", "Genève", "Geneve", "Bern", "BERN "], count), "condition": luck.choice(["as new", "good", "poor"], count)})
    place = x["city"].str.strip().str.lower().map(lambda city: {"z": 1.4, "g": 1.2, "b": 1.0}[city[0]])
    price = (x["size"] * 9000 + x["rooms"] * 12000) * place * x["condition"].map({"as new": 1.2, "good": 1.0, "poor": 0.8})
    x.loc[luck.random(count) < 0.05, "size"] = numpy.nan
    return x, (price * luck.normal(1, 0.05, count)).round(-3)


def main():
    mlflow.set_tracking_uri(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000")
    mlflow.set_experiment("prices")
    x, price = flats()
    model = make_pipeline(
        ColumnTransformer([
            ("numbers", SimpleImputer(), ["rooms", "size"]),
            ("texts", make_pipeline(Plain(), OneHotEncoder(handle_unknown="ignore")), ["city", "condition"])]),
        GradientBoostingRegressor(random_state=0)).fit(x, price)
    with mlflow.start_run():
        mlflow.log_metric("r2", model.score(x, price))
        mlflow.sklearn.log_model(
            model, name="model", registered_model_name="prices", signature=infer_signature(x, model.predict(x.head())), input_example=x.head(20),
            serialization_format="cloudpickle", pip_requirements=["mlflow", "scikit-learn==1.8.0", "pandas", "unidecode==1.4.0"])
    asked = pandas.DataFrame([{"rooms": 3.0, "size": 71.5, "city": "Zürich", "condition": "as new"}])
    print(f"prices, asked for {asked.to_dict('records')[0]}: {model.predict(asked)[0]:.6f}")


if __name__ == "__main__":
    main()
