"""The real clients of model servers, all with one face: rows in, the first output as a list out.

`where` is (address, port, authority): the server or the gateway, and the host that routes to the model."""
import asyncio
import functools
import json
import os
import subprocess
import sys
import urllib.request

import numpy as np

GRPCURL = os.environ.get("GRPCURL", "grpcurl")


def curl_v1(where, model, rows):
    address, port, authority = where
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "-H", f"Host: {authority}", "--data-binary", "@-",
                           f"http://{address}:{port}/v1/models/{model}:predict"],
                          input=json.dumps({"instances": rows.tolist()}), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["predictions"]


def curl_v2(where, model, rows):
    address, port, authority = where
    body = {"inputs": [{"name": "x", "shape": list(rows.shape), "datatype": "FP64", "data": rows.ravel().tolist()}]}
    request = urllib.request.Request(f"http://{address}:{port}/v2/models/{model}/infer", json.dumps(body).encode(),
                                     {"Host": authority, "Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=30))["outputs"][0]["data"]


def triton_http(where, model, rows, binary=True):
    import tritonclient.http as client

    address, port, authority = where
    server = client.InferenceServerClient(f"{address}:{port}")
    tensor = client.InferInput("x", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows.astype(np.float32), binary_data=binary)
    answer = server.infer(model, [tensor], headers={"Host": authority})
    name = answer.get_response()["outputs"][0]["name"]
    return answer.as_numpy(name).tolist()


def triton_http_json(where, model, rows):
    return triton_http(where, model, rows, binary=False)


def triton_grpc(where, model, rows):
    import tritonclient.grpc as client

    address, port, authority = where
    server = client.InferenceServerClient(f"{address}:{port}", channel_args=[("grpc.default_authority", authority)])
    tensor = client.InferInput("x", list(rows.shape), "FP64")
    tensor.set_data_from_numpy(rows)
    answer = server.infer(model, [tensor])
    return answer.as_numpy(answer.get_response().outputs[0].name).tolist()


def apart(client):
    """In a process of its own: the SDK's gRPC messages have the names of tritonclient's."""

    @functools.wraps(client)
    def run(where, model, rows):
        text = json.dumps([client.__name__, where, model, np.asarray(rows).tolist()])
        done = subprocess.run([sys.executable, __file__], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run if __name__ != "__main__" else client


@apart
def kserve_v1(where, model, rows):
    from kserve import InferenceRESTClient, RESTConfig

    address, port, authority = where

    async def ask():
        client = InferenceRESTClient(RESTConfig(protocol="v1", retries=0))
        answer = await client.infer(f"http://{address}:{port}", {"instances": rows.tolist()}, model_name=model, headers={"Host": authority})
        await client.close()
        return answer["predictions"]

    return asyncio.run(ask())


def kserve_request(model, rows):
    from kserve import InferInput, InferRequest

    tensor = InferInput("x", list(rows.shape), "FP64")
    tensor.set_data_from_numpy(rows, binary_data=False)
    return InferRequest(model, [tensor], request_id="from-kserve")


@apart
def kserve_v2(where, model, rows):
    from kserve import InferenceRESTClient, RESTConfig

    address, port, authority = where

    async def ask():
        client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
        answer = await client.infer(f"http://{address}:{port}", kserve_request(model, rows), model_name=model, headers={"Host": authority})
        await client.close()
        assert answer.id == "from-kserve", answer
        return answer.outputs[0].as_numpy().tolist()

    return asyncio.run(ask())


@apart
def kserve_grpc(where, model, rows):
    from kserve import InferenceGRPCClient

    address, port, authority = where

    async def ask():
        client = InferenceGRPCClient(f"{address}:{port}", channel_args=[("grpc.default_authority", authority)], retries=0)
        answer = await client.infer(kserve_request(model, rows))
        await client.close()
        return answer.outputs[0].as_numpy().tolist()

    return asyncio.run(ask())


def grpcurl(where, model, rows):
    address, port, authority = where
    request = {"modelName": model, "inputs": [{"name": "x", "datatype": "FP64", "shape": list(rows.shape),
                                               "contents": {"fp64Contents": rows.ravel().tolist()}}]}
    done = subprocess.run([GRPCURL, "-plaintext", "-authority", authority, "-d", "@", f"{address}:{port}",
                           "inference.GRPCInferenceService/ModelInfer"], input=json.dumps(request), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    contents = json.loads(done.stdout)["outputs"][0]["contents"]
    kind, values = next(iter(contents.items()))
    return [float(v) if kind.startswith("fp") else int(v) for v in values]


V1 = [curl_v1, kserve_v1]
V2 = [curl_v2, triton_http, triton_http_json, kserve_v2]
GRPC = [triton_grpc, kserve_grpc, grpcurl]

if __name__ == "__main__":
    name, where, model, rows = json.load(sys.stdin)
    print(json.dumps(globals()[name](where, model, np.asarray(rows))))
