"""Say who is to be written to: the customers with the lowest scores."""

from cicd_assets import INPUTS
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
[scores] = INPUTS
rows = spark.read.csv(scores["url"], header=True, inferSchema=True).orderBy("score").take(2)
for row in rows:
    print(f"write to {row.customer}: score {row.score}")
