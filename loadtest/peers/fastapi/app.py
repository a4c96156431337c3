"""The example model as a FastAPI service: features from Redis, ONNX Runtime in the process, an answer per request, no event kept."""

import os
import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy
import onnxruntime
import redis.asyncio as redis
from fastapi import FastAPI
from pydantic import BaseModel

ZONES = {"ATL": "America/New_York", "DTW": "America/Detroit", "ORD": "America/Chicago", "DFW": "America/Chicago", "MSP": "America/Chicago"}
ZONES |= {"DEN": "America/Denver", "PHX": "America/Phoenix", "LAX": "America/Los_Angeles", "SFO": "America/Los_Angeles", "SEA": "America/Los_Angeles"}

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL_FILE"], options)
store = redis.from_url(os.environ["REDIS_URL"])
app = FastAPI()


class Entities(BaseModel):
    origin: str
    destination: str


class Features(BaseModel):
    distance: float


class PredictRequest(BaseModel):
    entities: Entities
    anchor_time: datetime
    features: Features
    tags: list[str] = []
    options: dict[str, float] = {}


class PredictResponse(BaseModel):
    prediction_id: str
    outputs: dict[str, float]
    decision: str


async def read_windows(origin: str, destination: str) -> list[float]:
    async with store.pipeline(transaction=False) as pipeline:
        pipeline.hmget(f"arrivals:{origin}", "count_3h", "mean_delay_3h")
        pipeline.hmget(f"arrivals:{destination}", "count_3h", "mean_delay_3h")
        pipeline.hmget(f"departures:{origin}", "count_3h", "mean_delay_3h")
        rows = await pipeline.execute()
    return [float("nan") if value is None else float(value) for row in rows for value in row]


@app.post("/predict")
async def predict(request: PredictRequest) -> PredictResponse:
    entities = request.entities
    windows = await read_windows(entities.origin, entities.destination)
    local = request.anchor_time.astimezone(ZoneInfo(ZONES[entities.origin]))
    row = numpy.array([[request.features.distance, local.hour, local.isoweekday(), *windows]], dtype=numpy.float32)
    probabilities = session.run(["probabilities"], {"features": row})[0]
    late = float(probabilities[0][1])
    decision = "late" if late >= 0.4 else "on_time"
    return PredictResponse(prediction_id=str(uuid.uuid4()), outputs={"probability_late": late}, decision=decision)
