"""Feast's Python feature server: 50 features of each shop in Redis, read over HTTP, no model, no event kept."""

import os
import sys
from datetime import datetime, timedelta, timezone

import pandas
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float32

FEATURES = [f"f{index}" for index in range(int(os.environ["FEATURES"]))]
SHOPS = int(os.environ["SHOPS"])

config = RepoConfig(
    project="shapes",
    provider="local",
    registry=os.path.abspath("registry.db"),
    online_store={"type": "redis", "connection_string": os.environ["REDIS_URL"].removeprefix("redis://")},
    entity_key_serialization_version=3,
)
# Values are written to the online store as they are: nothing is read from the file.
now = datetime.now(timezone.utc)
values = pandas.DataFrame({name: [float(shop + at) for shop in range(SHOPS)] for at, name in enumerate(FEATURES)}, dtype="float32")
values["shop"] = [f"shop-{shop}" for shop in range(SHOPS)]
values["event_timestamp"] = values["created"] = now
values.to_parquet("values.parquet")

shop = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)
view = FeatureView(
    name="sales",
    entities=[shop],
    ttl=timedelta(days=1),
    schema=[Field(name=name, dtype=Float32) for name in FEATURES],
    source=FileSource(path=os.path.abspath("values.parquet"), timestamp_field="event_timestamp", created_timestamp_column="created"),
)
store = FeatureStore(config=config)
store.apply([shop, view])
store.write_to_online_store("sales", values)
store.serve(host="127.0.0.1", port=int(sys.argv[1]), type_="http", no_access_log=True, workers=1)
