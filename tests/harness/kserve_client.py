"""KServe's own client against a server: kserve_client.py URL GRPC_PORT (0: HTTP only). The model "e" echoes. Ends with 1 where an answer is wrong."""
import asyncio
import sys

import httpx
import numpy
from kserve import InferInput, InferRequest, InferenceGRPCClient, InferenceRESTClient, RESTConfig

ARRAY = numpy.array([[1.5, -2], [0.1, 4]], numpy.float32)
TEXTS = numpy.array(["a", "ä"], numpy.object_)


def request(binary: bool) -> InferRequest:
    numbers, texts = InferInput("x", list(ARRAY.shape), "FP32"), InferInput("t", [2], "BYTES")
    numbers.set_data_from_numpy(ARRAY, binary_data=binary)
    texts.set_data_from_numpy(TEXTS, binary_data=binary)
    return InferRequest(model_name="e", infer_inputs=[numbers, texts], request_id="7", parameters={"binary_data_output": binary})


def check(answer) -> None:
    outputs = {output.name: output.as_numpy() for output in answer.outputs}
    assert numpy.array_equal(outputs["x"], ARRAY), outputs
    assert [text.decode() if isinstance(text, bytes) else text for text in outputs["t"]] == list(TEXTS), outputs
    assert answer.id == "7" and answer.model_name == "e", answer


async def over_http(url: str) -> None:
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        assert await client.is_server_live(url) and await client.is_server_ready(url) and await client.is_model_ready(url, "e")
        assert not await client.is_model_ready(url, "nobody")
        for binary in (True, False):
            check(await client.infer(url, request(binary), model_name="e"))
        try:
            await client.infer(url, request(True), model_name="nobody")
            raise AssertionError("a model that is not there was answered")
        except httpx.HTTPStatusError as refused:
            assert refused.response.status_code == 404 and "there is no endpoint 'nobody'" in str(refused), refused
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        assert await client.is_model_ready(url, "e") is True
        assert await client.infer(url, {"instances": [[1, 2], [3, 4]]}, model_name="e") == {"predictions": [[1, 2], [3, 4]]}


async def over_grpc(port: int) -> None:
    async with InferenceGRPCClient(f"127.0.0.1:{port}") as client:
        assert await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready("e")
        check(await client.infer(request(True)))


asyncio.run(over_http(sys.argv[1]))
if sys.argv[2] != "0":
    asyncio.run(over_grpc(int(sys.argv[2])))
