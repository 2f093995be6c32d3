"""Fit what a house sells for: least squares over its area and rooms."""

from cicd_assets import INPUTS, OUTPUTS
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

spark = SparkSession.builder.getOrCreate()
[given], [made] = INPUTS, OUTPUTS
houses = spark.read.csv(given["url"], header=True, inferSchema=True)
names = ["area", "rooms", "price"]
pairs = [(one, other) for one in names for other in names]
sums = [f.covar_pop(one, other).alias(f"{one}_{other}") for one, other in pairs]
row = houses.agg(*[f.avg(name).alias(name) for name in names], *sums).first()
# two equations for the two slopes
a, b, c = row.area_area, row.area_rooms, row.rooms_rooms
p, q = row.area_price, row.rooms_price
area, rooms = (p * c - q * b) / (a * c - b * b), (q * a - p * b) / (a * c - b * b)
model = {"area": area, "rooms": rooms, "base": row.price - area * row.area - rooms * row.rooms}
spark.createDataFrame([model]).coalesce(1).write.mode("overwrite").json(made["url"])
print(f"r2={(area * p + rooms * q) / row.price_price:.3f}")
