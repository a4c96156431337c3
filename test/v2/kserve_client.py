"""Asks a gateway as a user of KServe's client would, and prints what came back as JSON. Argument: the base URL."""

import asyncio
import json
import sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

url = sys.argv[1]
flight = np.array([[83, 0, 5, 45, 11.199999809265137, 11, 9.363636016845703, 71, 4.619718074798584]], dtype=np.float32)


def request(binary, **more):
    sent = InferInput("features", list(flight.shape), "FP32")
    sent.set_data_from_numpy(flight, binary_data=binary)
    return InferRequest(model_name="flight-delay", infer_inputs=[sent], **more)


def told(answer):
    output = answer.outputs[0]
    return {"id": answer.id, "model": answer.model_name, "parameters": answer.parameters, "output": [output.name, output.as_numpy().tolist()]}


async def refusal(client):
    try:
        await client.infer(url, request(False), model_name="none")
    except httpx.HTTPStatusError as error:
        return [error.response.status_code, str(error)]
    return None


async def main():
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    ready = [await client.is_server_live(url), await client.is_server_ready(url), await client.is_model_ready(url, "flight-delay")]
    as_json = await client.infer(url, request(False, request_id="kserve-json"), model_name="flight-delay")
    as_binary = await client.infer(url, request(True, request_id="kserve-binary", parameters={"binary_data_output": True}), model_name="flight-delay")
    print(json.dumps({"health": ready, "json": told(as_json), "binary": told(as_binary), "refused": await refusal(client)}))


asyncio.run(main())
