#!/usr/bin/env bash
# A streamed answer with curl alone, as server-sent events. Run: bash examples/curl.sh
set -euo pipefail

curl -sS -N --fail-with-body "$OPENAI_BASE_URL/chat/completions" \
  -H "Authorization: Bearer $OPENAI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "'"${MODEL:-chat}"'",
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 60,
    "stream": true
  }'
