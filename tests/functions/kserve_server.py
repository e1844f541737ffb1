"""A model server that speaks KServe's V1 and the Open Inference Protocol over REST, with nothing but the standard library: it doubles numbers."""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "twice"


def doubled(value):
    return [doubled(one) for one in value] if isinstance(value, list) else 2 * value


def infer(body):
    outputs = [{"name": "doubled_" + one["name"], "datatype": one["datatype"], "shape": one["shape"], "data": doubled(one["data"])} for one in body["inputs"]]
    return {"model_name": MODEL, "id": body.get("id", ""), "outputs": outputs}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        answers = {"/v2/health/live": {"live": True}, "/v2/health/ready": {"ready": True}, f"/v2/models/{MODEL}/ready": {"name": MODEL, "ready": True},
                   "/v1/models": {"models": [MODEL]}, f"/v1/models/{MODEL}": {"name": MODEL, "ready": True},
                   f"/v2/models/{MODEL}": {"name": MODEL, "platform": "python", "inputs": [], "outputs": []}}
        self.reply(200 if self.path in answers else 404, answers.get(self.path, {"error": "nothing here"}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == f"/v2/models/{MODEL}/infer":
            return self.reply(200, infer(body))
        if self.path == f"/v1/models/{MODEL}:predict":
            return self.reply(200, {"predictions": doubled(body["instances"])})
        self.reply(404, {"error": "nothing here"})

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
