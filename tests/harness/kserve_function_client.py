"""KServe's own client against a function that doubles: kserve_function_client.py URL. Ends with 1 where an answer is wrong."""
import asyncio
import sys

from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig


async def ask(url: str) -> None:
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        assert await client.is_model_ready(url, "twice") is True
        assert await client.infer(url, {"instances": [[1, 2], [3, 4]]}, model_name="twice") == {"predictions": [[2, 4], [6, 8]]}
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        assert await client.is_server_ready(url) and await client.is_model_ready(url, "twice")
        request = InferRequest(model_name="twice", infer_inputs=[InferInput("x", [2], "FP32", data=[1.5, -2.0])])
        answer = await client.infer(url, request, model_name="twice")
        assert [(one.name, one.data) for one in answer.outputs] == [("doubled_x", [3.0, -4.0])]


asyncio.run(ask(sys.argv[1]))
