"""The example model as a BentoML service: features from Redis, ONNX Runtime in the process, an answer per request, no event kept."""

import os
import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

import bentoml
import numpy
import onnxruntime
import redis.asyncio as redis
from pydantic import BaseModel

ZONES = {"ATL": "America/New_York", "DTW": "America/Detroit", "ORD": "America/Chicago", "DFW": "America/Chicago", "MSP": "America/Chicago"}
ZONES |= {"DEN": "America/Denver", "PHX": "America/Phoenix", "LAX": "America/Los_Angeles", "SFO": "America/Los_Angeles", "SEA": "America/Los_Angeles"}


class Entities(BaseModel):
    origin: str
    destination: str


class Features(BaseModel):
    distance: float


class PredictResponse(BaseModel):
    prediction_id: str
    outputs: dict[str, float]
    decision: str


@bentoml.service(workers=1, traffic={"timeout": 10}, logging={"access": {"enabled": False}})
class FlightDelay:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL_FILE"], options)
        self.store = redis.from_url(os.environ["REDIS_URL"])

    @bentoml.api
    async def predict(
        self, entities: Entities, anchor_time: datetime, features: Features, tags: list[str], options: dict[str, float]
    ) -> PredictResponse:
        async with self.store.pipeline(transaction=False) as pipeline:
            pipeline.hmget(f"arrivals:{entities.origin}", "count_3h", "mean_delay_3h")
            pipeline.hmget(f"arrivals:{entities.destination}", "count_3h", "mean_delay_3h")
            pipeline.hmget(f"departures:{entities.origin}", "count_3h", "mean_delay_3h")
            rows = await pipeline.execute()
        windows = [float("nan") if value is None else float(value) for row in rows for value in row]
        local = anchor_time.astimezone(ZoneInfo(ZONES[entities.origin]))
        row = numpy.array([[features.distance, local.hour, local.isoweekday(), *windows]], dtype=numpy.float32)
        late = float(self.session.run(["probabilities"], {"features": row})[0][0][1])
        decision = "late" if late >= 0.4 else "on_time"
        return PredictResponse(prediction_id=str(uuid.uuid4()), outputs={"probability_late": late}, decision=decision)
