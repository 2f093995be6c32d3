"""Score customers by their orders: how likely each is to order again."""

import argparse

import features
from cicd_assets import INPUTS, OUTPUTS
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--today", required=True)
options, _ = parser.parse_known_args()  # cicd also adds --inputs and --outputs

spark = SparkSession.builder.getOrCreate()
urls = {asset["name"]: asset["url"] for asset in (*INPUTS, *OUTPUTS)}
orders = spark.read.csv(urls["orders"], header=True, inferSchema=True)
customers = features.of_customers(orders)
days = f.datediff(f.lit(options.today).cast("date"), "last_day")
scores = customers.withColumn("score", f.round(f.exp(-days / 60) * f.log1p("orders"), 3))
scores.orderBy(f.desc("score")).coalesce(1).write.mode("overwrite").csv(urls["scores"], header=True)
print(f"customers={scores.count()}")
print(f"best={scores.agg(f.max('score')).first()[0]}")
