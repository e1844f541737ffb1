"""Handlers for AWS's own runtime client in Python."""
import os
import time


def hello(event, context):
    return {
        "event": event,
        "request": context.aws_request_id,
        "function": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "left": context.get_remaining_time_in_millis(),
        "client": context.client_context.custom if context.client_context else None,
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
    }


def fails(event, context):
    print("about to fail")
    raise ValueError(f"bad event {event}")


def hangs(event, context):
    time.sleep(3600)


def leaves(event, context):
    os._exit(9)


active = 0


def crowded(event, context):
    """How many calls were in this process at once, and which process it is."""
    global active
    active += 1
    time.sleep(event)
    seen, active = active, active - 1
    return [seen, os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]]


def eats(event, context):
    kept = []
    while True:
        kept.append(b"x" * (4 << 20))
