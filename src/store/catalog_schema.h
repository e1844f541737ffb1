// The schema of catalog.db: the n-th script leads from version n−1 to n. A script that was released never changes.
#pragma once

namespace ebb::store {

inline constexpr const char* kCatalogSchema[] = {R"sql(
CREATE TABLE models(
  name TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, added_ms INTEGER NOT NULL, source TEXT NOT NULL,
  architecture TEXT NOT NULL, title TEXT NOT NULL, quantization TEXT NOT NULL, parameters INTEGER NOT NULL, weights_bytes INTEGER NOT NULL,
  layers INTEGER NOT NULL, train_context INTEGER NOT NULL, vocabulary INTEGER NOT NULL, kv_bytes_per_token INTEGER NOT NULL,
  has_chat_template INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(name, version)) STRICT, WITHOUT ROWID;
CREATE TABLE revisions(
  id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, created_ms INTEGER NOT NULL, engine TEXT NOT NULL,
  wanted_name TEXT, wanted_version INTEGER, wanted_memory_mib INTEGER, wanted_context INTEGER,
  scaling_min INTEGER NOT NULL, scaling_max INTEGER NOT NULL, idle_ms INTEGER, keep_ms INTEGER NOT NULL,
  queue INTEGER NOT NULL, wait_ms INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  memory_mib INTEGER NOT NULL, context_tokens INTEGER NOT NULL,
  model_name TEXT, model_version INTEGER, digest TEXT, added_ms INTEGER, source TEXT, architecture TEXT, title TEXT, quantization TEXT,
  parameters INTEGER, weights_bytes INTEGER, layers INTEGER, train_context INTEGER, vocabulary INTEGER, kv_bytes_per_token INTEGER,
  has_chat_template INTEGER, checksum INTEGER NOT NULL) STRICT;
CREATE TABLE endpoints(name TEXT PRIMARY KEY, revision INTEGER NOT NULL REFERENCES revisions(id), checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)sql",
                                                 // Checksums cover all columns in the order of the statements below. A damaged row keeps its wrong one.
                                                 R"sql(
ALTER TABLE models ADD COLUMN pooling TEXT NOT NULL DEFAULT '';
ALTER TABLE models ADD COLUMN width INTEGER NOT NULL DEFAULT 0;
UPDATE models SET checksum = row_checksum(name, version, digest, added_ms, source, architecture, title, quantization, parameters, weights_bytes, layers,
    train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width)
  WHERE checksum = row_checksum(name, version, digest, added_ms, source, architecture, title, quantization, parameters, weights_bytes, layers,
    train_context, vocabulary, kv_bytes_per_token, has_chat_template);
ALTER TABLE revisions ADD COLUMN pooling TEXT;
ALTER TABLE revisions ADD COLUMN width INTEGER;
UPDATE revisions SET checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width)
  WHERE checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template);
)sql",
                                                 R"sql(
CREATE TABLE images(
  name TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, added_ms INTEGER NOT NULL, source TEXT NOT NULL, facts TEXT NOT NULL,
  checksum INTEGER NOT NULL, PRIMARY KEY(name, version)) STRICT, WITHOUT ROWID;
)sql",
                                                 R"sql(
CREATE TABLE functions(revision INTEGER PRIMARY KEY REFERENCES revisions(id), function TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT;
)sql",
                                                 // Models in ONNX. `tensors`: inputs and outputs, as JSON.
                                                 R"sql(
ALTER TABLE models ADD COLUMN format TEXT NOT NULL DEFAULT 'gguf';
ALTER TABLE models ADD COLUMN task TEXT NOT NULL DEFAULT 'tensors';
ALTER TABLE models ADD COLUMN tensors TEXT NOT NULL DEFAULT '';
UPDATE models SET checksum = row_checksum(name, version, digest, added_ms, source, architecture, title, quantization, parameters, weights_bytes, layers,
    train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width, format, task, tensors)
  WHERE checksum = row_checksum(name, version, digest, added_ms, source, architecture, title, quantization, parameters, weights_bytes, layers,
    train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width);
ALTER TABLE revisions ADD COLUMN format TEXT;
ALTER TABLE revisions ADD COLUMN task TEXT;
ALTER TABLE revisions ADD COLUMN tensors TEXT;
UPDATE revisions SET format = 'gguf', task = 'tensors', tensors = '', checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width, 'gguf', 'tensors', '')
  WHERE model_name IS NOT NULL AND checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width);
UPDATE revisions SET checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width, format, task, tensors)
  WHERE model_name IS NULL AND checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width);
)sql",
                                                 // What is kept warm. `schedule`: see schedule_text.h.
                                                 R"sql(
ALTER TABLE revisions ADD COLUMN provisioned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revisions ADD COLUMN schedule TEXT NOT NULL DEFAULT '';
UPDATE revisions SET checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, provisioned, schedule, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width, format, task, tensors)
  WHERE checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width, format, task, tensors);
)sql",
                                                 // The class of an endpoint's calls (domain::to_string), and how many of its slots they are to take.
                                                 R"sql(
ALTER TABLE revisions ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal';
ALTER TABLE revisions ADD COLUMN target_percent INTEGER NOT NULL DEFAULT 100;
UPDATE revisions SET checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, provisioned, schedule, priority, target_percent, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width, format, task, tensors)
  WHERE checksum = row_checksum(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min,
    scaling_max, idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, provisioned, schedule, model_name, model_version, digest, added_ms, source, architecture,
    title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width, format, task, tensors);
)sql"};

}  // namespace ebb::store
