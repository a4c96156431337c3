"""Asks a gateway as a user of tritonclient would, and prints what came back as JSON. Argument: HOST:PORT."""

import asyncio
import json
import sys

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

client = triton.InferenceServerClient(sys.argv[1])


def tensor(name, values, binary=True):
    sent = triton.InferInput(name, list(values.shape), triton.np_to_triton_dtype(values.dtype) if values.dtype != object else "BYTES")
    sent.set_data_from_numpy(values, binary_data=binary)
    return sent


def refusal(ask):
    try:
        ask()
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return None


flights = np.array(
    [[83, 0, 5, 45, 11.199999809265137, 11, 9.363636016845703, 71, 4.619718074798584], [83, 0, 5, 0, np.nan, 0, np.nan, 0, np.nan]],
    dtype=np.float32,
)
echoed = {
    "echo": {
        "text": np.array(["SFO", "Zürich \U0001f6eb", ""], dtype=object),
        "whole": np.array([2**63 - 1, -(2**63), 2**53 + 1], dtype=np.int64),
        "small": np.array([2**31 - 1, -(2**31), 0], dtype=np.int32),
        "precise": np.array([0.1, -1e300, 5e-324], dtype=np.float64),
        "flag": np.array([True, False, True]),
    },
    "integers": {
        "tiny": np.array([-128, 127], dtype=np.int8),
        "short": np.array([-(2**15), 2**15 - 1], dtype=np.int16),
        "octet": np.array([0, 255], dtype=np.uint8),
        "word": np.array([0, 2**16 - 1], dtype=np.uint16),
        "wide": np.array([0, 2**32 - 1], dtype=np.uint32),
        "huge": np.array([2**53 + 1, 2**64 - 1], dtype=np.uint64),
    },
}
# Half precision has a binary form alone.
halves = {"half": np.array([0.1, -65504, 2**-24, 0], dtype=np.float16)}


def texts(values):
    return [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]


def differing(model, tensors, binary):
    """The tensors that did not come back as they were sent."""
    sent = [tensor(name, values, binary) for name, values in tensors.items()]
    wanted = None if binary else [triton.InferRequestedOutput(f"{name}_out", binary_data=False) for name in tensors]
    answer = client.infer(model, sent, outputs=wanted, request_id=f"triton-{model}-{binary}")
    return [name for name, values in tensors.items() if texts(answer.as_numpy(f"{name}_out")) != texts(values)]


def compressed(algorithm):
    """Whether many rows are answered alike with a body and an answer that are compressed."""
    rows = np.repeat(flights, 200, axis=0)
    ways = [{}, {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}]
    plain, packed = [client.infer("flight-delay", [tensor("features", rows)], **way).as_numpy("probabilities") for way in ways]
    return plain.shape[0] == len(rows) and np.array_equal(plain, packed)


async def asked_by_aio():
    """Its HTTP library asks for compressed answers by itself, and it decompresses those of inference alone."""
    async with triton_aio.InferenceServerClient(sys.argv[1]) as aio:
        rows = np.repeat(flights, 200, axis=0)
        answer = await aio.infer("flight-delay", [tensor("features", rows)])
        statistics = await aio.get_inference_statistics()
        return [len(answer.as_numpy("probabilities")), (await aio.get_model_config("echo"))["name"], len(statistics["model_stats"]) > 0]


binary = client.infer("flight-delay", [tensor("features", flights)], request_id="triton-flights")
pinned = client.infer("flight-delay", [tensor("features", flights[:1, :3])], model_version="1")
as_json = client.infer(
    "flight-delay",
    [tensor("features", flights[:1], binary=False)],
    outputs=[triton.InferRequestedOutput("probabilities", binary_data=False)],
)
print(
    json.dumps(
        {
            "health": [client.is_server_live(), client.is_server_ready(), client.is_model_ready("flight-delay")],
            "server": client.get_server_metadata(),
            "metadata": client.get_model_metadata("echo"),
            "config": client.get_model_config("flight-delay"),
            "binary": [binary.get_response()["id"], binary.as_numpy("probabilities").tolist()],
            "json": as_json.as_numpy("probabilities").tolist(),
            "pinned": [pinned.get_response()["model_version"], list(pinned.as_numpy("probabilities").shape)],
            **{model: {"binary": differing(model, tensors, True), "json": differing(model, tensors, False)} for model, tensors in echoed.items()},
            "compressed": [compressed("gzip"), compressed("deflate")],
            "aio": asyncio.run(asked_by_aio()),
            "index": client.get_model_repository_index(),
            "halves": differing("halves", halves, True),
            "refused": {
                "datatype": refusal(lambda: client.infer("flight-delay", [tensor("features", flights.astype(np.float64))])),
                "model": refusal(lambda: client.infer("none", [tensor("features", flights)])),
                "version": refusal(lambda: client.get_model_metadata("flight-delay", "9")),
            },
            "all": [one["name"] for one in client.get_inference_statistics()["model_stats"]],
            "counted": client.get_inference_statistics("echo")["model_stats"][0]["inference_count"],
        }
    )
)
