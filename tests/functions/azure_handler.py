"""A custom handler of Azure Functions, for the tests: it tells what it was called with, or fails as its name says."""
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/fails":
            return self.reply(500, b"no luck")
        if self.path == "/garbage":
            return self.reply(200, b"no json")
        if self.path == "/closes":
            return self.connection.close()
        req = call["Data"]["req"]
        told = " ".join([call["Metadata"]["sys"]["MethodName"], req["Method"], req["Query"], json.dumps(req["Headers"]["X-Mine"]), req["Body"]])
        answer = {"Outputs": {"res": {"statusCode": 201, "headers": {"X-Handler": "yes"}, "body": told}}, "Logs": ["one line"], "ReturnValue": None}
        self.reply(200, json.dumps(answer).encode())

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"])), Handler).serve_forever()
